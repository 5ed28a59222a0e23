import type { Event } from "../api/generated/core-v1.ts";
import { Lru } from "./lru.ts";

/** The limits of upstream's correlator. */
const entriesMax = 4096;
const similarEventsMax = 10;
const similarIntervalMs = 600_000;
const spamBurst = 25;
const spamRefillMs = 300_000;

/** What to do about an event: write it as new, or add to the one that was written before under this name. */
export interface Correlated {
  readonly event: Event;
  /** The same event was written before: only count, time and message change. */
  readonly repeated: boolean;
  /** For `written`. */
  readonly key: string;
}

interface Similar { readonly messages: ReadonlySet<string>; readonly atMs: number }
interface Written { readonly name: string; readonly count: number; readonly firstTimestamp: string }
interface Bucket { readonly tokens: number; readonly atMs: number }

/**
 * Keeps a source from flooding the cluster: the same event again becomes a higher count; many events that differ only in their message become one
 * "combined" event; and about one object a source may write 25 events at once and one every five minutes after that.
 */
export class EventCorrelator {
  readonly #similar = new Lru<string, Similar>({ entriesMax });
  readonly #written = new Lru<string, Written>({ entriesMax });
  readonly #buckets = new Lru<string, Bucket>({ entriesMax });

  /** Undefined: too many about this object, write nothing. */
  correlate(event: Event, nowMs: number): Correlated | undefined {
    const { candidate, key } = this.#combine(event, nowMs);
    const known = this.#written.get(key);
    const observed: Event = known
      ? { ...candidate, metadata: { ...candidate.metadata, name: known.name }, firstTimestamp: known.firstTimestamp, count: known.count + 1 }
      : candidate;
    this.#written.set(key, { name: observed.metadata.name ?? "", count: observed.count ?? 1, firstTimestamp: observed.firstTimestamp ?? "" });
    return this.#isSpam(event, nowMs) ? undefined : { event: observed, repeated: known !== undefined, key };
  }

  /** The server forgot the event (they live an hour): the next one is new. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  #combine(event: Event, nowMs: number): { readonly candidate: Event; readonly key: string } {
    const group = groupKey(event);
    const known = this.#similar.get(group);
    const messages = new Set(known && nowMs - known.atMs <= similarIntervalMs ? known.messages : []).add(event.message ?? "");
    const combined = messages.size >= similarEventsMax;
    if (combined) for (const oldest of messages) {
      messages.delete(oldest);
      break;
    }
    this.#similar.set(group, { messages, atMs: nowMs });
    return combined
      ? { candidate: { ...event, message: `(combined from similar events): ${event.message ?? ""}` }, key: group }
      : { candidate: event, key: `${group}\u0000${event.message ?? ""}` };
  }

  #isSpam(event: Event, nowMs: number): boolean {
    const key = JSON.stringify([event.source, objectKey(event)]);
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: spamBurst, atMs: nowMs };
    const left = Math.min(tokens + (nowMs - atMs) / spamRefillMs, spamBurst);
    this.#buckets.set(key, { tokens: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left < 1;
  }
}

const objectKey = ({ involvedObject: { kind, namespace, name, uid, apiVersion, fieldPath } }: Event) => [kind, namespace, name, uid, apiVersion, fieldPath];
const groupKey = (event: Event): string => JSON.stringify([event.source, objectKey(event), event.type, event.reason, event.reportingComponent, event.reportingInstance]);
