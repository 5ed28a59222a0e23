import { forbidden, invalid, notFound, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import type { Container, Volume, VolumeDevice, VolumeMount } from "../../generated/core-v1.ts";
import { absent, localDescendingPath, noBacksteps } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";

export type Volumes = ReadonlyMap<string, Volume>;

const propagations: readonly string[] = ["Bidirectional", "HostToContainer", "None"];

function validatePropagation(mode: string | undefined, container: Pick<Container, "securityContext">, path: string): readonly FieldError[] {
  if (mode === undefined || mode === null) return [];
  const errors: FieldError[] = [];
  if (!propagations.includes(mode)) errors.push(notSupported(path, mode, propagations));
  if (mode === "Bidirectional" && container.securityContext?.privileged !== true) errors.push(forbidden(path, "Bidirectional mount propagation is available only to privileged containers"));
  return errors;
}

function validateRecursiveReadOnly({ recursiveReadOnly, readOnly, mountPropagation }: VolumeMount, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  switch (recursiveReadOnly) {
    case undefined:
    case "Disabled":
      return errors;
    case "Enabled":
    case "IfPossible":
      if (readOnly !== true) errors.push(forbidden(path, "may only be specified when readOnly is true"));
      if (mountPropagation !== undefined && mountPropagation !== "None") errors.push(forbidden(path, "may only be specified when mountPropagation is None or not specified"));
      return errors;
    default:
      errors.push(notSupported(path, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]));
  }
  return errors;
}

export function validateMounts(mounts: readonly VolumeMount[], devices: readonly VolumeDevice[], volumes: Volumes, container: Pick<Container, "securityContext">, path: string): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, mount] of mounts.entries()) {
    const at = `${path}[${index}]`;
    const { name = "", mountPath = "", subPath, subPathExpr } = mount;
    if (name === "") errors.push(required(`${at}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (mountPath === "") errors.push(required(`${at}.mountPath`));
    if (seen.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, "must be unique"));
    seen.add(mountPath);
    if (devices.some((device) => (device.name ?? "") === name)) errors.push(invalid(`${at}.name`, name, "must not already exist in volumeDevices"));
    if (devices.some(({ devicePath = "" }) => devicePath === mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, "must not already exist as a path in volumeDevices"));
    // These four paths lack the index upstream too.
    if (!absent(subPath)) addAll(errors, localDescendingPath(`${path}.subPath`, subPath));
    if (!absent(subPathExpr)) {
      if (!absent(subPath)) errors.push(invalid(`${at}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"));
      addAll(errors, localDescendingPath(`${path}.subPathExpr`, subPathExpr));
    }
    addAll(errors, validatePropagation(mount.mountPropagation, container, `${path}.mountPropagation`));
    addAll(errors, validateRecursiveReadOnly(mount, `${path}.recursiveReadOnly`));
  }
  return errors;
}

export function validateDevices(devices: readonly VolumeDevice[], mounts: readonly VolumeMount[], volumes: Volumes, path: string): readonly FieldError[] {
  if (devices.length === 0) return [];
  const paths = new Set<string>();
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name = "", devicePath = "" }] of devices.entries()) {
    const at = `${path}[${index}]`;
    const volume = volumes.get(name);
    if (name === "") errors.push(required(`${at}.name`));
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, "must be unique"));
    if (volume === undefined) errors.push(notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) errors.push(invalid(`${at}.name`, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"));
    if (devicePath === "") errors.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, "must be unique"));
    if (devicePath !== "" && [...noBacksteps("", devicePath)].length > 0) errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => (mount.name ?? "") === name)) errors.push(invalid(`${at}.name`, name, "must not already exist in volumeMounts"));
    if (mounts.some(({ mountPath = "" }) => mountPath === devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts"));
    if (name !== "") names.add(name);
  }
  return errors;
}
