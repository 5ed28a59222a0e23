import { invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { rangeError } from "../../../apimachinery/validation.ts";
import type { ISCSIVolumeSource, Volume } from "../../generated/core-v1.ts";
import { absent, dnsLabel } from "../../checks.ts";

const partition = (field: string, value: number | undefined): FieldError[] => ((value ?? 0) < 0 || (value ?? 0) > 255 ? [invalid(field, value, rangeError(1, 255))] : []);
const each = (path: string, source: Readonly<Record<string, unknown>>, fields: readonly string[]): FieldError[] =>
  fields.filter((field) => absent(source[field]) || (Array.isArray(source[field]) && source[field].length === 0)).map((field) => required(`${path}.${field}`));

const iqnPatterns = { iqn: /^iqn\.\d{4}-\d{2}\.([a-zA-Z0-9-.]+)(:[^,;*&$|\s]+)$/, eui: /^eui\.[a-zA-Z0-9]{16}$/, naa: /^naa\.[a-zA-Z0-9]{32}$/ } as const;
function iqnProblem(name: string, unknownName: string): string | undefined {
  const start = (["iqn", "eui", "naa"] as const).find((prefix) => name.startsWith(prefix));
  if (start === undefined) return unknownName;
  return iqnPatterns[start].test(name) ? undefined : "must be valid format";
}

export function* validateIscsi(source: Omit<ISCSIVolumeSource, "secretRef"> & { readonly secretRef?: object }, path: string, unknownName = "must be valid format starting with iqn, eui, or naa"): Generator<FieldError> {
  if (absent(source.targetPortal)) yield required(`${path}.targetPortal`);
  const problem = absent(source.iqn) ? undefined : iqnProblem(source.iqn, unknownName);
  if (absent(source.iqn)) yield required(`${path}.iqn`);
  else if (problem !== undefined) yield invalid(`${path}.iqn`, source.iqn, problem);
  if ((source.lun ?? 0) < 0 || (source.lun ?? 0) > 255) yield invalid(`${path}.lun`, source.lun, rangeError(0, 255));
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && !source.secretRef) yield required(`${path}.secretRef`);
  if (source.initiatorName !== undefined) {
    const wrong = iqnProblem(source.initiatorName, unknownName);
    if (wrong !== undefined) yield invalid(`${path}.initiatorname`, source.initiatorName, wrong);
  }
}

/** Volumes of storage systems outside of Kubernetes, kept for the clusters that still name them. */
export function* validateForeignSource(field: string, volume: Volume, path: string): Generator<FieldError> {
  const at = `${path}.${field}`;
  switch (field) {
    case "gcePersistentDisk":
      yield* each(`${path}.persistentDisk`, { ...volume.gcePersistentDisk }, ["pdName"]);
      yield* partition(`${path}.persistentDisk.partition`, volume.gcePersistentDisk?.partition);
      break;
    case "awsElasticBlockStore":
      yield* each(at, { ...volume.awsElasticBlockStore }, ["volumeID"]);
      yield* partition(`${at}.partition`, volume.awsElasticBlockStore?.partition);
      break;
    case "nfs":
      yield* each(at, { ...volume.nfs }, ["server", "path"]);
      if (!(volume.nfs?.path ?? "").startsWith("/")) yield invalid(`${at}.path`, volume.nfs?.path ?? "", "must be an absolute path");
      break;
    case "iscsi":
      if (volume.iscsi) yield* validateIscsi(volume.iscsi, at);
      if (volume.iscsi?.initiatorName !== undefined && `${volume.name}:${volume.iscsi.targetPortal}`.length > 64) {
        yield invalid(`${path}.name`, volume.name, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.");
      }
      break;
    case "glusterfs": yield* each(at, { ...volume.glusterfs }, ["endpoints", "path"]); break;
    case "flocker": {
      const { datasetName = "", datasetUUID = "" } = volume.flocker ?? {};
      if (datasetName === "" && datasetUUID === "") yield required(at, "one of datasetName and datasetUUID is required");
      if (datasetName !== "" && datasetUUID !== "") yield invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously");
      if (datasetName.includes("/")) yield invalid(`${at}.datasetName`, datasetName, "must not contain '/'");
      break;
    }
    case "rbd": yield* each(at, { ...volume.rbd }, ["monitors", "image"]); break;
    case "cinder":
      yield* each(at, { ...volume.cinder }, ["volumeID"]);
      if (volume.cinder?.secretRef && absent(volume.cinder.secretRef.name)) yield required(`${at}.secretRef.name`);
      break;
    case "cephfs": yield* each(at, { ...volume.cephfs }, ["monitors"]); break;
    case "quobyte": yield* validateQuobyte(volume, at); break;
    case "fc": {
      const { targetWWNs = [], wwids = [], lun } = volume.fc ?? {};
      if (targetWWNs.length === 0 && wwids.length === 0) yield required(`${at}.targetWWNs`, "must specify either targetWWNs or wwids, but not both");
      if (targetWWNs.length > 0 && wwids.length > 0) yield invalid(`${at}.targetWWNs`, targetWWNs, "targetWWNs and wwids can not be specified simultaneously");
      if (targetWWNs.length > 0 && lun === undefined) yield required(`${at}.lun`, "lun is required if targetWWNs is specified");
      else if (targetWWNs.length > 0 && lun !== undefined && (lun < 0 || lun > 255)) yield invalid(`${at}.lun`, lun, rangeError(0, 255));
      break;
    }
    case "flexVolume":
      yield* each(at, { ...volume.flexVolume }, ["driver"]);
      for (const key of Object.keys(volume.flexVolume?.options ?? {})) {
        const namespace = `.${(key.split("/", 1)[0] ?? "").toLowerCase()}`;
        if (namespace.endsWith(".kubernetes.io") || namespace.endsWith(".k8s.io")) yield invalid(`${at}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved");
      }
      break;
    case "azureFile": yield* each(at, { ...volume.azureFile }, ["secretName", "shareName"]); break;
    case "vsphereVolume": yield* each(at, { ...volume.vsphereVolume }, ["volumePath"]); break;
    case "photonPersistentDisk": yield* each(at, { ...volume.photonPersistentDisk }, ["pdID"]); break;
    case "portworxVolume": yield* each(at, { ...volume.portworxVolume }, ["volumeID"]); break;
    case "azureDisk": yield* validateAzureDisk(volume.azureDisk ?? {}, at); break;
    case "storageos": {
      const { volumeName, volumeNamespace, secretRef } = volume.storageos ?? {};
      if (absent(volumeName)) yield required(`${at}.volumeName`);
      else yield* dnsLabel(`${at}.volumeName`, volumeName);
      if (!absent(volumeNamespace)) yield* dnsLabel(`${at}.volumeNamespace`, volumeNamespace);
      if (secretRef && absent(secretRef.name)) yield required(`${at}.secretRef.name`);
      break;
    }
    case "scaleIO": yield* each(at, { ...volume.scaleIO }, ["gateway", "system", "volumeName"]); break;
    default:
  }
}

function* validateQuobyte({ quobyte }: Volume, path: string): Generator<FieldError> {
  const pairs = "must be a host:port pair or multiple pairs separated by commas";
  if (absent(quobyte?.registry)) yield required(`${path}.registry`, pairs);
  else if ((quobyte?.tenant ?? "").length >= 65) yield required(`${path}.tenant`, "must be a UUID and may not exceed a length of 64 characters");
  else for (const pair of quobyte?.registry.split(",") ?? []) if (!/^(?:[^:]*|\[[^\]]*\]):[^:]*$/.test(pair)) yield invalid(`${path}.registry`, quobyte?.registry, pairs);
  if (absent(quobyte?.volume)) yield required(`${path}.volume`);
}

function* validateAzureDisk(disk: { readonly diskName?: string; readonly diskURI?: string; readonly cachingMode?: string; readonly kind?: string }, path: string): Generator<FieldError> {
  const { diskURI = "", cachingMode, kind } = disk;
  yield* each(path, { ...disk }, ["diskName", "diskURI"]);
  const [modes, kinds] = [["None", "ReadOnly", "ReadWrite"], ["Dedicated", "Managed", "Shared"]];
  if (cachingMode !== undefined && !modes.includes(cachingMode)) yield notSupported(`${path}.cachingMode`, cachingMode, modes);
  if (kind !== undefined && !kinds.includes(kind)) yield notSupported(`${path}.kind`, kind, kinds);
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/")) {
    yield notSupported(`${path}.diskURI`, diskURI, ["/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"]);
  }
  if (kind !== undefined && kind !== "Managed" && !diskURI.startsWith("https://")) {
    yield notSupported(`${path}.diskURI`, diskURI, ["https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"]);
  }
}
