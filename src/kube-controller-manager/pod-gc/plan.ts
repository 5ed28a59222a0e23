import type { Node, Pod } from "../../api/generated/core-v1.ts";
import { isFinished } from "../shared/pods.ts";

/** Why a pod is removed although nobody asked for it, or nobody is left to end it. */
export type Verdict =
  | { readonly act: "keep" }
  | { readonly act: "wait"; readonly ms: number }
  | { readonly act: "remove"; readonly reason: "orphaned" | "unscheduled" | "out of service" };

/** A node that is missing may only be late in the cache: its pods are left alone for this long. */
export const quarantineMs = 40_000;

export interface PodFacts {
  readonly node: Node | undefined;
  /** Since when the pod's node is missing; undefined when it is there. */
  readonly missingSinceMs: number | undefined;
  readonly nowMs: number;
}

export function judge(pod: Pod, { node, missingSinceMs, nowMs }: PodFacts): Verdict {
  const nodeName = pod.spec?.nodeName ?? "";
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  if (nodeName === "") return terminating ? { act: "remove", reason: "unscheduled" } : { act: "keep" };
  if (!node) {
    const waitMs = (missingSinceMs ?? nowMs) + quarantineMs - nowMs;
    return waitMs > 0 ? { act: "wait", ms: waitMs } : { act: "remove", reason: "orphaned" };
  }
  const outOfService = node.spec?.taints?.some(({ key }) => key === "node.kubernetes.io/out-of-service") ?? false;
  const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return terminating && outOfService && !ready ? { act: "remove", reason: "out of service" } : { act: "keep" };
}

/** Finished pods beyond the threshold: those that were evicted first, then the oldest. */
export function surplusOf(finished: readonly Pod[], keepMax: number): readonly Pod[] {
  const surplus = finished.length - keepMax;
  if (surplus <= 0) return [];
  const isEvicted = ({ status }: Pod) => status?.reason === "Evicted";
  return finished.filter(isFinished).toSorted((a, b) => Number(isEvicted(b)) - Number(isEvicted(a)) || ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1)).slice(0, surplus);
}
