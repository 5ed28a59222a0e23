import type { Event } from "../../api/generated/core-v1.ts";
import { isStatusError } from "../../apimachinery/status-error.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Turns } from "../../stdx/turns.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { Registry, WriteContext } from "./registry.ts";

/** Upstream's --event-ttl. */
export const eventLifeMs = 60 * 60 * 1000;
/** Where the store ends events itself, only those that it was not told of (copied from another store, written before this was so) are left, long after their time. */
const graceMs = 10 * 60 * 1000;
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
  readonly lifeMs: number;
  /** Whether the store sees to it, so that this is the safety net. */
  readonly storeExpires: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** There are more events than pods. */
  readonly turns: Turns;
  readonly signal: AbortSignal;
}

const eventsPerTurn = 256;

/** Events are news: after their life they are deleted. Resolves when the signal aborts. */
export async function runEventExpiry({ registry, lifeMs, storeExpires, clock, log, turns, signal }: EventExpiryOptions): Promise<void> {
  const oldMs = lifeMs + (storeExpires ? graceMs : 0);
  while (!signal.aborted) {
    try {
      await clock.sleep(sweepEveryMs, { signal });
    } catch {
      return;
    }
    const nowMs = clock.now();
    const old: CacheEntry[] = [];
    for (const [index, entry] of registry.cache.entries().entries()) {
      if (index % eventsPerTurn === eventsPerTurn - 1) await turns.next();
      if (nowMs - lastSeenMs(entry.object as Event) > oldMs) old.push(entry);
      if (old.length === deletionsPerSweepMax) break;
    }
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
