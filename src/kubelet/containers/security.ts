import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Container, Pod, SeccompProfile } from "../../api/generated/core-v1.ts";
import type { LinuxContainerSecurityContext, NamespaceOption, SecurityProfile } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { specOf } from "../pod/pod.ts";

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
let masked: readonly string[] | undefined;
/** Parts of /proc and /sys that a container must not see. Those of each processor depend on the machine. */
function maskedPaths(): readonly string[] {
  masked ??= [
    "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ...Array.from({ length: availableParallelism() }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`).filter((path) => existsSync(path)),
  ];
  return masked;
}

export function namespaceOptions(pod: Pod, target?: string): Input<NamespaceOption> {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = specOf(pod);
  return {
    network: hostNetwork === true ? "NODE" : "POD",
    ipc: hostIPC === true ? "NODE" : "POD",
    pid: hostPID === true ? "NODE" : shareProcessNamespace === true ? "POD" : target === undefined ? "CONTAINER" : "TARGET",
    ...(target !== undefined && hostPID !== true && shareProcessNamespace !== true && { targetId: target }),
  };
}

/** `rootDir` is where profiles of type Localhost lie. Nothing said means unconfined, unless the kubelet is told to make RuntimeDefault the default. */
export function seccompProfile(profile: SeccompProfile | undefined, seccompDir: string): Input<SecurityProfile> {
  if (profile?.type === "RuntimeDefault") return { profileType: "RuntimeDefault" };
  if (profile?.type === "Localhost") return { profileType: "Localhost", localhostRef: `${seccompDir}/${profile.localhostProfile ?? ""}` };
  return { profileType: "Unconfined" };
}

/** The image's user, when the container does not say: a number, or a name that only the image knows. */
export interface ImageUser {
  readonly uid: number | undefined;
  readonly username: string;
}

/** @throws Error in upstream's words when the container must not run as root and would, or nobody can tell. */
export function verifyNonRoot(pod: Pod, container: Container, image: ImageUser, text: string): void {
  const sc = { ...specOf(pod).securityContext, ...container.securityContext };
  if (sc.runAsNonRoot !== true) return;
  if (sc.runAsUser !== undefined) {
    if (sc.runAsUser === 0) throw new Error(`container's runAsUser breaks non-root policy (pod: ${text}, container: ${container.name})`);
    return;
  }
  if (image.uid === 0) throw new Error(`container has runAsNonRoot and image will run as root (pod: ${text}, container: ${container.name})`);
  if (image.uid === undefined && image.username !== "") {
    throw new Error(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root (pod: ${text}, container: ${container.name})`);
  }
}

export function containerSecurity(
  pod: Pod, container: Container, image: ImageUser, options: { readonly seccompDir: string; readonly supplementalGroups: readonly number[]; readonly target?: string },
): Input<LinuxContainerSecurityContext> {
  const own = container.securityContext ?? {};
  const whole = specOf(pod).securityContext ?? {};
  const privileged = own.privileged === true;
  const runAsUser = own.runAsUser ?? whole.runAsUser;
  const runAsGroup = own.runAsGroup ?? whole.runAsGroup;
  const unmasked = own.procMount === "Unmasked";
  const seccomp = own.seccompProfile ?? whole.seccompProfile;
  const user = runAsUser !== undefined ? { runAsUser: { value: runAsUser } } : image.uid !== undefined ? { runAsUser: { value: image.uid } } : image.username !== "" ? { runAsUsername: image.username } : {};
  return {
    namespaceOptions: namespaceOptions(pod, options.target),
    ...user,
    ...(runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    supplementalGroups: [...(whole.fsGroup === undefined ? [] : [whole.fsGroup]), ...(whole.supplementalGroups ?? []), ...options.supplementalGroups],
    supplementalGroupsPolicy: whole.supplementalGroupsPolicy === "Strict" ? "Strict" : "Merge",
    privileged,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    // Not asked for means allowed; a privileged container, or one with the power to do as it likes anyway, keeps it.
    noNewPrivs: own.allowPrivilegeEscalation === false,
    ...(own.capabilities && { capabilities: { addCapabilities: own.capabilities.add ?? [], dropCapabilities: own.capabilities.drop ?? [] } }),
    maskedPaths: unmasked || privileged ? [] : maskedPaths(),
    readonlyPaths: unmasked || privileged ? [] : readonlyPaths,
    seccomp: privileged ? { profileType: "Unconfined" } : seccompProfile(seccomp, options.seccompDir),
  };
}
