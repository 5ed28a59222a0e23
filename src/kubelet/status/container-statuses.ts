import type { ContainerState, ContainerStatus, Pod } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { isToBeStarted } from "../pod/plan.ts";
import { containersOf, specOf, type NamedContainer } from "../pod/pod.ts";
import { latestContainer, type RuntimeContainer, type RuntimePod } from "../runtime/runtime-pod.ts";

/** Why a container waits: the reason and message of its last failure to start. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** What probes say of the containers of a pod, by container id. */
export interface ContainerProbes {
  /** A startup probe, where there is one, has succeeded. */
  started(id: string, container: NamedContainer): boolean;
  /** A readiness probe, where there is one, has succeeded. */
  ready(id: string, container: NamedContainer): boolean;
}

/** Of the runtime's ids: "containerd://…". */
export const runtimeId = (runtimeName: string, id: string): string => `${runtimeName}://${id}`;

const signalBase = 128;
const terminatedReason = (container: RuntimeContainer): string => (container.reason !== "" ? container.reason : container.exitCode === 0 ? "Completed" : "Error");

function stateOf(container: RuntimeContainer, runtimeName: string): ContainerState {
  if (container.state === "running") return { running: { startedAt: formatTime(container.startedAtMs) } };
  if (container.state === "exited") {
    return {
      terminated: {
        exitCode: container.exitCode, reason: terminatedReason(container), ...(container.message !== "" && { message: container.message }),
        // A container that never started has no time of its own; upstream shows that as the beginning of time.
        startedAt: formatTime(container.startedAtMs), finishedAt: formatTime(container.finishedAtMs), containerID: runtimeId(runtimeName, container.id),
      },
    };
  }
  return { waiting: {} };
}

const lostExitCode = signalBase + 9;

/** The status of a container of which the runtime knows nothing. */
function missingStatus(pod: Pod, { container, kind }: NamedContainer, old: ContainerStatus | undefined, initializing: boolean, mainCreated: boolean): ContainerStatus {
  const waiting: ContainerState = { waiting: { reason: initializing ? "PodInitializing" : "ContainerCreating" } };
  const base: ContainerStatus = { name: container.name, image: container.image ?? "", imageID: "", ready: false, restartCount: 0, started: false, state: waiting, lastState: {} };
  if (!old) {
    if (kind === "init" && mainCreated) {
      return { ...base, state: { terminated: { exitCode: 0, reason: "Completed", message: "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally" } } };
    }
    return base;
  }
  if (old.state?.terminated) return { ...old, ready: kind === "init" && old.state.terminated.exitCode === 0, started: false };
  const kept = { ...base, restartCount: old.restartCount, lastState: old.lastState ?? {} };
  if (!old.state?.running || old.lastState?.terminated) return kept;
  return {
    ...kept,
    lastState: { terminated: { exitCode: lostExitCode, reason: "ContainerStatusUnknown", message: "The container could not be located when the pod was deleted.  The container used to be Running" } },
    restartCount: old.restartCount + (pod.metadata.deletionTimestamp === undefined ? 1 : 0),
  };
}

export interface StatusInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly runtimeName: string;
  /** The statuses that were shown last. */
  readonly previous: readonly ContainerStatus[];
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly probes: ContainerProbes;
}

function statusOf(named: NamedContainer, input: StatusInput): ContainerStatus {
  const { pod, runtime, runtimeName, previous, waiting, probes } = input;
  const { container, kind } = named;
  const old = previous.find(({ name }) => name === container.name);
  const [latest, before] = runtime.containers.filter(({ name }) => name === container.name);
  const initializing = (specOf(pod).initContainers ?? []).length > 0;
  const mainCreated = specOf(pod).containers.some(({ name }) => latestContainer(runtime, name));
  const volumeMounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({
    name, mountPath, ...(readOnly === true && { readOnly, recursiveReadOnly: recursiveReadOnly === "Enabled" ? "Enabled" : "Disabled" }),
  }));

  let status: ContainerStatus;
  if (!latest) status = missingStatus(pod, named, old, initializing, mainCreated);
  else {
    const running = latest.state === "running";
    const started = running && probes.started(latest.id, named);
    const done = latest.state === "exited" && latest.exitCode === 0;
    status = {
      name: container.name, image: latest.image === "" ? (container.image ?? "") : latest.image, imageID: latest.imageRef, containerID: runtimeId(runtimeName, latest.id),
      restartCount: latest.restartCount, state: stateOf(latest, runtimeName),
      lastState: before ? stateOf(before, runtimeName) : (old?.containerID !== undefined && old.containerID !== runtimeId(runtimeName, latest.id) && old.state?.terminated ? { terminated: old.state.terminated } : (old?.lastState?.terminated ? { terminated: old.lastState.terminated } : {})),
      ready: kind === "init" ? done : kind === "ephemeral" ? false : started && probes.ready(latest.id, named),
      started: kind === "ephemeral" ? false : started,
      ...(container.resources && { resources: container.resources }), ...(container.resources?.requests && { allocatedResources: container.resources.requests }),
    };
    if (status.lastState?.running) status = { ...status, lastState: {} };
  }
  if (volumeMounts.length > 0) status = { ...status, volumeMounts };

  const doneInit = kind === "init" && latest?.state === "exited" && latest.exitCode === 0;
  const reason = waiting.get(container.name);
  if (!reason || doneInit || !isToBeStarted(pod, runtime, container.name)) return status;
  return {
    ...status, ready: false, started: false,
    ...(status.state?.terminated && { lastState: { terminated: status.state.terminated } }),
    state: { waiting: { reason: reason.reason, ...(reason.message !== "" && { message: reason.message }) } },
  };
}

const byName = (a: ContainerStatus, b: ContainerStatus): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Statuses of all containers; main and ephemeral ones by name, init containers in their order. */
export function containerStatuses(input: Omit<StatusInput, "previous">): { readonly init: readonly ContainerStatus[]; readonly main: readonly ContainerStatus[]; readonly ephemeral: readonly ContainerStatus[] } {
  const { status } = input.pod;
  const all = containersOf(input.pod);
  const of = (kinds: readonly NamedContainer["kind"][], previous: readonly ContainerStatus[] = []): ContainerStatus[] =>
    all.filter(({ kind }) => kinds.includes(kind)).map((named) => statusOf(named, { ...input, previous }));
  return { init: of(["init", "sidecar"], status?.initContainerStatuses), main: of(["main"], status?.containerStatuses).toSorted(byName), ephemeral: of(["ephemeral"], status?.ephemeralContainerStatuses).toSorted(byName) };
}
