import type { ReplicaSetStatus } from "../../api/generated/apps-v1.ts";
import type { Pod, PodTemplateSpec } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { matcherOfLabels, matchesLabels } from "../../apimachinery/label-selector.ts";
import { formatTime } from "../../apimachinery/time.ts";
import { availableInMs, cheapestFirst, isActive, isReady, isTerminating } from "../shared/pods.ts";
import { compact, withCondition, withoutCondition } from "../shared/status.ts";

/** What ReplicaSets and ReplicationControllers have in common. */
export interface Replicated extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly minReadySeconds?: number; readonly template?: PodTemplateSpec };
  readonly status?: ReplicaSetStatus;
}

/** One reconcile creates or deletes at most this many pods. */
const burstMax = 500;

/** How many pods to create and which to delete. `related` are the pods of all sets of the same owner: crowded nodes are emptied first. */
export function planPods(owner: Replicated, claimed: readonly Pod[], related: readonly Pod[], nowMs: number): { readonly create: number; readonly remove: readonly Pod[] } {
  const active = claimed.filter(isActive);
  const missing = (owner.spec?.replicas ?? 1) - active.length;
  if (owner.metadata.deletionTimestamp !== undefined || missing === 0) return { create: 0, remove: [] };
  if (missing > 0) return { create: Math.min(missing, burstMax), remove: [] };

  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? "";
    if (isActive(pod) && node !== "") onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  return { create: 0, remove: active.toSorted(cheapestFirst(nowMs, (pod) => onNode.get(pod.spec?.nodeName ?? "") ?? 0)).slice(0, Math.min(-missing, burstMax)) };
}

/** What the status should be, given the pods as they are and what went wrong, if anything, while making them so. */
export function planStatus(owner: Replicated, claimed: readonly Pod[], failure: Error | undefined, nowMs: number, { countsTerminating }: { readonly countsTerminating: boolean }): ReplicaSetStatus {
  const active = claimed.filter(isActive);
  const template = matcherOfLabels(owner.spec?.template?.metadata?.labels);
  const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
  const { replicas: _, ...before } = owner.status ?? { replicas: 0 };
  return compact({
    ...before,
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) => matchesLabels(template, metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: active.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0).length,
    ...(countsTerminating && { terminatingReplicas: claimed.filter(isTerminating).length }),
    observedGeneration: owner.metadata.generation ?? 0,
    conditions: failureConditions(owner, active.length, failure, nowMs),
  }, ["replicas", "terminatingReplicas"]);
}

function failureConditions({ spec, status }: Replicated, active: number, failure: Error | undefined, nowMs: number) {
  if (!failure) return withoutCondition(status?.conditions, "ReplicaFailure");
  if (status?.conditions?.some(({ type }) => type === "ReplicaFailure")) return status.conditions;
  const reason = active < (spec?.replicas ?? 1) ? "FailedCreate" : "FailedDelete";
  return withCondition(status?.conditions, { type: "ReplicaFailure", status: "True", reason, message: failure.message, lastTransitionTime: formatTime(nowMs) });
}

/** When a ready pod that is not yet available will be: time to look again. */
export function nextAvailableInMs(owner: Replicated, claimed: readonly Pod[], nowMs: number): number | undefined {
  const waits = claimed.filter(isActive).map((pod) => availableInMs(pod, owner.spec?.minReadySeconds ?? 0, nowMs) ?? 0).filter((wait) => wait > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
