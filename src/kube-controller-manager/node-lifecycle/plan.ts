import type { Node, NodeCondition, Taint } from "../../api/generated/core-v1.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { equal } from "../../stdx/equal.ts";

export interface NodeTimes {
  /** A node that gave no sign of life for this long is unreachable. */
  readonly monitorGraceMs: number;
  /** The same for a node whose kubelet never reported a status. */
  readonly startupGraceMs: number;
}
export const upstreamTimes: NodeTimes = { monitorGraceMs: 50_000, startupGraceMs: 60_000 };

const readyType = "Ready";
export const notReadyTaint = "node.kubernetes.io/not-ready";
export const unreachableTaint = "node.kubernetes.io/unreachable";
const unschedulableTaint = "node.kubernetes.io/unschedulable";
/** Which condition in which state makes which taint. */
const taintOfCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: notReadyTaint, Unknown: unreachableTaint },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const ownTaints: ReadonlySet<string> = new Set([unschedulableTaint, ...Object.values(taintOfCondition).flatMap((taints) => Object.values(taints))]);
/** Those that only the kubelet reports; NetworkUnavailable is the network's own. */
const kubeletConditions = [readyType, "MemoryPressure", "DiskPressure", "PIDPressure"] as const;

export const readyStatus = ({ status }: Node): string | undefined => status?.conditions?.find(({ type }) => type === readyType)?.status;

/** The conditions of a node that has been silent for too long; the same list when they say so already. */
export function unknownConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  const conditions = node.status?.conditions ?? [];
  const time = formatTime(nowMs);
  let changed = false;
  const next = conditions.map((condition): NodeCondition => {
    if (!kubeletConditions.some((type) => type === condition.type) || condition.status === "Unknown") return condition;
    changed = true;
    return { ...condition, status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status.", lastTransitionTime: time };
  });
  for (const type of kubeletConditions) {
    if (conditions.some((condition) => condition.type === type)) continue;
    changed = true;
    next.push({
      type, status: "Unknown", reason: "NodeStatusNeverUpdated", message: "Kubelet never posted node status.", lastTransitionTime: time,
      ...(node.metadata.creationTimestamp && { lastHeartbeatTime: node.metadata.creationTimestamp }),
    });
  }
  return changed ? next : conditions;
}

/** How much longer the node may be silent; 0 when its time is up. */
export function silenceLeftMs(node: Node, heardMs: number, nowMs: number, times: NodeTimes): number {
  const graceMs = readyStatus(node) === undefined ? times.startupGraceMs : times.monitorGraceMs;
  return Math.max(heardMs + graceMs - nowMs, 0);
}

/**
 * The taints that a node should have, given its conditions: NoSchedule at once, NoExecute when `evicts`. Others' taints stay. The same list when nothing is
 * to be done.
 */
export function planTaints(node: Node, evicts: boolean, nowMs: number): readonly Taint[] {
  const current = node.spec?.taints ?? [];
  const keys = (node.status?.conditions ?? []).map(({ type, status }) => taintOfCondition[type]?.[status]).filter((key) => key !== undefined);
  const noSchedule = [...keys, ...(node.spec?.unschedulable === true ? [unschedulableTaint] : [])];
  const noExecute = evicts ? keys.filter((key) => key === notReadyTaint || key === unreachableTaint) : [];
  const wanted = [...noSchedule.map((key) => ({ key, effect: "NoSchedule" })), ...noExecute.map((key) => ({ key, effect: "NoExecute" }))];
  const isWanted = (taint: Taint) => wanted.some(({ key, effect }) => key === taint.key && effect === taint.effect);
  const isOwn = ({ key, effect }: Taint) => (effect === "NoSchedule" && ownTaints.has(key)) || (effect === "NoExecute" && (key === notReadyTaint || key === unreachableTaint));
  const kept = current.filter((taint) => !isOwn(taint) || isWanted(taint));
  const added = wanted.filter(({ key, effect }) => !current.some((taint) => taint.key === key && taint.effect === effect)).map((taint) => ({ ...taint, timeAdded: formatTime(nowMs) }));
  return added.length === 0 && kept.length === current.length ? current : [...kept, ...added];
}

/** Labels from before 1.14 that follow their successors. */
export function missingLabels({ metadata: { labels = {} } }: Node): Readonly<Record<string, string>> {
  const missing: Record<string, string> = {};
  for (const name of ["os", "arch"]) {
    const value = labels[`kubernetes.io/${name}`];
    if (value !== undefined && labels[`beta.kubernetes.io/${name}`] !== value) missing[`beta.kubernetes.io/${name}`] = value;
  }
  return missing;
}

const nodesPerSecond = 0.1;
const nodesPerSecondSlow = 0.01;
const largeZoneNodes = 50;
const unhealthyShare = 0.55;

/**
 * How long to wait between two nodes of a zone whose pods are to be evicted. When most of a zone is silent, the fault is more likely between us and the zone: large zones go slowly,
 * small ones not at all (undefined).
 */
export function evictionIntervalMs(zone: { readonly ready: number; readonly notReady: number }): number | undefined {
  const { ready, notReady } = zone;
  if (ready > 0 && notReady > 2 && notReady / (ready + notReady) >= unhealthyShare) return ready + notReady > largeZoneNodes ? 1000 / nodesPerSecondSlow : undefined;
  return 1000 / nodesPerSecond;
}

export const zoneOf = ({ metadata: { labels } }: Node): string => `${labels?.["topology.kubernetes.io/region"] ?? ""}:${labels?.["topology.kubernetes.io/zone"] ?? ""}`;

/** No node is ready: nothing that is evicted could run anywhere else, and the fault is most likely our own. */
export const allAreDown = (nodes: readonly Node[]): boolean => nodes.length > 0 && nodes.every((node) => readyStatus(node) !== "True");

export const sameTaints = (a: readonly Taint[], b: readonly Taint[] | undefined): boolean => equal(a, b ?? []);
