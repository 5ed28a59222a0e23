import { events, type Event, type ObjectReference } from "../api/generated/core-v1.ts";
import type { KubeObject } from "../apimachinery/object.ts";
import { isAlreadyExists, isNotFound, isStatusError } from "../apimachinery/status-error.ts";
import { formatTime } from "../apimachinery/time.ts";
import { Channel } from "../stdx/channel.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Client } from "./client.ts";
import { EventCorrelator, type Correlated } from "./event-correlator.ts";

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** Shown as "From" by `kubectl describe`: "kubelet", "replicaset-controller", … */
  readonly component: string;
  /** The node, for components that run on one. */
  readonly host?: string;
  readonly signal: AbortSignal;
}

/** What an event is about: an object, or a reference where only that is known. `fieldPath` names a part: "spec.containers{web}". */
export type EventSubject = KubeObject | ObjectReference;

/** Events that wait for the server; when they are more than this, new ones are dropped (they are news, not state). */
const waitingMax = 1000;
const triesMax = 12;
const retryDelayMsMax = 10_000;
/** The first retry comes soon: an agent starts before its API server listens, and everything behind that first event waits for it. */
const retryDelayMs = 50;

/** Tells users what happened to an object. Never waits and never fails: writing happens in the background. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlators: EventCorrelator;
  readonly #waiting = new Channel<Correlated>({ capacity: waitingMax * 2 });
  #waitingCount = 0;
  #lastNs = 0n;

  constructor(options: EventRecorderOptions, shared?: { readonly correlator: EventCorrelator }) {
    this.#options = options;
    this.#correlators = shared?.correlator ?? new EventCorrelator();
    options.signal.addEventListener("abort", () => this.#waiting.close(), { once: true });
    void this.#run();
  }

  /** `reason` is a word in CamelCase, `message` a sentence for people. */
  event(subject: EventSubject, type: "Normal" | "Warning", reason: string, message: string, options: { readonly fieldPath?: string; readonly annotations?: Readonly<Record<string, string>> } = {}): void {
    const nowMs = this.#options.clock.now();
    const correlated = this.#correlators.correlate(this.#event(subject, type, reason, message, options, nowMs), nowMs);
    if (!correlated) return;
    if (this.#waitingCount >= waitingMax) {
      this.#options.log.warn("an event was dropped, too many are waiting", { reason, message });
      return;
    }
    this.#waitingCount++;
    this.#waiting.push(correlated);
  }

  #event(subject: EventSubject, type: string, reason: string, message: string, { fieldPath, annotations }: { readonly fieldPath?: string; readonly annotations?: Readonly<Record<string, string>> }, nowMs: number): Event {
    const involvedObject = referenceTo(subject, fieldPath);
    const { component, host } = this.#options;
    const namespace = involvedObject.namespace === undefined || involvedObject.namespace === "" ? "default" : involvedObject.namespace;
    const time = formatTime(nowMs);
    return {
      apiVersion: "v1", kind: "Event",
      metadata: { name: `${involvedObject.name ?? ""}.${this.#uniqueNs(nowMs).toString(16)}`, namespace, ...(annotations && { annotations }) },
      involvedObject, type, reason, message,
      source: { component, ...(host !== undefined && { host }) },
      reportingComponent: component, reportingInstance: host ?? "",
      firstTimestamp: time, lastTimestamp: time, count: 1,
    };
  }

  /** Nanoseconds make names unique upstream; where the clock is coarser, counting on does. */
  #uniqueNs(nowMs: number): bigint {
    const ns = BigInt(Math.floor(nowMs * 1000)) * 1000n;
    this.#lastNs = ns > this.#lastNs ? ns : this.#lastNs + 1n;
    return this.#lastNs;
  }

  async #run(): Promise<void> {
    for await (const correlated of this.#waiting) {
      this.#waitingCount--;
      await this.#write(correlated);
    }
  }

  async #write({ event, repeated, key }: Correlated): Promise<void> {
    const { client, clock, log, signal } = this.#options;
    const { name = "", namespace = "" } = event.metadata;
    let patching = repeated;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        if (patching) {
          await client.patch(events, { name, namespace }, "application/strategic-merge-patch+json", { count: event.count, lastTimestamp: event.lastTimestamp, message: event.message }, { signal });
        } else {
          await client.create(events, event, { signal });
        }
        return;
      } catch (error) {
        if (signal.aborted || isAlreadyExists(error)) return;
        if (patching && isNotFound(error)) {
          patching = false;
          continue;
        }
        if (isStatusError(error) && error.code < 500 && error.code !== 429) {
          this.#correlators.forget(key);
          log.debug("the server refused an event", { reason: event.reason, message: event.message, error });
          return;
        }
        if (tries >= triesMax) {
          log.warn("an event could not be written", { reason: event.reason, message: event.message, error });
          return;
        }
        await clock.sleep(Math.min(retryDelayMs * 2 ** (tries - 1), retryDelayMsMax), { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
      }
    }
  }
}

/** A reference as upstream writes it into events. */
export function referenceTo(subject: EventSubject, fieldPath?: string): ObjectReference {
  const part = fieldPath === undefined ? {} : { fieldPath };
  if (!("metadata" in subject)) return { ...subject, ...part };
  const { apiVersion, kind, metadata: { namespace, name, uid, resourceVersion } } = subject;
  return {
    kind, apiVersion,
    ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }),
    ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }), ...part,
  };
}
