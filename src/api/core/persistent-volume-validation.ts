import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityValue } from "../../apimachinery/quantity.ts";
import { absent, dnsLabel, dnsSubdomain, noBacksteps } from "../checks.ts";
import { without } from "../defaulting.ts";
import type { PersistentVolumeSpec, Volume } from "../generated/core-v1.ts";
import { validateAccessModes, volumeModes } from "./claim-validation.ts";
import { validateNodeSelector } from "./pod-spec/validation-scheduling.ts";
import { validateCsiDriverName, validateHostPath } from "./pod-spec/validation-volume-parts.ts";
import { validateForeignSource, validateIscsi } from "./pod-spec/validation-volumes-foreign.ts";

const plain = ["accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName", "volumeMode"] as const;
const reclaimPolicies = ["Delete", "Recycle", "Retain"];
const secrets = ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] as const;

/** In the order in which upstream looks at them: the first one counts. */
const sourceFields = [
  "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume",
  "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
] as const;

/** Where the volume is. */
export const sourceOf = (spec: PersistentVolumeSpec): Omit<PersistentVolumeSpec, (typeof plain)[number]> => without(spec, ...plain);

function* validateCsi(csi: NonNullable<PersistentVolumeSpec["csi"]>, path: string): Generator<FieldError> {
  yield* validateCsiDriverName(csi.driver, `${path}.driver`);
  if (absent(csi.volumeHandle)) yield required(`${path}.volumeHandle`);
  for (const field of secrets) {
    const secret = csi[field];
    if (!secret) continue;
    if (absent(secret.name)) yield required(`${path}.${field}.name`);
    else yield* dnsSubdomain(`${path}.${field}.name`, secret.name);
    if (absent(secret.namespace)) yield required(`${path}.${field}.namespace`);
    else yield* dnsLabel(`${path}.${field}.namespace`, secret.namespace);
  }
}

function* validateSource(spec: PersistentVolumeSpec, name: string, path: string): Generator<FieldError> {
  const given = sourceFields.filter((field) => spec[field] !== undefined && spec[field] !== null);
  const [first] = given;
  if (first === undefined) return yield required(path, "must specify a volume type");
  const { hostPath, local, csi } = spec;
  if (first === "hostPath" && hostPath) {
    yield* validateHostPath(hostPath, `${path}.hostPath`);
  } else if (first === "local" && local) {
    if (absent(local.path)) yield required(`${path}.local.path`);
    else yield* noBacksteps(`${path}.local.path`, local.path);
    if (!spec.nodeAffinity) yield required(`${path}.nodeAffinity`, "Local volume requires node affinity");
  } else if (first === "csi" && csi) {
    yield* validateCsi(csi, `${path}.csi`);
  } else if (first === "glusterfs" && spec.glusterfs?.endpointsNamespace !== undefined) {
    yield* validateForeignSource(first, { ...(sourceOf(spec) as Partial<Volume>), name }, path);
    yield* dnsLabel(`${path}.glusterfs.endpointsNamespace`, spec.glusterfs.endpointsNamespace);
  } else if (first === "iscsi" && spec.iscsi) {
    yield* validateIscsi(spec.iscsi, `${path}.iscsi`, "must be valid format");
  } else {
    yield* validateForeignSource(first, { ...(sourceOf(spec) as Partial<Volume>), name }, path);
  }
  for (const extra of given.slice(1)) {
    // Upstream never says that this one is too many.
    if (extra === "flexVolume") yield* validateForeignSource(extra, { ...(sourceOf(spec) as Partial<Volume>), name }, path);
    else yield forbidden(`${path}.${extra === "cephfs" ? "cephFS" : extra}`, "may not specify more than 1 volume type");
  }
}

function* validateCapacity(capacity: Readonly<Record<string, string>>, path: string): Generator<FieldError> {
  if (Object.keys(capacity).length === 0) yield required(path);
  if (capacity["storage"] === undefined || Object.keys(capacity).length > 1) yield notSupported(path, Object.keys(capacity).length === 0 ? null : capacity, ["storage"]);
  for (const [resource, amount] of Object.entries(capacity)) {
    if (!isQuantity(`${amount}`)) continue;
    if (compareQuantities(amount, "0") < 0) yield invalid(`${path}[${resource}]`, quantityValue(amount), "must be a valid resource quantity");
    if (compareQuantities(amount, "0") <= 0) yield invalid(`${path}[${resource}]`, amount, "must be greater than zero");
  }
}

const isRoot = (path: string | undefined): boolean => /^\/+(?:\.\/?)*$/.test(path ?? "");

/** A volume of its own. `name` is the object's, which one old source of volumes depends on. */
export function* validateVolumeSpec(spec: PersistentVolumeSpec, name: string, path: string): Generator<FieldError> {
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode, volumeAttributesClassName } = spec;
  if (accessModes.length === 0) yield required(`${path}.accessModes`);
  yield* validateAccessModes(accessModes, `${path}.accessModes`);
  yield* validateCapacity(capacity, `${path}.capacity`);
  if (!absent(policy) && !reclaimPolicies.includes(policy)) yield notSupported(`${path}.persistentVolumeReclaimPolicy`, policy, reclaimPolicies);
  if (nodeAffinity) {
    if (nodeAffinity.required) yield* validateNodeSelector(nodeAffinity.required, `${path}.nodeAffinity.required`);
    else yield required(`${path}.nodeAffinity.required`, "must specify required node constraints");
  }
  yield* validateSource(spec, name, path);
  if (spec.hostPath && isRoot(spec.hostPath.path) && policy === "Recycle") yield forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'");
  if (!absent(storageClassName)) yield* dnsSubdomain(`${path}.storageClassName`, storageClassName);
  if (!absent(volumeMode) && !volumeModes.includes(volumeMode)) yield notSupported(`${path}.volumeMode`, volumeMode, volumeModes);
  if (volumeAttributesClassName === undefined || volumeAttributesClassName === null) return;
  if (volumeAttributesClassName === "") yield required(`${path}.volumeAttributesClassName`, "an empty string is disallowed");
  else yield* dnsSubdomain(`${path}.volumeAttributesClassName`, volumeAttributesClassName);
  if (!spec.csi) yield required(`${path}.csi`, "has to be specified when using volumeAttributesClassName");
}

/** A volume inside of an attachment: only of a CSI driver, and nothing that would bind it to a claim. */
export function* validateInlineVolumeSpec(spec: PersistentVolumeSpec, path: string): Generator<FieldError> {
  const context = "in the context of inline volumes";
  if (spec.claimRef) yield forbidden(`${path}.claimRef`, `may not be specified ${context}`);
  if (Object.keys(spec.capacity ?? {}).length > 0) yield forbidden(`${path}.capacity`, `may not be specified ${context}`);
  if (!spec.csi) yield required(`${path}.csi`, `has to be specified ${context}`);
  if ((spec.accessModes ?? []).length === 0) yield required(`${path}.accessModes`);
  yield* validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`);
  if (!absent(spec.persistentVolumeReclaimPolicy) && spec.persistentVolumeReclaimPolicy !== "Retain") yield forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${context}`);
  if (spec.nodeAffinity) yield forbidden(`${path}.nodeAffinity`, `may not be specified ${context}`);
  yield* validateSource(spec, "", path);
  if (!absent(spec.storageClassName)) yield forbidden(`${path}.storageClassName`, `may not be specified ${context}`);
  if (!absent(spec.volumeMode) && spec.volumeMode !== "Filesystem") yield forbidden(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${context}`);
}
