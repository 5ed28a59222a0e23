import { namespaces, type Namespace } from "../generated/core-v1.ts";
import { changeField, withDefaults, withField, withStruct } from "../defaulting.ts";
import { dnsLabelName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepSpec } from "../strategy.ts";
import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { qualifiedName } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";

/** The label by which a namespace can be selected by its name. */
const nameLabel = "kubernetes.io/metadata.name";
/** While this finalizer stands, the namespace's content is still being deleted. */
const finalizer = "kubernetes";

const withNameLabel = (namespace: Namespace): Namespace => {
  const { name = "", labels = {} } = namespace.metadata;
  return name === "" || labels[nameLabel] === name ? namespace : { ...namespace, metadata: { ...namespace.metadata, labels: { ...labels, [nameLabel]: name } } };
};

export const namespaceResource = defineResource<Namespace>(namespaces, {
  validateName: dnsLabelName,
  defaults: (namespace) => changeField(withStruct(withNameLabel(namespace), "status"), "status", (status) => withDefaults(status, { phase: "Active" })),
  prepareForCreate(namespace) {
    const finalizers = namespace.spec?.finalizers ?? [];
    return {
      ...withNameLabel(namespace),
      spec: { ...namespace.spec, finalizers: finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer] },
      status: { phase: "Active" },
    };
  },
  prepareForUpdate: (next, previous) => withField(withField(withNameLabel(next), "spec", previous.spec), "status", previous.status),
  subresources: {
    status: {
      prepareForUpdate: keepSpec,
      validateUpdate({ metadata, status }) {
        const errors: FieldError[] = [];
        if (metadata.deletionTimestamp === undefined && status?.phase !== "Active") errors.push(invalid("status.Phase", status?.phase ?? "", "may only be 'Active' if `deletionTimestamp` is empty"));
        if (metadata.deletionTimestamp !== undefined && status?.phase !== "Terminating") errors.push(invalid("status.Phase", status?.phase ?? "", "may only be 'Terminating' if `deletionTimestamp` is not empty"));
        return errors;
      },
    },
    finalize: {
      tracked: { without: ["status"] },
      prepareForUpdate: (next, previous) => withField(next, "status", previous.status),
      validateUpdate({ spec }) {
        const errors: FieldError[] = [];
        for (const [index, each] of (spec?.finalizers ?? []).entries()) {
          addAll(errors, validateFinalizer(each, `spec.finalizers[${index}]`));
        }
        return errors;
      },
    },
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    for (const each of spec?.finalizers ?? []) addAll(errors, validateFinalizer(each, "spec.finalizers"));
    return errors;
  },
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    for (const each of next.spec?.finalizers ?? []) addAll(errors, validateFinalizer(each, "spec.finalizers"));
    if (next.metadata.deletionTimestamp === undefined && previous.metadata.deletionTimestamp !== undefined) errors.push(forbidden("metadata.deletionTimestamp", "may not be cleared"));
    return errors;
  },
  selectableFields: { "status.phase": ({ status }) => status?.phase ?? "" },
  columns: [nameColumn, text("Status", ({ status }) => status?.phase ?? ""), ageColumn],
});

const standardFinalizers: readonly string[] = [finalizer, "orphan", "foregroundDeletion"];

function validateFinalizer(name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, qualifiedName(path, name));
  if (!name.includes("/") && !standardFinalizers.includes(name)) errors.push(invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified"));
  return errors;
}
