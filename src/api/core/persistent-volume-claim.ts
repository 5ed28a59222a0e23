import { forbidden, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { immutable } from "../checks.ts";
import { withField } from "../defaulting.ts";
import type { PersistentVolumeClaimSpec } from "../generated/core-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { persistentvolumeclaims, type PersistentVolumeClaim } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { claimDefaults } from "./claim-defaults.ts";
import { storageClassOf } from "./storage-class-name.ts";

const isBound = ({ spec }: PersistentVolumeClaim): boolean => (spec?.volumeName ?? "") !== "";

export const persistentVolumeClaimResource = defineResource<PersistentVolumeClaim>(persistentvolumeclaims, {
  validateName: dnsSubdomainName,
  defaults: claimDefaults,
  prepareForCreate: (claim) => ({ ...claim, status: { phase: "Pending" } }),
  prepareForUpdate: keepStatus,
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, "spec"),
  validateUpdate,
  subresources: { status: statusStrategy() },
  selectableFields: { name: ({ metadata }) => metadata.name ?? "" },
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

/** A claim may be bound once, and when bound it may grow; the class it did not have may be given to it. */
function withAllowedPutBack(next: PersistentVolumeClaimSpec, previous: PersistentVolumeClaimSpec, bound: boolean): PersistentVolumeClaimSpec {
  let spec = next;
  if ((previous.volumeName ?? "") === "") spec = withField(spec, "volumeName", previous.volumeName);
  if (previous.storageClassName === undefined) spec = withField(spec, "storageClassName", undefined);
  if (!bound) return spec;
  spec = withField(spec, "volumeAttributesClassName", previous.volumeAttributesClassName);
  const storage = previous.resources?.requests?.["storage"];
  return storage === undefined || !spec.resources?.requests ? spec : { ...spec, resources: { ...spec.resources, requests: { ...spec.resources.requests, storage } } };
}

function* validateUpdate(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): Generator<FieldError> {
  const [now, before] = [next.spec ?? {}, previous.spec ?? {}];
  yield* validateClaimSpec(now, "spec");
  const rest = withAllowedPutBack(now, before, next.status?.phase === "Bound");
  if (!semanticallyEqual(rest, before)) {
    yield forbidden("spec", `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${valueDiff(before, rest)}`);
  }
  const [size, oldSize, actual] = [now.resources?.requests?.["storage"], before.resources?.requests?.["storage"], previous.status?.capacity?.["storage"] ?? "0"];
  if (size !== undefined && oldSize !== undefined && isQuantity(size) && compareQuantities(size, oldSize) < 0 && compareQuantities(size, actual) <= 0) {
    yield forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
  }
  yield* immutable("volumeMode", now.volumeMode, before.volumeMode);
}
