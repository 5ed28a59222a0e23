import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { PersistentVolumeSpec, Volume } from "../generated/core-v1.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { absent, dnsLabel, dnsSubdomain, immutable, noBacksteps } from "../checks.ts";
import { without } from "../defaulting.ts";
import { semanticallyEqual } from "../strategy.ts";
import { valueDiff } from "../text-diff.ts";
import { validateAccessModes, volumeModes } from "./claim-validation.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";
import { validateNodeSelector } from "./pod-spec/validation-scheduling.ts";
import { validateCsiDriverName, validateHostPath } from "./pod-spec/validation-volume-parts.ts";
import { validateForeignSource } from "./pod-spec/validation-volumes-foreign.ts";
import { persistentvolumes, type PersistentVolume } from "../generated/core-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { accessModesText } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { canonicalResources } from "./resource-list.ts";
import { storageClassOf } from "./storage-class-name.ts";

export const persistentVolumeResource = defineResource<PersistentVolume>(persistentvolumes, {
  validateName: dnsSubdomainName,
  defaults: (volume) => changeField(volume, "spec", (spec) => {
    let next = changeField(withDefaults(spec, { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }), "capacity", canonicalResources);
    next = changeField(next, "hostPath", (source) => withDefaults(source, { type: "" }));
    next = changeField(next, "iscsi", (source) => withDefaults(source, { iscsiInterface: "default" }));
    next = changeField(next, "rbd", (source) => withDefaults(source, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }));
    next = changeField(next, "azureDisk", (source) => withDefaults(source, { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" }));
    return changeField(next, "scaleIO", (source) => withDefaults(source, { storageMode: "ThinProvisioned", fsType: "xfs" }));
  }),
  // A new volume enters its first phase when it is made.
  prepareForCreate: (volume) => ({
    ...volume,
    status: { phase: "Pending", ...(typeof volume.metadata.creationTimestamp === "string" && { lastPhaseTransitionTime: volume.metadata.creationTimestamp }) },
  }),
  prepareForUpdate: keepStatus,
  validate,
  *validateUpdate(next, previous) {
    yield* validate(next);
    const [now, before] = [sourceOf(next.spec ?? {}), sourceOf(previous.spec ?? {})];
    if (!semanticallyEqual(now, before)) yield forbidden("spec.persistentvolumesource", `spec.persistentvolumesource is immutable after creation\n${valueDiff(before, now)}`);
    yield* immutable("volumeMode", next.spec?.volumeMode, previous.spec?.volumeMode);
    if (previous.spec?.nodeAffinity && !semanticallyEqual(next.spec?.nodeAffinity, previous.spec.nodeAffinity)) {
      yield invalid("nodeAffinity", next.spec?.nodeAffinity ?? null, "field is immutable, except for updating from beta label to GA");
    }
  },
  subresources: { status: statusStrategy() },
  selectableFields: { name: ({ metadata }) => metadata.name ?? "" },
  columns: [
    nameColumn,
    text("Capacity", ({ spec }) => spec?.capacity?.["storage"] ?? "0"),
    text("Access Modes", ({ spec }) => accessModesText(spec?.accessModes)),
    text("Reclaim Policy", ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ""),
    text("Status", ({ metadata, status }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? "" : "Terminating")),
    text("Claim", ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : "")),
    text("StorageClass", storageClassOf),
    text("VolumeAttributesClass", ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>"),
    text("Reason", ({ status }) => status?.reason ?? ""),
    ageColumn,
    wide("VolumeMode", ({ spec }) => spec?.volumeMode ?? "<unset>"),
  ],
});

const plain = ["accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName", "volumeMode"] as const;
const reclaimPolicies = ["Delete", "Recycle", "Retain"];

/** Where the volume is; a secret for growing it may be added later. */
function sourceOf(spec: PersistentVolumeSpec): Omit<PersistentVolumeSpec, (typeof plain)[number]> {
  const source = without(spec, ...plain);
  return source.csi ? { ...source, csi: without(source.csi, "controllerExpandSecretRef") } : source;
}

function* validateSource(spec: PersistentVolumeSpec, name: string): Generator<FieldError> {
  const given = Object.entries(sourceOf(spec)).filter(([, source]) => source !== undefined && source !== null).map(([field]) => field);
  const [first] = given;
  if (first === undefined) return yield required("spec", "must specify a volume type");
  for (const extra of given.slice(1)) yield forbidden(`spec.${extra}`, "may not specify more than 1 volume type");
  const { hostPath, local, csi } = spec;
  if (first === "hostPath" && hostPath) {
    yield* validateHostPath(hostPath, "spec.hostPath");
  } else if (first === "local" && local) {
    if (absent(local.path)) yield required("spec.local.path");
    else yield* noBacksteps("spec.local.path", local.path);
    if (!spec.nodeAffinity) yield required("spec.nodeAffinity", "Local volume requires node affinity");
  } else if (first === "csi" && csi) {
    yield* validateCsiDriverName(csi.driver, "spec.csi.driver");
    if (absent(csi.volumeHandle)) yield required("spec.csi.volumeHandle");
    for (const field of ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] as const) {
      const secret = csi[field];
      if (!secret) continue;
      if (absent(secret.name)) yield required(`spec.csi.${field}.name`);
      else yield* dnsSubdomain(`spec.csi.${field}.name`, secret.name);
      if (absent(secret.namespace)) yield required(`spec.csi.${field}.namespace`);
      else yield* dnsLabel(`spec.csi.${field}.namespace`, secret.namespace);
    }
  } else {
    yield* validateForeignSource(first, { ...(sourceOf(spec) as Partial<Volume>), name }, "spec");
  }
}

function* validate({ metadata: { name = "" }, spec = {} }: PersistentVolume): Generator<FieldError> {
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode } = spec;
  if (accessModes.length === 0) yield required("spec.accessModes");
  yield* validateAccessModes(accessModes, "spec.accessModes");
  if (Object.keys(capacity).length === 0) yield required("spec.capacity");
  if (capacity["storage"] === undefined || Object.keys(capacity).length > 1) yield notSupported("spec.capacity", capacity, ["storage"]);
  for (const [resource, amount] of Object.entries(capacity)) {
    yield* validateAmount(resource, amount, `spec.capacity[${resource}]`);
    if (isQuantity(`${amount}`) && compareQuantities(amount, "0") <= 0) yield invalid(`spec.capacity[${resource}]`, amount, "must be greater than zero");
  }
  if (!absent(policy) && !reclaimPolicies.includes(policy)) yield notSupported("spec.persistentVolumeReclaimPolicy", policy, reclaimPolicies);
  if (nodeAffinity) {
    if (nodeAffinity.required) yield* validateNodeSelector(nodeAffinity.required, "spec.nodeAffinity.required");
    else yield required("spec.nodeAffinity.required", "must specify required node constraints");
  }
  yield* validateSource(spec, name);
  if (spec.hostPath && /^\/+$/.test(spec.hostPath.path ?? "") && policy === "Recycle") yield forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
  if (!absent(storageClassName)) yield* dnsSubdomain("spec.storageClassName", storageClassName);
  if (!absent(volumeMode) && !volumeModes.includes(volumeMode)) yield notSupported("spec.volumeMode", volumeMode, volumeModes);
}
