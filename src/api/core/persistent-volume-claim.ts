import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import { qualifiedNameErrors } from "../../apimachinery/validation.ts";
import { immutable, invalidEach } from "../checks.ts";
import { changeField, withField } from "../defaulting.ts";
import { persistentvolumeclaims, type PersistentVolumeClaim, type PersistentVolumeClaimSpec } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { goForm } from "../go-form.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, semanticallyEqual, statusStrategy } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { addAll } from "../../stdx/add-all.ts";
import { normalizedSources, withBothSources } from "./claim-data-source.ts";
import { claimDefaults } from "./claim-defaults.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";
import { isNative } from "./resource-names.ts";
import { classAnnotation, storageClassOf } from "./storage-class-name.ts";

const isBound = ({ spec }: PersistentVolumeClaim): boolean => (spec?.volumeName ?? "") !== "";

export const persistentVolumeClaimResource = defineResource<PersistentVolumeClaim>(persistentvolumeclaims, {
  validateName: dnsSubdomainName,
  defaults: claimDefaults,
  prepareForCreate: (claim) => ({ ...changeField(claim, "spec", (spec) => normalizedSources(spec, undefined)), status: { phase: "Pending" } }),
  prepareForUpdate: (next, previous) => keepStatus(changeField(next, "spec", (spec) => normalizedSources(spec, previous.spec)), previous),
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, "spec"),
  validateUpdate,
  warningsOnCreate: (claim) => [...warnings(claim)],
  warningsOnUpdate: (claim) => [...warnings(claim)],
  subresources: { status: statusStrategy({ validateUpdate: validateStatus }) },
  columns: [
    nameColumn,
    text("Status", ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating")),
    text("Volume", ({ spec }) => spec?.volumeName ?? ""),
    text("Capacity", (claim) => (isBound(claim) ? claim.status?.capacity?.["storage"] ?? "0" : "")),
    text("Access Modes", (claim) => (isBound(claim) ? accessModesText(claim.status?.accessModes) : "")),
    text("StorageClass", storageClassOf),
    text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>"),
  ],
});

function warnings({ metadata, spec }: PersistentVolumeClaim): readonly string[] {
  const found: string[] = [];
  if (metadata.annotations?.[classAnnotation] !== undefined) found.push(`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`);
  for (const field of ["requests", "limits"] as const) {
    const amount = spec?.resources?.[field]?.["storage"];
    if (amount !== undefined && isQuantity(`${amount}`) && quantityMilliValue(amount) % 1000 !== 0) {
      found.push(`spec.resources.${field}[storage]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`);
    }
  }
  return found;
}

const annotatedClass = ({ metadata }: PersistentVolumeClaim): string | undefined => metadata.annotations?.[classAnnotation];

/** The class may move from the annotation, which named it first, to the field. */
function movesFromAnnotation(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const [now, before] = [annotatedClass(next), annotatedClass(previous)];
  return before !== undefined && previous.spec?.storageClassName === undefined && next.spec?.storageClassName === before && (now === undefined || now === before);
}
/** A claim that named no class may be given one. */
function getsClass(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const annotated = annotatedClass(previous);
  return next.spec?.storageClassName !== undefined && previous.spec?.storageClassName === undefined && (annotated === undefined || annotated === next.spec.storageClassName);
}

/** A claim may be bound once, and when bound it may grow. */
function withAllowedPutBack(next: PersistentVolumeClaimSpec, previous: PersistentVolumeClaimSpec, bound: boolean): PersistentVolumeClaimSpec {
  let spec = next;
  if ((previous.volumeName ?? "") === "") spec = withField(spec, "volumeName", previous.volumeName);
  if (!bound) return spec;
  spec = withField(spec, "volumeAttributesClassName", previous.volumeAttributesClassName);
  const storage = previous.resources?.requests?.["storage"];
  return storage === undefined || !spec.resources?.requests ? spec : { ...spec, resources: { ...spec.resources, requests: { ...spec.resources.requests, storage } } };
}

function validateUpdate(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): readonly FieldError[] {
  const [now, before] = [next.spec ?? {}, withBothSources(previous.spec ?? {})];
  const errors: FieldError[] = [];
  addAll(errors, validateClaimSpec(now, "spec", { allowAnyGroup: before.dataSource?.apiGroup !== undefined || before.dataSourceRef?.apiGroup !== undefined }));
  let rest = withAllowedPutBack(now, before, next.status?.phase === "Bound");
  if (movesFromAnnotation(next, previous)) {
    rest = withField(rest, "storageClassName", undefined);
  } else {
    if ((annotatedClass(next) ?? "") !== (annotatedClass(previous) ?? "")) errors.push(invalid(`metadata.annotations.${classAnnotation}`, annotatedClass(next) ?? "", "field is immutable"));
    if (getsClass(next, previous)) rest = withField(rest, "storageClassName", undefined);
  }
  if (!semanticallyEqual(rest, before)) {
    errors.push(forbidden("spec", `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${valueDiff(goForm(before, "PersistentVolumeClaimSpec"), goForm(rest, "PersistentVolumeClaimSpec"))}`));
  }
  const [size, oldSize, actual] = [now.resources?.requests?.["storage"] ?? "0", before.resources?.requests?.["storage"] ?? "0", previous.status?.capacity?.["storage"] ?? "0"];
  if (isQuantity(size) && compareQuantities(size, oldSize) < 0 && compareQuantities(size, actual) <= 0) {
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
  addAll(errors, immutable("volumeMode", now.volumeMode, before.volumeMode));
  const attributes = now.volumeAttributesClassName;
  if (attributes !== before.volumeAttributesClassName && previous.status?.currentVolumeAttributesClassName !== undefined) {
    if (attributes === undefined) errors.push(forbidden("spec.volumeAttributesClassName", "update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"));
    else if (attributes === "") errors.push(forbidden("spec.volumeAttributesClassName", "update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil"));
  }
  return errors;
}

const resizeStatuses = ["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeInProgress", "NodeResizeInfeasible"].toSorted();

/** Resources of a claim: its storage, or something of another's. */
function validateResourceKey(name: string, path: string): readonly FieldError[] {
  const problems = invalidEach(path, name, qualifiedNameErrors(name));
  const errors: FieldError[] = [];
  addAll(errors, problems);
  if (problems.length === 0 && isNative(name) && name !== "storage") errors.push(notSupported(path, name, ["storage"]));
  return errors;
}
const negative = (amount: string, path: string): FieldError[] =>
  (isQuantity(`${amount}`) && quantityValue(amount) < 0 ? [invalid(path, quantityValue(amount), "must be a valid resource quantity")] : []);

function validateStatus({ spec, status = {} }: PersistentVolumeClaim): readonly FieldError[] {
  const errors: FieldError[] = [];
  if ((spec?.accessModes ?? []).length === 0) errors.push(required("Spec.accessModes"));
  for (const [name, amount] of Object.entries(status.capacity ?? {})) addAll(errors, negative(amount, `status.capacity[${name}]`));
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    addAll(errors, validateResourceKey(name, "status.allocatedResourceStatuses"));
    if (!resizeStatuses.includes(state)) errors.push(notSupported("status.allocatedResourceStatuses", name, resizeStatuses));
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const path = "status.allocatedResources";
    const unknown = [...validateResourceKey(name, path)];
    const problems = unknown.length > 0 ? unknown : negative(amount, `${path}[${name}]`);
    addAll(errors, problems);
    if (problems.length === 0) addAll(errors, validateAmount("storage", amount, `${path}[${name}]`));
  }
  return errors;
}
