import type { Pod, PodStatus } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { isHostNetwork, isTerminal, qosClassOf, specOf } from "../pod/pod.ts";
import { latestContainer, readySandbox, type RuntimePod } from "../runtime/runtime-pod.ts";
import { podConditions, type ResizeVerdict } from "./conditions.ts";
import { containerStatuses, type ContainerProbes, type WaitingReason } from "./container-statuses.ts";
import { phaseOf, type Phase } from "./phase.ts";

/** A verdict of the node itself on the whole pod: it was refused, ran out of time, was evicted. */
export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
  /** The pod was never let in: its status says so and nothing of its containers. */
  readonly rejected?: boolean;
}

export interface PodStatusInput {
  /** With the status that was shown last. */
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly runtimeName: string;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly probes: ContainerProbes;
  readonly nodeIps: readonly string[];
  /** The pod is ending or has ended: nothing will be started any more. */
  readonly terminal: boolean;
  readonly failed: PodVerdict | undefined;
  readonly resize?: ResizeVerdict | undefined;
  readonly nowMs: number;
}

/** The status to show, from what the runtime has. Total: any state of the runtime has one. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, nodeIps, terminal, failed, nowMs } = input;
  const previous = pod.status ?? {};
  const now = formatTime(nowMs);
  const { init, main, ephemeral } = containerStatuses(input);
  const all = [...init, ...main];
  const started = specOf(pod).containers.some(({ name }) => {
    const state = latestContainer(runtime, name)?.state;
    return state === "running" || state === "exited";
  });
  const ended = isTerminal(pod) ? (previous.phase as Phase) : undefined; // There is no way back from a final phase.
  const phase = ended ?? (failed && everythingStopped(runtime) ? "Failed" : phaseOf(pod, all, { terminal, initialized: started }));
  const verdict = failed ?? (previous.phase === phase && previous.reason !== undefined ? { reason: previous.reason, message: previous.message ?? "" } : undefined);
  const ips = isHostNetwork(pod) ? nodeIps : (readySandbox(runtime)?.ips ?? []);
  const shown = ips.length > 0 ? ips : (previous.podIPs ?? []).map(({ ip }) => ip);
  const hostIP = nodeIps[0];
  const refused = failed?.rejected === true || (previous.phase === "Failed" && previous.containerStatuses === undefined && runtime.containers.length === 0);
  const conditions = podConditions({ pod, runtime, statuses: all, phase, now, resize: terminal ? undefined : input.resize });
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(verdict && { reason: verdict.reason, ...(verdict.message !== "" && { message: verdict.message }) }),
    ...(previous.nominatedNodeName !== undefined && { nominatedNodeName: previous.nominatedNodeName }),
    ...(hostIP !== undefined && { hostIP, hostIPs: nodeIps.map((ip) => ({ ip })) }),
    ...(shown[0] !== undefined && { podIP: shown[0], podIPs: shown.map((ip) => ({ ip })) }),
    startTime: previous.startTime ?? now,
    ...(init.length > 0 && !refused && { initContainerStatuses: init }),
    ...(!refused && { containerStatuses: main }),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod),
  };
}

const everythingStopped = ({ containers }: RuntimePod): boolean => !containers.some(({ state }) => state === "running" || state === "unknown");
