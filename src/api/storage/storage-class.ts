import { notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { absent, immutable } from "../checks.ts";
import { deprecatedNodeLabels } from "../core/deprecated-node-labels.ts";
import { storageclasses, type StorageClass } from "../generated/storage-v1.ts";
import { withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameAs, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateParameters, validateProvisioner } from "./parameters.ts";
import { validateTopologies } from "./topology-validation.ts";

const isDefault = ({ metadata: { annotations = {} } }: StorageClass): boolean =>
  annotations["storageclass.kubernetes.io/is-default-class"] === "true" || annotations["storageclass.beta.kubernetes.io/is-default-class"] === "true";

export const storageClassResource = defineResource<StorageClass>(storageclasses, {
  validateName: dnsSubdomainName,
  defaults: (storageClass) => withDefaults(storageClass, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  validate,
  warningsOnCreate: (storageClass) => [...warnings(storageClass)],
  warningsOnUpdate: (storageClass) => [...warnings(storageClass)],
  validateUpdate(next, previous): readonly FieldError[] {
    const errors: FieldError[] = [];
    addAll(errors, validate(next));
    for (const field of ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] as const) addAll(errors, immutable(field, field === "provisioner" ? next[field] ?? "" : next[field], field === "provisioner" ? previous[field] ?? "" : previous[field]));
    return errors;
  },
  columns: [
    nameAs((storageClass) => `${storageClass.metadata.name ?? ""}${isDefault(storageClass) ? " (default)" : ""}`),
    text("Provisioner", ({ provisioner }) => provisioner),
    text("ReclaimPolicy", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
    text("VolumeBindingMode", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
    text("AllowVolumeExpansion", ({ allowVolumeExpansion }) => allowVolumeExpansion === true),
    ageColumn,
  ],
});

function warnings({ allowedTopologies = [] }: StorageClass): readonly string[] {
  const found: string[] = [];
  for (const [index, { matchLabelExpressions = [] }] of allowedTopologies.entries()) {
    for (const [position, { key }] of matchLabelExpressions.entries()) {
      if (deprecatedNodeLabels[key] !== undefined) found.push(`allowedTopologies[${index}].matchLabelExpressions[${position}].key: ${deprecatedNodeLabels[key]}`);
    }
  }
  return found;
}

function validate({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies }: StorageClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateProvisioner(provisioner, "provisioner"));
  addAll(errors, validateParameters(parameters, "parameters", { mayBeEmpty: true }));
  if (!absent(reclaimPolicy) && reclaimPolicy !== "Delete" && reclaimPolicy !== "Retain") errors.push(notSupported("reclaimPolicy", reclaimPolicy, ["Delete", "Retain"]));
  if (absent(volumeBindingMode)) errors.push(required("volumeBindingMode"));
  else if (volumeBindingMode !== "Immediate" && volumeBindingMode !== "WaitForFirstConsumer") errors.push(notSupported("volumeBindingMode", volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]));
  addAll(errors, validateTopologies(allowedTopologies ?? [], "allowedTopologies"));
  return errors;
}
