import { forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import type { PodSpec } from "../../generated/core-v1.ts";
import { absent } from "../../checks.ts";
import { allContainers } from "./containers.ts";

const ofLinux = {
  pod: [
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser", "runAsGroup", "supplementalGroups",
    "supplementalGroupsPolicy", "seLinuxChangePolicy",
  ],
  container: [
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
  ],
  spec: ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"],
} as const;
const isSet = (value: unknown): boolean => value !== undefined && value !== null;

/** What belongs to one operating system may not be asked for on the other. */
export function validateOs(spec: PodSpec, path: string): readonly FieldError[] {
  const { os } = spec;
  if (os === undefined || os === null) return [];
  if (absent(os.name)) return [required(`${path}.os.name`)];
  const errors: FieldError[] = [];
  if (os.name === "linux") {
    const message = "windows options cannot be set for a linux pod";
    if (spec.securityContext?.windowsOptions) errors.push(forbidden(`${path}.securityContext.windowsOptions`, message));
    for (const { container, path: at } of allContainers(spec, path)) if (container.securityContext?.windowsOptions) errors.push(forbidden(`${at}.securityContext.windowsOptions`, message));
  } else if (os.name === "windows") {
    const message = "cannot be set for a windows pod";
    for (const field of ofLinux.spec) if (field === "hostPID" || field === "hostIPC" ? spec[field] === true : isSet(spec[field])) errors.push(forbidden(`${path}.${field}`, message));
    for (const field of ofLinux.pod) if (isSet(spec.securityContext?.[field])) errors.push(forbidden(`${path}.securityContext.${field}`, message));
    for (const { container, path: at } of allContainers(spec, path)) {
      for (const field of ofLinux.container) if (isSet(container.securityContext?.[field])) errors.push(forbidden(`${at}.securityContext.${field}`, message));
    }
  } else {
    errors.push(notSupported(`${path}.os`, os.name, ["linux", "windows"]));
  }
  return errors;
}

/** Windows containers that run on the host itself: all of a pod's, or none. */
export function validateWindowsHostProcess(spec: PodSpec, path: string): readonly FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let [all, onHost] = [0, 0];
  const errors: FieldError[] = [];
  for (const { container, path: at } of allContainers(spec, path)) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    all += 1;
    if (own ?? ofPod ?? false) onHost += 1;
    if (own !== undefined && ofPod !== undefined && own !== ofPod) {
      errors.push(invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`));
    }
  }
  if (onHost === 0) return errors;
  if (onHost !== all) errors.push(invalid(path, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers"));
  if (spec.hostNetwork !== true) errors.push(invalid(`${path}.hostNetwork`, false, "hostNetwork must be true if pod contains any hostProcess containers"));
  return errors;
}
