import type { Container, Pod } from "../../api/generated/core-v1.ts";
import type { LinuxContainerResources } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { containerResources, type NodeResources } from "../containers/resources.ts";
import { containerHash } from "../runtime/labels.ts";
import { latestContainer, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";
import { containersOf, findContainer, isHostNetwork, isSidecar, restartsAfter, specOf } from "./pod.ts";

/** What probes say of a running container, by its id; missing while they have not said anything. */
export interface ProbeResults {
  readonly startup: ReadonlyMap<string, boolean>;
  readonly liveness: ReadonlyMap<string, boolean>;
}

/** A container that goes on with other limits than it runs with. */
export interface ContainerToUpdate {
  readonly id: string;
  readonly name: string;
  readonly resources: Input<LinuxContainerResources>;
}

export interface ContainerToKill {
  readonly container: RuntimeContainer;
  readonly message: string;
  readonly reason: "changed" | "liveness" | "startup" | "unknown" | "resize";
}

/** What to do now so that a pod comes closer to its spec. Parts that do not appear stay as they are. */
export interface PodPlan {
  /** Stop everything that runs, the sandbox too. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** Of the sandbox to create. */
  readonly attempt: number;
  /** To use when none is created. */
  readonly sandboxId: string | undefined;
  /** Names; init containers in their order. */
  readonly initContainersToStart: readonly string[];
  readonly containersToStart: readonly string[];
  readonly ephemeralContainersToStart: readonly string[];
  readonly containersToKill: readonly ContainerToKill[];
  readonly containersToUpdate: readonly ContainerToUpdate[];
}

const nothing: PodPlan = {
  killPod: false, createSandbox: false, attempt: 0, sandboxId: undefined,
  initContainersToStart: [], containersToStart: [], ephemeralContainersToStart: [], containersToKill: [], containersToUpdate: [],
};

/** Whether the pod needs a sandbox other than the latest, and which attempt that would be. */
export function sandboxChange(pod: Pod, { sandboxes }: RuntimePod): { readonly changed: boolean; readonly attempt: number; readonly sandboxId: string | undefined } {
  const latest = sandboxes[0];
  if (!latest) return { changed: true, attempt: 0, sandboxId: undefined };
  const ready = sandboxes.filter((sandbox) => sandbox.ready);
  const next = { attempt: latest.attempt + 1, sandboxId: latest.id };
  if (ready.length > 1 || !latest.ready) return { changed: true, ...next };
  if (latest.hostNetwork !== isHostNetwork(pod)) return { changed: true, attempt: latest.attempt + 1, sandboxId: undefined };
  if (!isHostNetwork(pod) && latest.ips.length === 0) return { changed: true, ...next };
  return { changed: false, attempt: latest.attempt, sandboxId: latest.id };
}

const hasStartedMain = (pod: Pod, runtime: RuntimePod): boolean =>
  specOf(pod).containers.some(({ name }) => ["created", "running"].includes(latestContainer(runtime, name)?.state ?? ""));
const shouldRun = (pod: Pod, runtime: RuntimePod, name: string): boolean => {
  const known = latestContainer(runtime, name);
  const found = findContainer(pod, name);
  if (pod.metadata.deletionTimestamp !== undefined || !found) return false;
  if (!known) return true;
  if (known.state === "running") return false;
  if (known.state === "created" || known.state === "unknown") return true;
  return restartsAfter(pod, found, known.exitCode);
};

/** Whether a container that does not run is to be started (again); what the status shows as waiting. */
export const isToBeStarted = shouldRun;

interface InitPlan {
  readonly initialized: boolean;
  readonly start: readonly string[];
  readonly kill: readonly ContainerToKill[];
  /** An init container failed for good. */
  readonly failed: boolean;
}

/**
 * Init containers run one after the other; sidecars stay. Read from the last backwards, since the runtime may have forgotten those that are done:
 * the last one that is known says how far the pod has come.
 */
function planInit(pod: Pod, runtime: RuntimePod, probes: ProbeResults): InitPlan {
  const init = specOf(pod).initContainers ?? [];
  if (init.length === 0) return { initialized: true, start: [], kill: [], failed: false };
  const start: string[] = [];
  const kill: ContainerToKill[] = [];
  let initialized = hasStartedMain(pod, runtime);
  let before = initialized;
  let known = false;
  for (let index = init.length - 1; index >= 0; index--) {
    const container = init[index];
    if (!container) continue;
    const sidecar = isSidecar(container);
    const status = latestContainer(runtime, container.name);
    if (!status) {
      if (before && sidecar) start.push(container.name);
      continue;
    }
    known = true;
    if (before && !sidecar) continue;
    const next = init[index + 1];
    const last = index === init.length - 1;
    if (status.state === "created") start.push(container.name);
    else if (status.state === "running" && sidecar) {
      const startup = probes.startup.get(status.id);
      if (container.startupProbe && startup !== true) {
        if (startup === false) {
          kill.push({ container: status, message: `Init container ${container.name} failed startup probe`, reason: "startup" });
          start.push(container.name);
        }
      } else {
        if (last) initialized = true;
        else if (!before && next) start.push(next.name);
        if (status.hash !== containerHash(container)) {
          kill.push({ container: status, message: `Init container ${container.name} definition changed`, reason: "changed" });
          start.push(container.name);
        } else if (probes.liveness.get(status.id) === false) {
          kill.push({ container: status, message: `Init container ${container.name} failed liveness probe`, reason: "liveness" });
          start.push(container.name);
        }
      }
    } else if (status.state === "exited") {
      if (sidecar) start.push(container.name);
      else if (status.exitCode !== 0) {
        if (!restartsAfter(pod, { kind: "init", container }, status.exitCode)) return { initialized: false, start: [], kill: [], failed: true };
        start.push(container.name);
      } else if (last) initialized = true;
      else if (next) start.push(next.name);
    } else if (status.state === "unknown") {
      if (!sidecar && !restartsAfter(pod, { kind: "init", container }, 137)) return { initialized: false, start: [], kill: [], failed: true };
      kill.push({ container: status, message: 'Init container is in "unknown" state, try killing it before restart', reason: "unknown" });
      start.push(container.name);
    }
    // From here on everything earlier has been initialized once.
    if (!before) before = true;
  }
  if (!known && !before && init[0]) start.push(init[0].name);
  return { initialized, start: [...new Set(start)].toReversed(), kill, failed: false };
}

/** What a running container is to have and does not; undefined where it has it, or where the runtime does not say. */
function resizeOf(pod: Pod, container: Container, status: RuntimeContainer, node: NodeResources): { readonly resources: Input<LinuxContainerResources>; readonly restart: boolean } | undefined {
  const has = status.resources?.linux;
  if (!has) return undefined;
  const resources = containerResources(pod, container, node);
  const cpu = has.cpuShares !== resources.cpuShares || Math.max(has.cpuQuota, 0) !== resources.cpuQuota;
  const memory = has.memoryLimitInBytes !== resources.memoryLimitInBytes;
  if (!cpu && !memory) return undefined;
  const restarts = (name: string): boolean => container.resizePolicy?.some(({ resourceName, restartPolicy }) => resourceName === name && restartPolicy === "RestartContainer") === true;
  return { resources, restart: (cpu && restarts("cpu")) || (memory && restarts("memory")) };
}

/** Decides from what the pod asks for and what the runtime has; back-off is the business of whoever starts containers. */
export function plan(pod: Pod, runtime: RuntimePod, probes: ProbeResults, node: NodeResources): PodPlan {
  const { changed, attempt, sandboxId } = sandboxChange(pod, runtime);
  const { containers, initContainers = [], ephemeralContainers = [], restartPolicy = "Always" } = specOf(pod);
  if (changed) {
    const base = { ...nothing, killPod: true, attempt, sandboxId };
    const mayRestart = restartPolicy !== "Never" || containers.some((container) => container.restartPolicy !== undefined && container.restartPolicy !== "Never");
    if (!mayRestart && attempt !== 0 && runtime.containers.length > 0) return base;
    const toStart = containers.filter((container) => {
      const status = latestContainer(runtime, container.name);
      const policy = container.restartPolicy ?? restartPolicy;
      return !(policy === "OnFailure" && status?.state === "exited" && status.exitCode === 0);
    });
    if (toStart.length === 0 && containers.some(({ name }) => latestContainer(runtime, name))) return base;
    const first = initContainers[0];
    return { ...base, createSandbox: true, ...(first ? { initContainersToStart: [first.name] } : { containersToStart: toStart.map(({ name }) => name) }) };
  }

  const ephemeralContainersToStart = ephemeralContainers.map(({ name }) => name).filter((name) => !latestContainer(runtime, name));
  const init = planInit(pod, runtime, probes);
  const base = { ...nothing, sandboxId, ephemeralContainersToStart, initContainersToStart: init.start, containersToKill: init.kill };
  if (init.failed) return { ...base, killPod: true, initContainersToStart: [] };
  if (!init.initialized) return base;

  let kept = 0;
  const start: string[] = [];
  const kill: ContainerToKill[] = [...init.kill];
  const update: ContainerToUpdate[] = [];
  for (const container of initContainers.filter(isSidecar)) {
    const status = latestContainer(runtime, container.name);
    const resize = status?.state === "running" ? resizeOf(pod, container, status, node) : undefined;
    if (status && resize && !resize.restart) update.push({ id: status.id, name: container.name, resources: resize.resources });
  }
  for (const container of containers) {
    const status = latestContainer(runtime, container.name);
    if (status?.state !== "running") {
      if (!shouldRun(pod, runtime, container.name)) continue;
      start.push(container.name);
      if (status?.state === "unknown") kill.push({ container: status, message: 'Container is in "unknown" state, try killing it before restart', reason: "unknown" });
      continue;
    }
    const mayRestart = (container.restartPolicy ?? restartPolicy) !== "Never";
    const resize = resizeOf(pod, container, status, node);
    const problem =
      status.hash !== containerHash(container) ? { message: `Container ${container.name} definition changed`, reason: "changed" as const, restart: true }
      : probes.liveness.get(status.id) === false ? { message: `Container ${container.name} failed liveness probe`, reason: "liveness" as const, restart: mayRestart }
      : probes.startup.get(status.id) === false ? { message: `Container ${container.name} failed startup probe`, reason: "startup" as const, restart: mayRestart }
      : resize?.restart === true ? { message: `Container ${container.name} resize requires restart`, reason: "resize" as const, restart: true }
      : undefined;
    if (!problem) {
      if (resize) update.push({ id: status.id, name: container.name, resources: resize.resources });
      kept++;
      continue;
    }
    if (problem.restart) start.push(container.name);
    kill.push({ container: status, message: problem.restart ? `${problem.message}, will be restarted` : problem.message, reason: problem.reason });
  }
  const over = kept === 0 && start.length === 0;
  return { ...base, containersToStart: start, containersToKill: kill, containersToUpdate: update, killPod: over, initContainersToStart: over ? [] : init.start };
}

/** Containers of the pod's spec, in the order in which they are named. */
export const containerNames = (pod: Pod): readonly string[] => containersOf(pod).map(({ container }) => container.name);
