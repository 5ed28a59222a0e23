import { duplicate, forbidden, invalid, notSupported, required, tooLong, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, userIdErrors } from "../../../apimachinery/validation.ts";
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, WindowsSecurityContextOptions } from "../../generated/core-v1.ts";
import { absent, invalidEach, localDescendingPath } from "../../checks.ts";
import { goForm, seccompProfileFields, securityContextFields } from "../../go-form.ts";
import { allContainers } from "./containers.ts";

const profileTypes: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];
/** The longest path that Linux takes, less its end. */
const profilePathBytesMax = 4095;
const sysctlBytesMax = 253;
const sysctlText = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const sysctlPattern = new RegExp(sysctlText);

const id = (field: string, value: number | undefined): FieldError[] => (value === undefined || value === null ? [] : invalidEach(field, value, userIdErrors(value)));

export function* validateSeccompProfile(profile: SeccompProfile | undefined, path: string): Generator<FieldError> {
  if (profile === undefined || profile === null) return;
  const { type, localhostProfile } = profile;
  if (absent(type)) yield required(`${path}.type`, "type is required when seccompProfile is set");
  else if (!profileTypes.includes(type)) yield notSupported(`${path}.type`, type, profileTypes);
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) yield invalid(`${path}.localhostProfile`, goForm(profile, seccompProfileFields), "can only be set when seccomp type is Localhost");
  } else if (localhostProfile === undefined) {
    yield required(`${path}.localhostProfile`, "must be set when seccomp type is Localhost");
  } else {
    yield* localDescendingPath(`${path}.localhostProfile`, localhostProfile);
  }
}

export function* validateAppArmorProfile(profile: AppArmorProfile | undefined, path: string): Generator<FieldError> {
  if (profile === undefined || profile === null) return;
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (absent(type)) yield required(`${path}.type`, "type is required when appArmorProfile is set");
  else if (!profileTypes.includes(type)) yield notSupported(`${path}.type`, type, profileTypes);
  else if (type !== "Localhost") {
    if (localhostProfile !== undefined) yield invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost");
  } else if (localhostProfile === undefined) {
    yield required(at, "must be set when AppArmor type is Localhost");
  } else {
    if (localhostProfile.trim() !== localhostProfile) yield invalid(at, localhostProfile, "must not be padded with whitespace");
    else if (localhostProfile === "") yield required(at, "must be set when AppArmor type is Localhost");
    if (Buffer.byteLength(localhostProfile) > profilePathBytesMax) yield tooLong(at, profilePathBytesMax);
  }
}

const userDomainPattern = /^(?:[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}|[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)$/;

function* validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string): Generator<FieldError> {
  if (options === undefined || options === null) return;
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined) yield* invalidEach(`${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName, dns1123SubdomainErrors(gmsaCredentialSpecName));
  if (gmsaCredentialSpec === "") yield invalid(`${path}.gmsaCredentialSpec`, "", "gmsaCredentialSpec cannot be an empty string");
  else if (gmsaCredentialSpec !== undefined && Buffer.byteLength(gmsaCredentialSpec) > 64 * 1024) {
    yield invalid(`${path}.gmsaCredentialSpec`, gmsaCredentialSpec, "gmsaCredentialSpec size must be under 64 KiB");
  }
  if (runAsUserName === undefined) return;
  for (const message of userNameProblems(runAsUserName)) yield invalid(`${path}.runAsUserName`, runAsUserName, message);
}

function* userNameProblems(name: string): Generator<string> {
  const parts = name.split("\\");
  if (name === "") return yield "runAsUserName cannot be an empty string";
  if (/\p{Cc}/u.test(name)) return yield "runAsUserName cannot contain control characters";
  if (parts.length > 2) return yield "runAsUserName cannot contain more than one backslash";
  const [domain, user = ""] = parts.length === 1 ? [undefined, name] : parts;
  if ((domain ?? "").length >= 256) yield "runAsUserName's Domain length must be under 256 characters";
  if (domain !== undefined && !userDomainPattern.test(domain)) yield "runAsUserName's Domain doesn't match the NetBios nor the DNS format";
  if (user === "") yield "runAsUserName's User cannot be empty";
  else if (user.length > 104) yield "runAsUserName's User length must not be longer than 104 characters";
  if (/^[. ]+$/.test(user)) yield "runAsUserName's User cannot contain only periods or spaces";
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) yield "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]";
}

export function* validateSecurityContext(context: SecurityContext | undefined, path: string, hostUsers: boolean): Generator<FieldError> {
  if (context === undefined || context === null) return;
  yield* id(`${path}.runAsUser`, context.runAsUser);
  yield* id(`${path}.runAsGroup`, context.runAsGroup);
  const { procMount } = context;
  if (procMount !== undefined && procMount !== null) {
    if (procMount !== "Default" && procMount !== "Unmasked") yield notSupported(`${path}.procMount`, procMount, ["Default", "Unmasked"]);
    if (hostUsers && procMount === "Unmasked") yield invalid(`${path}.procMount`, procMount, "`hostUsers` must be false to use `Unmasked`");
  }
  yield* validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged === true) yield invalid(path, goForm(context, securityContextFields), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    for (const capability of context.capabilities?.add ?? []) {
      if (capability === "CAP_SYS_ADMIN") yield invalid(path, goForm(context, securityContextFields), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
  }
  yield* validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`);
  yield* validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`);
}

/** Sysctls of the network and of IPC belong to the node where the pod shares its namespace. */
const ipcSysctl = /^(?:kernel[./](?:sem|shmall|shmmax|shmmni|shm_rmid_forced|shm|msgmax|msgmnb|msgmni|msg)$|fs[./]mqueue[./])/;
const netSysctl = /^net[./]/;

function* validateSysctls(context: PodSecurityContext, spec: PodSpec, path: string): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { name = "" }] of (context.sysctls ?? []).entries()) {
    const at = `${path}[${index}].name`;
    if (name === "") yield required(at);
    else if (name.length > sysctlBytesMax || !sysctlPattern.test(name)) yield invalid(at, name, `must have at most ${sysctlBytesMax} characters and match regex ${sysctlText}`);
    else if (seen.has(name)) yield duplicate(at, name);
    if (spec.hostNetwork === true && netSysctl.test(name)) yield invalid(at, name, "may not be specified when 'hostNetwork' is true");
    else if (spec.hostIPC === true && ipcSysctl.test(name)) yield invalid(at, name, "may not be specified when 'hostIPC' is true");
    seen.add(name);
  }
}

const choice = (field: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
  (value === undefined || value === null || supported.includes(value) ? [] : [notSupported(field, value, supported)]);

/** `anySELinuxChangePolicy`: the pod mounts by option already; others may not, since SELinuxMount is off in 1.36. */
export function* validatePodSecurityContext(spec: PodSpec, path: string, anySELinuxChangePolicy: boolean): Generator<FieldError> {
  const context = spec.securityContext;
  if (context === undefined || context === null) return;
  yield* id(`${path}.fsGroup`, context.fsGroup);
  yield* id(`${path}.runAsUser`, context.runAsUser);
  yield* id(`${path}.runAsGroup`, context.runAsGroup);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) yield* id(`${path}.supplementalGroups[${index}]`, group);
  if (spec.shareProcessNamespace === true && spec.hostPID === true) yield invalid(`${path}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled");
  yield* validateSysctls(context, spec, `${path}.sysctls`);
  yield* choice(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]);
  yield* validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`);
  yield* validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`);
  yield* validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`);
  yield* choice(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ["Merge", "Strict"]);
  yield* choice(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, anySELinuxChangePolicy ? ["MountOption", "Recursive"] : ["Recursive"]);
}

/** User namespaces and namespaces of the host exclude each other. */
export function* validateHostUsers(spec: PodSpec, path: string): Generator<FieldError> {
  if (spec.hostUsers !== false) return;
  const message = "when `hostUsers` is false";
  if (spec.hostNetwork === true) yield forbidden(`${path}.hostNetwork`, message);
  if (spec.hostPID === true) yield forbidden(`${path}.HostPID`, message);
  if (spec.hostIPC === true) yield forbidden(`${path}.HostIPC`, message);
  for (const { container, path: at } of allContainers(spec, path)) if ((container.volumeDevices ?? []).length > 0) yield forbidden(`${at}.volumeDevices`, message);
}
