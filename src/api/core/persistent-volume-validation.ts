import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityValue } from "../../apimachinery/quantity.ts";
import { absent, dnsLabel, dnsSubdomain, noBacksteps } from "../checks.ts";
import { without } from "../defaulting.ts";
import type { PersistentVolumeSpec, Volume } from "../generated/core-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
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

function validateCsi(csi: NonNullable<PersistentVolumeSpec["csi"]>, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateCsiDriverName(csi.driver, `${path}.driver`));
  if (absent(csi.volumeHandle)) errors.push(required(`${path}.volumeHandle`));
  for (const field of secrets) {
    const secret = csi[field];
    if (!secret) continue;
    if (absent(secret.name)) errors.push(required(`${path}.${field}.name`));
    else addAll(errors, dnsSubdomain(`${path}.${field}.name`, secret.name));
    if (absent(secret.namespace)) errors.push(required(`${path}.${field}.namespace`));
    else addAll(errors, dnsLabel(`${path}.${field}.namespace`, secret.namespace));
  }
  return errors;
}

function validateSource(spec: PersistentVolumeSpec, name: string, path: string): readonly FieldError[] {
  const given = sourceFields.filter((field) => spec[field] !== undefined && spec[field] !== null);
  const [first] = given;
  if (first === undefined) return [required(path, "must specify a volume type")];
  const { hostPath, local, csi } = spec;
  const errors: FieldError[] = [];
  if (first === "hostPath" && hostPath) {
    addAll(errors, validateHostPath(hostPath, `${path}.hostPath`));
  } else if (first === "local" && local) {
    if (absent(local.path)) errors.push(required(`${path}.local.path`));
    else addAll(errors, noBacksteps(`${path}.local.path`, local.path));
    if (!spec.nodeAffinity) errors.push(required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  } else if (first === "csi" && csi) {
    addAll(errors, validateCsi(csi, `${path}.csi`));
  } else if (first === "glusterfs" && spec.glusterfs?.endpointsNamespace !== undefined) {
    addAll(errors, validateForeignSource(first, { ...(sourceOf(spec) as Partial<Volume>), name }, path));
    addAll(errors, dnsLabel(`${path}.glusterfs.endpointsNamespace`, spec.glusterfs.endpointsNamespace));
  } else if (first === "iscsi" && spec.iscsi) {
    addAll(errors, validateIscsi(spec.iscsi, `${path}.iscsi`, "must be valid format"));
  } else {
    addAll(errors, validateForeignSource(first, { ...(sourceOf(spec) as Partial<Volume>), name }, path));
  }
  for (const extra of given.slice(1)) {
    // Upstream never says that this one is too many.
    if (extra === "flexVolume") addAll(errors, validateForeignSource(extra, { ...(sourceOf(spec) as Partial<Volume>), name }, path));
    else errors.push(forbidden(`${path}.${extra === "cephfs" ? "cephFS" : extra}`, "may not specify more than 1 volume type"));
  }
  return errors;
}

function validateCapacity(capacity: Readonly<Record<string, string>>, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (Object.keys(capacity).length === 0) errors.push(required(path));
  if (capacity["storage"] === undefined || Object.keys(capacity).length > 1) errors.push(notSupported(path, Object.keys(capacity).length === 0 ? null : capacity, ["storage"]));
  for (const [resource, amount] of Object.entries(capacity)) {
    if (!isQuantity(`${amount}`)) continue;
    if (compareQuantities(amount, "0") < 0) errors.push(invalid(`${path}[${resource}]`, quantityValue(amount), "must be a valid resource quantity"));
    if (compareQuantities(amount, "0") <= 0) errors.push(invalid(`${path}[${resource}]`, amount, "must be greater than zero"));
  }
  return errors;
}

const isRoot = (path: string | undefined): boolean => /^\/+(?:\.\/?)*$/.test(path ?? "");

/** A volume of its own. `name` is the object's, which one old source of volumes depends on. */
export function validateVolumeSpec(spec: PersistentVolumeSpec, name: string, path: string): readonly FieldError[] {
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode, volumeAttributesClassName } = spec;
  const errors: FieldError[] = [];
  if (accessModes.length === 0) errors.push(required(`${path}.accessModes`));
  addAll(errors, validateAccessModes(accessModes, `${path}.accessModes`));
  addAll(errors, validateCapacity(capacity, `${path}.capacity`));
  if (!absent(policy) && !reclaimPolicies.includes(policy)) errors.push(notSupported(`${path}.persistentVolumeReclaimPolicy`, policy, reclaimPolicies));
  if (nodeAffinity) {
    if (nodeAffinity.required) addAll(errors, validateNodeSelector(nodeAffinity.required, `${path}.nodeAffinity.required`));
    else errors.push(required(`${path}.nodeAffinity.required`, "must specify required node constraints"));
  }
  addAll(errors, validateSource(spec, name, path));
  if (spec.hostPath && isRoot(spec.hostPath.path) && policy === "Recycle") errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"));
  if (!absent(storageClassName)) addAll(errors, dnsSubdomain(`${path}.storageClassName`, storageClassName));
  if (!absent(volumeMode) && !volumeModes.includes(volumeMode)) errors.push(notSupported(`${path}.volumeMode`, volumeMode, volumeModes));
  if (volumeAttributesClassName === undefined || volumeAttributesClassName === null) return errors;
  if (volumeAttributesClassName === "") errors.push(required(`${path}.volumeAttributesClassName`, "an empty string is disallowed"));
  else addAll(errors, dnsSubdomain(`${path}.volumeAttributesClassName`, volumeAttributesClassName));
  if (!spec.csi) errors.push(required(`${path}.csi`, "has to be specified when using volumeAttributesClassName"));
  return errors;
}

/** A volume inside of an attachment: only of a CSI driver, and nothing that would bind it to a claim. */
export function validateInlineVolumeSpec(spec: PersistentVolumeSpec, path: string): readonly FieldError[] {
  const context = "in the context of inline volumes";
  const errors: FieldError[] = [];
  if (spec.claimRef) errors.push(forbidden(`${path}.claimRef`, `may not be specified ${context}`));
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(forbidden(`${path}.capacity`, `may not be specified ${context}`));
  if (!spec.csi) errors.push(required(`${path}.csi`, `has to be specified ${context}`));
  if ((spec.accessModes ?? []).length === 0) errors.push(required(`${path}.accessModes`));
  addAll(errors, validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`));
  if (!absent(spec.persistentVolumeReclaimPolicy) && spec.persistentVolumeReclaimPolicy !== "Retain") errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${context}`));
  if (spec.nodeAffinity) errors.push(forbidden(`${path}.nodeAffinity`, `may not be specified ${context}`));
  addAll(errors, validateSource(spec, "", path));
  if (!absent(spec.storageClassName)) errors.push(forbidden(`${path}.storageClassName`, `may not be specified ${context}`));
  if (!absent(spec.volumeMode) && spec.volumeMode !== "Filesystem") errors.push(forbidden(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${context}`));
  return errors;
}
