import type { Pod } from "../../api/generated/core-v1.ts";
import { timeMs } from "../../apimachinery/time.ts";

/** Failures in a row delay the next pod by this, doubled each time. */
const retryDelayMs = 10_000;
const retryDelayMsMax = 600_000;

export function finishedMs({ status, metadata }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => timeMs(state?.terminated?.finishedAt) ?? 0);
  return Math.max(0, ...ends) || (timeMs(metadata.deletionTimestamp) ?? timeMs(metadata.creationTimestamp) ?? 0);
}

/** How long after the last of so many failures in a row the next attempt has to wait; 0: no longer. */
export const retryInMs = (failures: number, lastFailureMs: number, nowMs: number): number =>
  failures === 0 ? 0 : Math.max(lastFailureMs + Math.min(retryDelayMs * 2 ** (failures - 1), retryDelayMsMax) - nowMs, 0);
