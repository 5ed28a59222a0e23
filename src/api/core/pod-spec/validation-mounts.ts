import { forbidden, invalid, notFound, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import type { Container, Volume, VolumeDevice, VolumeMount } from "../../generated/core-v1.ts";
import { absent, localDescendingPath, noBacksteps } from "../../checks.ts";

export type Volumes = ReadonlyMap<string, Volume>;

const propagations: readonly string[] = ["Bidirectional", "HostToContainer", "None"];

function* validatePropagation(mode: string | undefined, container: Pick<Container, "securityContext">, path: string): Generator<FieldError> {
  if (mode === undefined || mode === null) return;
  if (!propagations.includes(mode)) yield notSupported(path, mode, propagations);
  if (mode === "Bidirectional" && container.securityContext?.privileged !== true) yield forbidden(path, "Bidirectional mount propagation is available only to privileged containers");
}

function* validateRecursiveReadOnly({ recursiveReadOnly, readOnly, mountPropagation }: VolumeMount, path: string): Generator<FieldError> {
  switch (recursiveReadOnly) {
    case undefined:
    case "Disabled":
      return;
    case "Enabled":
    case "IfPossible":
      if (readOnly !== true) yield forbidden(path, "may only be specified when readOnly is true");
      if (mountPropagation !== undefined && mountPropagation !== "None") yield forbidden(path, "may only be specified when mountPropagation is None or not specified");
      return;
    default:
      yield notSupported(path, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]);
  }
}

export function* validateMounts(mounts: readonly VolumeMount[], devices: readonly VolumeDevice[], volumes: Volumes, container: Pick<Container, "securityContext">, path: string): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    const at = `${path}[${index}]`;
    const { name = "", mountPath = "", subPath, subPathExpr } = mount;
    if (name === "") yield required(`${at}.name`);
    if (!volumes.has(name)) yield notFound(`${at}.name`, name);
    if (mountPath === "") yield required(`${at}.mountPath`);
    if (seen.has(mountPath)) yield invalid(`${at}.mountPath`, mountPath, "must be unique");
    seen.add(mountPath);
    if (devices.some((device) => (device.name ?? "") === name)) yield invalid(`${at}.name`, name, "must not already exist in volumeDevices");
    if (devices.some(({ devicePath = "" }) => devicePath === mountPath)) yield invalid(`${at}.mountPath`, mountPath, "must not already exist as a path in volumeDevices");
    // These four paths lack the index upstream too.
    if (!absent(subPath)) yield* localDescendingPath(`${path}.subPath`, subPath);
    if (!absent(subPathExpr)) {
      if (!absent(subPath)) yield invalid(`${at}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive");
      yield* localDescendingPath(`${path}.subPathExpr`, subPathExpr);
    }
    yield* validatePropagation(mount.mountPropagation, container, `${path}.mountPropagation`);
    yield* validateRecursiveReadOnly(mount, `${path}.recursiveReadOnly`);
  }
}

export function* validateDevices(devices: readonly VolumeDevice[], mounts: readonly VolumeMount[], volumes: Volumes, path: string): Generator<FieldError> {
  const paths = new Set<string>();
  const names = new Set<string>();
  for (const [index, { name = "", devicePath = "" }] of devices.entries()) {
    const at = `${path}[${index}]`;
    const volume = volumes.get(name);
    if (name === "") yield required(`${at}.name`);
    if (names.has(name)) yield invalid(`${at}.name`, name, "must be unique");
    if (volume === undefined) yield notFound(`${at}.name`, name);
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) yield invalid(`${at}.name`, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    if (devicePath === "") yield required(`${at}.devicePath`);
    if (paths.has(devicePath)) yield invalid(`${at}.devicePath`, devicePath, "must be unique");
    if (devicePath !== "" && [...noBacksteps("", devicePath)].length > 0) yield invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.some((mount) => (mount.name ?? "") === name)) yield invalid(`${at}.name`, name, "must not already exist in volumeMounts");
    if (mounts.some(({ mountPath = "" }) => mountPath === devicePath)) yield invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts");
    if (name !== "") names.add(name);
  }
}
