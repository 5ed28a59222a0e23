import type { Pod } from "../../api/generated/core-v1.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/generated/policy-v1.ts";
import { scaledIntOrPercent } from "../../apimachinery/int-or-string.ts";
import { formatTime, timeMs } from "../../apimachinery/time.ts";
import { isReady } from "../shared/pods.ts";

/** An eviction that was allowed is expected to have begun within this time; else its pod counts again. */
export const deletionTimeoutMs = 120_000;

export interface Budget {
  readonly status: PodDisruptionBudgetStatus;
  readonly againMs: number | undefined;
  /** Evictions were allowed for these, and did not happen. */
  readonly notDeleted: readonly Pod[];
}

/** `scale`: how many pods their owners want altogether; undefined where an owner has no scale. */
export function planBudget(budget: PodDisruptionBudget, pods: readonly Pod[], scale: number, nowMs: number): Budget {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  const countsPods = maxUnavailable === undefined && typeof minAvailable === "number";
  const expectedPods = countsPods ? pods.length : maxUnavailable === undefined && minAvailable === undefined ? 0 : scale;
  const desiredHealthy = maxUnavailable !== undefined ? Math.max(expectedPods - scaledIntOrPercent(maxUnavailable, expectedPods, true), 0) : scaledIntOrPercent(minAvailable ?? 0, expectedPods, true);

  const disrupted = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).flatMap((pod) => {
    const time = budget.status?.disruptedPods?.[pod.metadata.name ?? ""];
    return time === undefined ? [] : [{ pod, time, leftMs: (timeMs(time) ?? 0) + deletionTimeoutMs - nowMs }];
  });
  const expected = disrupted.filter(({ leftMs }) => leftMs > 0);
  const currentHealthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod) && !expected.some((each) => each.pod === pod)).length;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(currentHealthy - desiredHealthy, 0);
  const observedGeneration = budget.metadata.generation ?? 0;
  const allowed = disruptionsAllowed > 0;
  const known = budget.status?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const status = allowed ? "True" : "False";
  const condition = {
    type: "DisruptionAllowed", status, reason: allowed ? "SufficientPods" : "InsufficientPods", message: "", observedGeneration,
    lastTransitionTime: known?.status === status ? known.lastTransitionTime : formatTime(nowMs),
  };
  return {
    notDeleted: disrupted.filter(({ leftMs }) => leftMs <= 0).map(({ pod }) => pod),
    againMs: expected.length === 0 ? undefined : Math.min(...expected.map(({ leftMs }) => leftMs)),
    status: {
      currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed, observedGeneration,
      ...(expected.length > 0 && { disruptedPods: Object.fromEntries(expected.map(({ pod, time }) => [pod.metadata.name ?? "", time])) }),
      conditions: [...(budget.status?.conditions ?? []).filter(({ type }) => type !== "DisruptionAllowed"), condition],
    },
  };
}
