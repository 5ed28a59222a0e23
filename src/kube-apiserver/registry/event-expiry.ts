import type { Event } from "../../api/generated/core-v1.ts";
import { isStatusError } from "../../apimachinery/status-error.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Registry, WriteContext } from "./registry.ts";

/** Upstream's --event-ttl. */
const eventLifeMs = 60 * 60 * 1000;
const sweepEveryMs = 60 * 1000;
/** A sweep deletes no more than this, so that it does not stand in anybody's way. */
const deletionsPerSweepMax = 5_000;

/** When somebody last wrote the event, as far as it says so itself. */
export function lastSeenMs({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime, ...(metadata.managedFields ?? []).map(({ time }) => time)];
  return Math.max(...times.map((time) => (typeof time === "string" ? Date.parse(time) : Number.NaN)).filter((ms) => !Number.isNaN(ms)), 0);
}

export interface EventExpiryOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Events are news: after an hour they are deleted. Resolves when the signal aborts. */
export async function runEventExpiry({ registry, clock, log, signal }: EventExpiryOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(sweepEveryMs, { signal });
    } catch {
      return;
    }
    const nowMs = clock.now();
    const old = registry.cache.entries().filter((entry) => nowMs - lastSeenMs(entry.object as Event) > eventLifeMs).slice(0, deletionsPerSweepMax);
    for (const { object: { metadata: { name = "", namespace = "", uid } } } of old) {
      try {
        await registry.delete(name, { ...(uid !== undefined && { preconditions: { uid } }) }, sweeping(namespace, signal));
      } catch (error) {
        if (signal.aborted) return;
        if (!isStatusError(error, "NotFound", "Conflict")) log.error("an old event could not be deleted", { namespace, name, error });
      }
    }
  }
}

const sweeping = (namespace: string, signal: AbortSignal): WriteContext => ({
  user: { name: "system:apiserver", groups: ["system:masters"] }, namespace, dryRun: false, subresource: "", signal,
  admission: { mutate: async (_, object) => object, validate: async () => undefined },
  warn: () => undefined, step: () => undefined, track: (next) => next,
});
