import { invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { rangeError } from "../../../apimachinery/validation.ts";
import type { ISCSIVolumeSource, Volume } from "../../generated/core-v1.ts";
import { absent, dnsLabel } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";

const partition = (field: string, value: number | undefined): FieldError[] => ((value ?? 0) < 0 || (value ?? 0) > 255 ? [invalid(field, value, rangeError(1, 255))] : []);
const each = (path: string, source: Readonly<Record<string, unknown>>, fields: readonly string[]): FieldError[] =>
  fields.filter((field) => absent(source[field]) || (Array.isArray(source[field]) && source[field].length === 0)).map((field) => required(`${path}.${field}`));

const iqnPatterns = { iqn: /^iqn\.\d{4}-\d{2}\.([a-zA-Z0-9-.]+)(:[^,;*&$|\s]+)$/, eui: /^eui\.[a-zA-Z0-9]{16}$/, naa: /^naa\.[a-zA-Z0-9]{32}$/ } as const;
function iqnProblem(name: string, unknownName: string): string | undefined {
  const start = (["iqn", "eui", "naa"] as const).find((prefix) => name.startsWith(prefix));
  if (start === undefined) return unknownName;
  return iqnPatterns[start].test(name) ? undefined : "must be valid format";
}

export function validateIscsi(source: Omit<ISCSIVolumeSource, "secretRef"> & { readonly secretRef?: object }, path: string, unknownName = "must be valid format starting with iqn, eui, or naa"): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(source.targetPortal)) errors.push(required(`${path}.targetPortal`));
  const problem = absent(source.iqn) ? undefined : iqnProblem(source.iqn, unknownName);
  if (absent(source.iqn)) errors.push(required(`${path}.iqn`));
  else if (problem !== undefined) errors.push(invalid(`${path}.iqn`, source.iqn, problem));
  if ((source.lun ?? 0) < 0 || (source.lun ?? 0) > 255) errors.push(invalid(`${path}.lun`, source.lun, rangeError(0, 255)));
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && !source.secretRef) errors.push(required(`${path}.secretRef`));
  if (source.initiatorName !== undefined) {
    const wrong = iqnProblem(source.initiatorName, unknownName);
    if (wrong !== undefined) errors.push(invalid(`${path}.initiatorname`, source.initiatorName, wrong));
  }
  return errors;
}

/** Volumes of storage systems outside of Kubernetes, kept for the clusters that still name them. */
export function validateForeignSource(field: string, volume: Volume, path: string): readonly FieldError[] {
  const at = `${path}.${field}`;
  const errors: FieldError[] = [];
  switch (field) {
    case "gcePersistentDisk":
      addAll(errors, each(`${path}.persistentDisk`, { ...volume.gcePersistentDisk }, ["pdName"]));
      addAll(errors, partition(`${path}.persistentDisk.partition`, volume.gcePersistentDisk?.partition));
      break;
    case "awsElasticBlockStore":
      addAll(errors, each(at, { ...volume.awsElasticBlockStore }, ["volumeID"]));
      addAll(errors, partition(`${at}.partition`, volume.awsElasticBlockStore?.partition));
      break;
    case "nfs":
      addAll(errors, each(at, { ...volume.nfs }, ["server", "path"]));
      if (!(volume.nfs?.path ?? "").startsWith("/")) errors.push(invalid(`${at}.path`, volume.nfs?.path ?? "", "must be an absolute path"));
      break;
    case "iscsi":
      if (volume.iscsi) addAll(errors, validateIscsi(volume.iscsi, at));
      if (volume.iscsi?.initiatorName !== undefined && `${volume.name}:${volume.iscsi.targetPortal}`.length > 64) {
        errors.push(invalid(`${path}.name`, volume.name, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."));
      }
      break;
    case "glusterfs": addAll(errors, each(at, { ...volume.glusterfs }, ["endpoints", "path"])); break;
    case "flocker": {
      const { datasetName = "", datasetUUID = "" } = volume.flocker ?? {};
      if (datasetName === "" && datasetUUID === "") errors.push(required(at, "one of datasetName and datasetUUID is required"));
      if (datasetName !== "" && datasetUUID !== "") errors.push(invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously"));
      if (datasetName.includes("/")) errors.push(invalid(`${at}.datasetName`, datasetName, "must not contain '/'"));
      break;
    }
    case "rbd": addAll(errors, each(at, { ...volume.rbd }, ["monitors", "image"])); break;
    case "cinder":
      addAll(errors, each(at, { ...volume.cinder }, ["volumeID"]));
      if (volume.cinder?.secretRef && absent(volume.cinder.secretRef.name)) errors.push(required(`${at}.secretRef.name`));
      break;
    case "cephfs": addAll(errors, each(at, { ...volume.cephfs }, ["monitors"])); break;
    case "quobyte": addAll(errors, validateQuobyte(volume, at)); break;
    case "fc": {
      const { targetWWNs = [], wwids = [], lun } = volume.fc ?? {};
      if (targetWWNs.length === 0 && wwids.length === 0) errors.push(required(`${at}.targetWWNs`, "must specify either targetWWNs or wwids, but not both"));
      if (targetWWNs.length > 0 && wwids.length > 0) errors.push(invalid(`${at}.targetWWNs`, targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
      if (targetWWNs.length > 0 && lun === undefined) errors.push(required(`${at}.lun`, "lun is required if targetWWNs is specified"));
      else if (targetWWNs.length > 0 && lun !== undefined && (lun < 0 || lun > 255)) errors.push(invalid(`${at}.lun`, lun, rangeError(0, 255)));
      break;
    }
    case "flexVolume":
      addAll(errors, each(at, { ...volume.flexVolume }, ["driver"]));
      for (const key of Object.keys(volume.flexVolume?.options ?? {})) {
        const namespace = `.${(key.split("/", 1)[0] ?? "").toLowerCase()}`;
        if (namespace.endsWith(".kubernetes.io") || namespace.endsWith(".k8s.io")) errors.push(invalid(`${at}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved"));
      }
      break;
    case "azureFile": addAll(errors, each(at, { ...volume.azureFile }, ["secretName", "shareName"])); break;
    case "vsphereVolume": addAll(errors, each(at, { ...volume.vsphereVolume }, ["volumePath"])); break;
    case "photonPersistentDisk": addAll(errors, each(at, { ...volume.photonPersistentDisk }, ["pdID"])); break;
    case "portworxVolume": addAll(errors, each(at, { ...volume.portworxVolume }, ["volumeID"])); break;
    case "azureDisk": addAll(errors, validateAzureDisk(volume.azureDisk ?? {}, at)); break;
    case "storageos": {
      const { volumeName, volumeNamespace, secretRef } = volume.storageos ?? {};
      if (absent(volumeName)) errors.push(required(`${at}.volumeName`));
      else addAll(errors, dnsLabel(`${at}.volumeName`, volumeName));
      if (!absent(volumeNamespace)) addAll(errors, dnsLabel(`${at}.volumeNamespace`, volumeNamespace));
      if (secretRef && absent(secretRef.name)) errors.push(required(`${at}.secretRef.name`));
      break;
    }
    case "scaleIO": addAll(errors, each(at, { ...volume.scaleIO }, ["gateway", "system", "volumeName"])); break;
    default:
  }
  return errors;
}

function validateQuobyte({ quobyte }: Volume, path: string): readonly FieldError[] {
  const pairs = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (absent(quobyte?.registry)) errors.push(required(`${path}.registry`, pairs));
  else if ((quobyte?.tenant ?? "").length >= 65) errors.push(required(`${path}.tenant`, "must be a UUID and may not exceed a length of 64 characters"));
  else for (const pair of quobyte?.registry.split(",") ?? []) if (!/^(?:[^:]*|\[[^\]]*\]):[^:]*$/.test(pair)) errors.push(invalid(`${path}.registry`, quobyte?.registry, pairs));
  if (absent(quobyte?.volume)) errors.push(required(`${path}.volume`));
  return errors;
}

function validateAzureDisk(disk: { readonly diskName?: string; readonly diskURI?: string; readonly cachingMode?: string; readonly kind?: string }, path: string): readonly FieldError[] {
  const { diskURI = "", cachingMode, kind } = disk;
  const errors: FieldError[] = [];
  addAll(errors, each(path, { ...disk }, ["diskName", "diskURI"]));
  const [modes, kinds] = [["None", "ReadOnly", "ReadWrite"], ["Dedicated", "Managed", "Shared"]];
  if (cachingMode !== undefined && !modes.includes(cachingMode)) errors.push(notSupported(`${path}.cachingMode`, cachingMode, modes));
  if (kind !== undefined && !kinds.includes(kind)) errors.push(notSupported(`${path}.kind`, kind, kinds));
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/")) {
    errors.push(notSupported(`${path}.diskURI`, diskURI, ["/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"]));
  }
  if (kind !== undefined && kind !== "Managed" && !diskURI.startsWith("https://")) {
    errors.push(notSupported(`${path}.diskURI`, diskURI, ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"]));
  }
  return errors;
}
