import type { Pod } from "../../api/generated/core-v1.ts";
import { parseTime } from "../../apimachinery/time.ts";

/** Terminal: its containers have ended and will not start again. */
export const isFinished = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined;

export const podCondition = ({ status }: Pod, type: string) => status?.conditions?.find((condition) => condition.type === type);
export const isReady = (pod: Pod): boolean => podCondition(pod, "Ready")?.status === "True";

/** Milliseconds since the epoch; undefined while the pod is not ready. */
export function readySinceMs(pod: Pod): number | undefined {
  const condition = podCondition(pod, "Ready");
  if (condition?.status !== "True") return undefined;
  return condition.lastTransitionTime === undefined ? 0 : parseTime(condition.lastTransitionTime);
}

/** Ready for at least `minReadySeconds`. */
export const isAvailable = (pod: Pod, minReadySeconds: number, nowMs: number): boolean => availableInMs(pod, minReadySeconds, nowMs) === 0;

/** How long until a ready pod counts as available, 0 when it does; undefined while it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const sinceMs = readySinceMs(pod);
  if (sinceMs === undefined) return undefined;
  return minReadySeconds === 0 ? 0 : Math.max(sinceMs + minReadySeconds * 1000 - nowMs, 0);
}

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const deletionCost = ({ metadata }: Pod): number => Number.parseInt(metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? "0", 10) || 0;
const restarts = ({ status }: Pod): number => Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
/** Ages are compared by their order of magnitude only, so that the choice among pods of about the same age is by chance (their UIDs). */
const magnitude = (sinceMs: number, nowMs: number): number => {
  const seconds = Math.floor((nowMs - sinceMs) / 1000);
  return seconds <= 0 ? 0 : Math.floor(Math.log2(seconds));
};

/**
 * Which pods go first when there are too many: the ones whose loss costs least. Upstream's order: unassigned, pending, not ready, low deletion cost, many related
 * pods on its node, ready or created only lately, restarted often. `rank` counts related pods on the pod's node.
 */
export function cheapestFirst(nowMs: number, rank: (pod: Pod) => number): (a: Pod, b: Pod) => number {
  const byUid = (a: Pod, b: Pod) => ((a.metadata.uid ?? "") < (b.metadata.uid ?? "") ? -1 : 1);
  return (a, b) => {
    const assigned = Number((a.spec?.nodeName ?? "") !== "") - Number((b.spec?.nodeName ?? "") !== "");
    if (assigned !== 0) return assigned;
    const phase = (phaseOrder[a.status?.phase ?? "Pending"] ?? 0) - (phaseOrder[b.status?.phase ?? "Pending"] ?? 0);
    if (phase !== 0) return phase;
    const ready = Number(isReady(a)) - Number(isReady(b));
    if (ready !== 0) return ready;
    const cost = deletionCost(a) - deletionCost(b);
    if (cost !== 0) return cost;
    const crowded = rank(b) - rank(a);
    if (crowded !== 0) return crowded;
    const [readyA, readyB] = [readySinceMs(a), readySinceMs(b)];
    if (readyA !== undefined && readyB !== undefined && readyA !== readyB) return magnitude(readyA, nowMs) - magnitude(readyB, nowMs) || byUid(a, b);
    const restarted = restarts(b) - restarts(a);
    if (restarted !== 0) return restarted;
    const [createdA, createdB] = [a, b].map(({ metadata }) => parseTime(metadata.creationTimestamp ?? "1970-01-01T00:00:00Z")) as [number, number];
    return createdA === createdB ? 0 : magnitude(createdA, nowMs) - magnitude(createdB, nowMs) || byUid(a, b);
  };
}
