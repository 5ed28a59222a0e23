import type { ContainerStatus, Pod, PodCondition } from "../../api/generated/core-v1.ts";
import { sandboxChange } from "../pod/plan.ts";
import { isSidecar, specOf } from "../pod/pod.ts";
import type { RuntimePod } from "../runtime/runtime-pod.ts";
import type { Phase } from "./phase.ts";

type Verdict = Pick<PodCondition, "status" | "reason" | "message">;
const yes: Verdict = { status: "True" };
const no = (reason: string, message?: string): Verdict => ({ status: "False", reason, ...(message !== undefined && { message }) });

/** Conditions that the kubelet owns; all others belong to somebody else and are kept. */
export const ownConditions: ReadonlySet<string> = new Set(["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "PodResizePending", "PodResizeInProgress"]);

const listText = (names: readonly string[]): string => `[${names.join(" ")}]`;

function problems(unknown: readonly string[], kind: string, names: readonly string[]): string {
  return [...(unknown.length > 0 ? [`containers with unknown status: ${listText(unknown)}`] : []), ...(names.length > 0 ? [`containers with ${kind} status: ${listText(names)}`] : [])].join(", ");
}

function containersReady(pod: Pod, statuses: readonly ContainerStatus[], phase: Phase): Verdict {
  const { initContainers = [], containers } = specOf(pod);
  const names = [...initContainers.filter(isSidecar), ...containers].map(({ name }) => name);
  const find = (name: string): ContainerStatus | undefined => statuses.find((status) => status.name === name);
  const unknown = names.filter((name) => !find(name));
  const unready = names.filter((name) => find(name)?.ready === false);
  if (phase === "Succeeded" && unknown.length === 0) return no("PodCompleted");
  if (phase === "Failed") return no("PodFailed");
  const message = problems(unknown, "unready", unready);
  return message === "" ? yes : no("ContainersNotReady", message);
}

function ready(pod: Pod, containers: Verdict, conditions: readonly PodCondition[]): Verdict {
  if (containers.status !== "True") return containers;
  const messages = (specOf(pod).readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = conditions.find(({ type }) => type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`];
    return condition.status === "True" ? [] : [`the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${condition.status}`];
  });
  return messages.length === 0 ? yes : no("ReadinessGatesNotReady", messages.join(", "));
}

function initialized(pod: Pod, statuses: readonly ContainerStatus[], phase: Phase): Verdict {
  const { initContainers = [], containers } = specOf(pod);
  const find = (name: string): ContainerStatus | undefined => statuses.find((status) => status.name === name);
  const unknown = initContainers.filter(({ name }) => !find(name)).map(({ name }) => name);
  const incomplete = initContainers.filter((container) => {
    const status = find(container.name);
    return status !== undefined && !(isSidecar(container) ? status.started === true : status.ready);
  }).map(({ name }) => name);
  if (phase === "Succeeded" && unknown.length === 0) return { status: "True", reason: "PodCompleted" };
  const mainStarted = containers.some(({ name }) => {
    const status = find(name);
    return status?.state?.running !== undefined || status?.state?.terminated !== undefined || status?.lastState?.terminated !== undefined || status?.started === true;
  });
  if (mainStarted) return yes;
  const message = problems(unknown, "incomplete", incomplete);
  return message === "" ? yes : no("ContainersNotInitialized", message);
}

/** Other resources are asked for than the pod has: it has to wait for them, will never get them, or is about to. */
export interface ResizeVerdict {
  readonly type: "PodResizePending" | "PodResizeInProgress";
  readonly reason?: "Infeasible" | "Deferred";
  readonly message?: string;
}

/** The kubelet's conditions; times of transition change only with the status. */
export function podConditions(options: { readonly pod: Pod; readonly runtime: RuntimePod; readonly statuses: readonly ContainerStatus[]; readonly phase: Phase; readonly now: string; readonly resize?: ResizeVerdict | undefined }): readonly PodCondition[] {
  const { pod, runtime, statuses, phase, now, resize } = options;
  const previous = pod.status?.conditions ?? [];
  const containers = containersReady(pod, statuses, phase);
  const verdicts: readonly (readonly [string, Verdict])[] = [
    ["PodReadyToStartContainers", sandboxChange(pod, runtime).changed ? { status: "False" } : yes],
    ["Initialized", initialized(pod, statuses, phase)],
    ["Ready", ready(pod, containers, previous)],
    ["ContainersReady", containers],
    ["PodScheduled", yes],
    ...(resize ? [[resize.type, { status: "True", ...(resize.reason !== undefined && { reason: resize.reason }), ...(resize.message !== undefined && { message: resize.message }) }] as const] : []),
  ];
  const own = verdicts.map(([type, { status, reason, message }]): PodCondition => {
    const old = previous.find((condition) => condition.type === type);
    return {
      type, ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }), status, lastProbeTime: null as unknown as string,
      lastTransitionTime: old?.status === status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : now,
      ...(reason !== undefined && { reason }), ...(message !== undefined && { message }),
    };
  }).map(({ lastProbeTime: _, ...condition }): PodCondition => condition);
  return [...previous.filter(({ type }) => !ownConditions.has(type)), ...own];
}
