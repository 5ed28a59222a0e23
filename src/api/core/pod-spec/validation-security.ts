import { duplicate, forbidden, invalid, notSupported, required, tooLong, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, userIdErrors } from "../../../apimachinery/validation.ts";
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, WindowsSecurityContextOptions } from "../../generated/core-v1.ts";
import { absent, invalidEach, localDescendingPath } from "../../checks.ts";
import { goForm } from "../../go-form.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { allContainers } from "./containers.ts";

const profileTypes: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];
/** The longest path that Linux takes, less its end. */
const profilePathBytesMax = 4095;
const sysctlBytesMax = 253;
const sysctlText = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const sysctlPattern = new RegExp(sysctlText);

const id = (field: string, value: number | undefined): FieldError[] => (value === undefined || value === null ? [] : invalidEach(field, value, userIdErrors(value)));

export function validateSeccompProfile(profile: SeccompProfile | undefined, path: string): readonly FieldError[] {
  if (profile === undefined || profile === null) return [];
  const { type, localhostProfile } = profile;
  const errors: FieldError[] = [];
  if (absent(type)) errors.push(required(`${path}.type`, "type is required when seccompProfile is set"));
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes));
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) errors.push(invalid(`${path}.localhostProfile`, goForm(profile, "SeccompProfile"), "can only be set when seccomp type is Localhost"));
  } else if (localhostProfile === undefined) {
    errors.push(required(`${path}.localhostProfile`, "must be set when seccomp type is Localhost"));
  } else {
    addAll(errors, localDescendingPath(`${path}.localhostProfile`, localhostProfile));
  }
  return errors;
}

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: string): readonly FieldError[] {
  if (profile === undefined || profile === null) return [];
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  const errors: FieldError[] = [];
  if (absent(type)) errors.push(required(`${path}.type`, "type is required when appArmorProfile is set"));
  else if (!profileTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, profileTypes));
  else if (type !== "Localhost") {
    if (localhostProfile !== undefined) errors.push(invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost"));
  } else if (localhostProfile === undefined) {
    errors.push(required(at, "must be set when AppArmor type is Localhost"));
  } else {
    if (localhostProfile.trim() !== localhostProfile) errors.push(invalid(at, localhostProfile, "must not be padded with whitespace"));
    else if (localhostProfile === "") errors.push(required(at, "must be set when AppArmor type is Localhost"));
    if (Buffer.byteLength(localhostProfile) > profilePathBytesMax) errors.push(tooLong(at, profilePathBytesMax));
  }
  return errors;
}

const userDomainPattern = /^(?:[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}|[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)$/;

function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string): readonly FieldError[] {
  if (options === undefined || options === null) return [];
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  const errors: FieldError[] = [];
  if (gmsaCredentialSpecName !== undefined) addAll(errors, invalidEach(`${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, dns1123SubdomainErrors(gmsaCredentialSpecName)));
  if (gmsaCredentialSpec === "") errors.push(invalid(`${path}.gmsaCredentialSpec`, "", "gmsaCredentialSpec cannot be an empty string"));
  else if (gmsaCredentialSpec !== undefined && Buffer.byteLength(gmsaCredentialSpec) > 64 * 1024) {
    errors.push(invalid(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, "gmsaCredentialSpec size must be under 64 KiB"));
  }
  if (runAsUserName === undefined) return errors;
  for (const message of userNameProblems(runAsUserName)) errors.push(invalid(`${path}.runAsUserName`, runAsUserName, message));
  return errors;
}

function userNameProblems(name: string): readonly string[] {
  const parts = name.split("\\");
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (/\p{Cc}/u.test(name)) return ["runAsUserName cannot contain control characters"];
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const [domain, user = ""] = parts.length === 1 ? [undefined, name] : parts;
  const found: string[] = [];
  if ((domain ?? "").length >= 256) found.push("runAsUserName's Domain length must be under 256 characters");
  if (domain !== undefined && !userDomainPattern.test(domain)) found.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === "") found.push("runAsUserName's User cannot be empty");
  else if (user.length > 104) found.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) found.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) found.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  return found;
}

export function validateSecurityContext(context: SecurityContext | undefined, path: string, hostUsers: boolean): readonly FieldError[] {
  if (context === undefined || context === null) return [];
  const errors: FieldError[] = [];
  addAll(errors, id(`${path}.runAsUser`, context.runAsUser));
  addAll(errors, id(`${path}.runAsGroup`, context.runAsGroup));
  const { procMount } = context;
  if (procMount !== undefined && procMount !== null) {
    if (procMount !== "Default" && procMount !== "Unmasked") errors.push(notSupported(`${path}.procMount`, procMount, ["Default", "Unmasked"]));
    if (hostUsers && procMount === "Unmasked") errors.push(invalid(`${path}.procMount`, procMount, "`hostUsers` must be false to use `Unmasked`"));
  }
  addAll(errors, validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) errors.push(invalid(path, goForm(context, "*SecurityContext"), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    for (const capability of context.capabilities?.add ?? []) {
      if (capability === "CAP_SYS_ADMIN") errors.push(invalid(path, goForm(context, "*SecurityContext"), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
    }
  }
  addAll(errors, validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`));
  addAll(errors, validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`));
  return errors;
}

/** Sysctls of the network and of IPC belong to the node where the pod shares its namespace. */
const ipcSysctl = /^(?:kernel[./](?:sem|shmall|shmmax|shmmni|shm_rmid_forced|shm|msgmax|msgmnb|msgmni|msg)$|fs[./]mqueue[./])/;
const netSysctl = /^net[./]/;

function validateSysctls(context: PodSecurityContext, spec: PodSpec, path: string): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name = "" }] of (context.sysctls ?? []).entries()) {
    const at = `${path}[${index}].name`;
    if (name === "") errors.push(required(at));
    else if (name.length > sysctlBytesMax || !sysctlPattern.test(name)) errors.push(invalid(at, name, `must have at most ${sysctlBytesMax} characters and match regex ${sysctlText}`));
    else if (seen.has(name)) errors.push(duplicate(at, name));
    if (spec.hostNetwork === true && netSysctl.test(name)) errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC === true && ipcSysctl.test(name)) errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"));
    seen.add(name);
  }
  return errors;
}

const choice = (field: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
  (value === undefined || value === null || supported.includes(value) ? [] : [notSupported(field, value, supported)]);

/** `anySELinuxChangePolicy`: the pod mounts by option already; others may not, since SELinuxMount is off in 1.36. */
export function validatePodSecurityContext(spec: PodSpec, path: string, anySELinuxChangePolicy: boolean): readonly FieldError[] {
  const context = spec.securityContext;
  if (context === undefined || context === null) return [];
  const errors: FieldError[] = [];
  addAll(errors, id(`${path}.fsGroup`, context.fsGroup));
  addAll(errors, id(`${path}.runAsUser`, context.runAsUser));
  addAll(errors, id(`${path}.runAsGroup`, context.runAsGroup));
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) addAll(errors, id(`${path}.supplementalGroups[${index}]`, group));
  if (spec.shareProcessNamespace === true && spec.hostPID === true) errors.push(invalid(`${path}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  addAll(errors, validateSysctls(context, spec, `${path}.sysctls`));
  addAll(errors, choice(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]));
  addAll(errors, validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`));
  addAll(errors, validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`));
  addAll(errors, validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`));
  addAll(errors, choice(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ["Merge", "Strict"]));
  addAll(errors, choice(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, anySELinuxChangePolicy ? ["MountOption", "Recursive"] : ["Recursive"]));
  return errors;
}

/** User namespaces and namespaces of the host exclude each other. */
export function validateHostUsers(spec: PodSpec, path: string): readonly FieldError[] {
  if (spec.hostUsers !== false) return [];
  const message = "when `hostUsers` is false";
  const errors: FieldError[] = [];
  if (spec.hostNetwork === true) errors.push(forbidden(`${path}.hostNetwork`, message));
  if (spec.hostPID === true) errors.push(forbidden(`${path}.HostPID`, message));
  if (spec.hostIPC === true) errors.push(forbidden(`${path}.HostIPC`, message));
  for (const { container, path: at } of allContainers(spec, path)) if ((container.volumeDevices ?? []).length > 0) errors.push(forbidden(`${at}.volumeDevices`, message));
  return errors;
}
