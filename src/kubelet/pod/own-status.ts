import type { Pod, PodStatus } from "../../api/generated/core-v1.ts";
import { equal } from "../../stdx/equal.ts";
import { ownConditions } from "../status/conditions.ts";

/** Whether nothing has changed but what this kubelet itself writes: its own status coming back is no news. */
export function isEcho(before: Pod, after: Pod): boolean {
  const news = ({ metadata, spec, status }: Pod): unknown => ({
    metadata: { ...metadata, resourceVersion: undefined, managedFields: undefined }, spec, phase: status?.phase === "Failed" || status?.phase === "Succeeded",
    conditions: status?.conditions?.filter(({ type }) => !ownConditions.has(type)),
  });
  return equal(news(before), news(after));
}

/** Conditions of others from the API, the kubelet's own from its last status. */
export function mergedConditions(api: PodStatus | undefined, own: PodStatus): PodStatus["conditions"] & {} {
  const types = new Set((own.conditions ?? []).map(({ type }) => type));
  const fresh = new Map((api?.conditions ?? []).map((condition) => [condition.type, condition]));
  return [
    ...(api?.conditions ?? []).filter(({ type }) => !types.has(type)),
    ...(own.conditions ?? []).flatMap((condition) => (ownConditions.has(condition.type) ? [condition] : (fresh.get(condition.type) ?? []))),
  ];
}
