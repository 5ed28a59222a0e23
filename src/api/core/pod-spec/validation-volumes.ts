import { duplicate, forbidden, invalid, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../../apimachinery/quantity.ts";
import { dns1123SubdomainErrors, rangeError } from "../../../apimachinery/validation.ts";
import type { ConfigMapVolumeSource, SecretVolumeSource, Volume } from "../../generated/core-v1.ts";
import { absent, dnsLabel, fileMode, invalidEach, noBacksteps, oneOf } from "../../checks.ts";
import { validateClaimTemplate } from "../claim-validation.ts";
import { addAll } from "../../../stdx/add-all.ts";
import type { Volumes } from "./validation-mounts.ts";
import { validateDownwardFile, validateHostPath, validateCsiDriverName, validateKeyToPath } from "./validation-volume-parts.ts";
import { validateProjectedSource } from "./validation-projections.ts";
import { validateForeignSource } from "./validation-volumes-foreign.ts";


function validateKeyed(source: SecretVolumeSource | ConfigMapVolumeSource, name: string | undefined, nameField: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(`${path}.${nameField}`));
  addAll(errors, fileMode(`${path}.defaultMode`, source.defaultMode));
  for (const [index, item] of (source.items ?? []).entries()) addAll(errors, validateKeyToPath(item, `${path}.items[${index}]`));
  return errors;
}

const pullPolicies: readonly string[] = ["Always", "IfNotPresent", "Never"];
export const validatePullPolicy = (policy: string | undefined, path: string): Iterable<FieldError> => oneOf(path, policy, pullPolicies);

interface Context {
  /** Of the pod, where there is one: a template has none yet. */
  readonly podName: string;
  readonly isPod: boolean;
}

/** Where the error for a second source stands, in the order in which upstream looks at the sources. */
const sourceFields: readonly (readonly [field: keyof Volume & string, shown: string])[] = [
  ["emptyDir", "emptyDir"], ["hostPath", "hostPath"], ["gitRepo", "gitRepo"], ["gcePersistentDisk", "gcePersistentDisk"], ["awsElasticBlockStore", "awsElasticBlockStore"],
  ["secret", "secret"], ["nfs", "nfs"], ["iscsi", "iscsi"], ["glusterfs", "glusterfs"], ["flocker", "flocker"], ["persistentVolumeClaim", "persistentVolumeClaim"], ["rbd", "rbd"],
  ["cinder", "cinder"], ["cephfs", "cephFS"], ["quobyte", "quobyte"], ["downwardAPI", "downwarAPI"], ["fc", "fc"], ["flexVolume", "flexVolume"], ["configMap", "configMap"],
  ["azureFile", "azureFile"], ["vsphereVolume", "vsphereVolume"], ["photonPersistentDisk", "photonPersistentDisk"], ["portworxVolume", "portworxVolume"], ["azureDisk", "azureDisk"],
  ["storageos", "storageos"], ["projected", "projected"], ["scaleIO", "scaleIO"], ["csi", "csi"], ["ephemeral", "ephemeral"], ["image", "image"],
];

function validateSource(volume: Volume, path: string, context: Context): readonly FieldError[] {
  const given = sourceFields.filter(([field]) => volume[field] !== undefined && volume[field] !== null);
  const [first] = given;
  if (first === undefined) return [required(path, "must specify a volume type")];
  const errors: FieldError[] = [];
  addAll(errors, validateOneSource(first[0], volume, path, context));
  for (const [, shown] of given.slice(1)) errors.push(forbidden(`${path}.${shown}`, "may not specify more than 1 volume type"));
  return errors;
}

function validateOneSource(field: string, volume: Volume, path: string, context: Context): readonly FieldError[] {
  const { emptyDir, hostPath, secret, configMap, persistentVolumeClaim, downwardAPI, projected, csi, ephemeral, image, gitRepo } = volume;
  const at = `${path}.${field}`;
  const errors: FieldError[] = [];
  if (emptyDir && field === "emptyDir") {
    const limit = emptyDir.sizeLimit;
    if (limit !== undefined && isQuantity(`${limit}`) && compareQuantities(limit, "0") < 0) errors.push(forbidden(`${at}.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
  } else if (hostPath && field === "hostPath") {
    addAll(errors, validateHostPath(hostPath, at));
  } else if (gitRepo && field === "gitRepo") {
    if (absent(gitRepo.repository)) errors.push(required(`${at}.repository`));
    if (!absent(gitRepo.directory)) {
      if (gitRepo.directory.startsWith("/")) errors.push(invalid(`${at}.directory`, gitRepo.directory, "must be a relative path"));
      addAll(errors, noBacksteps(`${at}.directory`, gitRepo.directory));
    }
  } else if (secret && field === "secret") {
    addAll(errors, validateKeyed(secret, secret.secretName, "secretName", at));
  } else if (configMap && field === "configMap") {
    addAll(errors, validateKeyed(configMap, configMap.name, "name", at));
  } else if (persistentVolumeClaim && field === "persistentVolumeClaim") {
    if (absent(persistentVolumeClaim.claimName)) errors.push(required(`${at}.claimName`));
  } else if (downwardAPI && field === "downwardAPI") {
    addAll(errors, fileMode(`${at}.defaultMode`, downwardAPI.defaultMode));
    for (const file of downwardAPI.items ?? []) addAll(errors, validateDownwardFile(file, at));
  } else if (projected && field === "projected") {
    addAll(errors, validateProjectedSource(projected, at));
  } else if (csi && field === "csi") {
    addAll(errors, validateCsiDriverName(csi.driver, `${at}.driver`));
    if (csi.nodePublishSecretRef) {
      const { name } = csi.nodePublishSecretRef;
      if (absent(name)) errors.push(required(`${at}.nodePublishSecretRef.name`));
      else addAll(errors, invalidEach(`${at}.name`, name, dns1123SubdomainErrors(name)));
    }
  } else if (ephemeral && field === "ephemeral") {
    if (!ephemeral.volumeClaimTemplate) errors.push(required(`${at}.volumeClaimTemplate`));
    else addAll(errors, validateClaimTemplate(ephemeral.volumeClaimTemplate, `${at}.volumeClaimTemplate`));
    if (context.podName !== "" && !absent(volume.name)) {
      const claim = `${context.podName}-${volume.name}`;
      for (const message of dns1123SubdomainErrors(claim)) errors.push(invalid(`${path}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${message}`));
    }
  } else if (image && field === "image") {
    if (context.isPod && absent(image.reference)) errors.push(required(`${at}.reference`));
    addAll(errors, validatePullPolicy(image.pullPolicy, `${at}.pullPolicy`));
  } else {
    addAll(errors, validateForeignSource(field, volume, path));
  }
  return errors;
}

/** Returns the volumes that containers may mount: those without errors, by name. */
export function validateVolumes(volumes: readonly Volume[], path: string, context: Context): { readonly errors: readonly FieldError[]; readonly volumes: Volumes } {
  const errors: FieldError[] = [];
  const good = new Map<string, Volume>();
  const created = new Set(context.podName === "" ? [] : volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${context.podName}-${name}`));
  for (const [index, volume] of volumes.entries()) {
    const at = `${path}[${index}]`;
    const own = [...validateSource(volume, at, context)];
    if (absent(volume.name)) own.push(required(`${at}.name`));
    else addAll(own, dnsLabel(`${at}.name`, volume.name));
    if (good.has(volume.name)) own.push(duplicate(`${at}.name`, volume.name));
    if (own.length === 0) good.set(volume.name, volume);
    addAll(errors, own);
    const claimName = volume.persistentVolumeClaim?.claimName;
    if (claimName !== undefined && created.has(claimName)) {
      errors.push(invalid(`${at}.persistentVolumeClaim.claimName`, claimName, "must not reference a PVC that gets created for an ephemeral volume"));
    }
  }
  return { errors, volumes: good };
}

export const logicalUnit = (field: string, lun: number | undefined): FieldError[] => (lun !== undefined && (lun < 0 || lun > 255) ? [invalid(field, lun, rangeError(0, 255))] : []);
