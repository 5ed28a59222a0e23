import { pods, type Pod, type PodStatus } from "../../api/generated/core-v1.ts";
import { isConflict, isNotFound, isStatusError } from "../../apimachinery/status-error.ts";
import type { Client } from "../../client/client.ts";
import { isNotNewer } from "../../client/resource-version.ts";
import type { Clock } from "../../stdx/clock.ts";
import { equal } from "../../stdx/equal.ts";
import type { Log } from "../../stdx/log.ts";
import { nameOf, namespaceOf, uidOf } from "../pod/pod.ts";
import { ownConditions } from "./conditions.ts";

const retryDelayMs = 200;
const retryDelayMsMax = 10_000;

interface Entry {
  readonly pod: Pod;
  /** What the server has, as far as this kubelet knows. */
  shown: PodStatus;
  wanted: PodStatus;
  delete: boolean;
  writing: Promise<void> | undefined;
  /** The pod as the server answered the last write; what a watch tells of before that is old. */
  answered: Pod;
}

const mergeKeys: Readonly<Record<string, string>> = { conditions: "type", podIPs: "ip", hostIPs: "ip" };

/** A strategic merge patch that leads from one status to the other; undefined when they are the same. Conditions of others are left alone. */
export function statusPatch(from: PodStatus, to: PodStatus): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  const [old, next] = [from as Readonly<Record<string, unknown>>, to as Readonly<Record<string, unknown>>];
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (equal(old[key], next[key])) continue;
    if (key === "conditions") {
      const changed = (to.conditions ?? []).filter(({ type }) => ownConditions.has(type)).flatMap((condition) => {
        const before = from.conditions?.find(({ type }) => type === condition.type);
        if (equal(condition, before)) return [];
        // A key that the condition had and no longer has must be taken away by name.
        return [{ ...(before?.reason !== undefined && condition.reason === undefined && { reason: null }), ...(before?.message !== undefined && condition.message === undefined && { message: null }), ...condition }];
      });
      const gone = (from.conditions ?? []).filter(({ type }) => ownConditions.has(type) && !to.conditions?.some((condition) => condition.type === type)).map(({ type }) => ({ $patch: "delete", type }));
      if (changed.length + gone.length > 0) patch[key] = [...changed, ...gone];
    } else if (next[key] === undefined) patch[key] = null;
    else if (mergeKeys[key] !== undefined && Array.isArray(old[key])) patch[key] = [{ $patch: "replace" }, ...(next[key] as readonly unknown[])];
    else patch[key] = next[key];
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Tells the API server what pods are like: at once, in order, only what changed, at most one request per pod at a time; the latest status wins. */
export class StatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #written: (pod: Pod, status: PodStatus) => void;
  readonly #entries = new Map<string, Entry>();

  constructor(options: { readonly client: Client; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal; readonly written: (pod: Pod, status: PodStatus) => void }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
    this.#written = options.written;
  }

  /** The status that was given last, which the server may not have yet. */
  latest(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.wanted;
  }

  set(pod: Pod, status: PodStatus): void {
    const entry = this.#entry(pod);
    if (equal(entry.wanted, status)) return;
    entry.wanted = status;
    this.#wake(entry);
  }

  /**
   * A pod as the watch tells of it. Others write conditions that are the kubelet's: a node that was silent for too long has all of its pods marked as
   * not ready, and only the kubelet says that they are after all.
   */
  observed(pod: Pod): void {
    const entry = this.#entries.get(uidOf(pod));
    if (!entry || entry.writing || isNotNewer(pod, entry.answered)) return;
    const conditions = pod.status?.conditions ?? [];
    const contradicted = (entry.wanted.conditions ?? []).some(({ type, status }) => ownConditions.has(type) && conditions.some((other) => other.type === type && other.status !== status));
    if (!contradicted) return;
    entry.shown = { ...entry.shown, conditions };
    this.#wake(entry);
  }

  /** Deletes the pod for good, after its last status is written. Resolves when the server has done so, or does not have it any more. */
  async finish(pod: Pod): Promise<void> {
    const entry = this.#entry(pod);
    entry.delete = true;
    // A write that was just ending when this was asked for may not have seen it, so its end alone says nothing.
    while (!this.#signal.aborted && this.#entries.get(uidOf(pod)) === entry) {
      this.#wake(entry);
      await entry.writing;
    }
  }

  /** Nothing more is written for this pod. */
  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  #entry(pod: Pod): Entry {
    const uid = uidOf(pod);
    const known = this.#entries.get(uid);
    if (known) return known;
    const entry: Entry = { pod, shown: pod.status ?? {}, wanted: pod.status ?? {}, delete: false, writing: undefined, answered: pod };
    this.#entries.set(uid, entry);
    return entry;
  }

  #wake(entry: Entry): void {
    entry.writing ??= this.#write(entry).finally(() => {
      entry.writing = undefined;
      if (this.#entries.get(uidOf(entry.pod)) === entry && !this.#signal.aborted && statusPatch(entry.shown, entry.wanted)) this.#wake(entry);
    });
  }

  async #write(entry: Entry): Promise<void> {
    const { pod } = entry;
    const named = { namespace: namespaceOf(pod), name: nameOf(pod) };
    const uid = uidOf(pod);
    for (let delayMs = retryDelayMs; !this.#signal.aborted && this.#entries.get(uid) === entry;) {
      const { wanted } = entry;
      const patch = statusPatch(entry.shown, wanted);
      try {
        if (patch) {
          entry.answered = await this.#client.patch(pods, named, "application/strategic-merge-patch+json", { metadata: { uid }, status: patch }, { subresource: "status", signal: this.#signal });
          entry.shown = wanted;
          this.#written(pod, wanted);
        } else if (entry.delete) {
          await this.#client.delete(pods, named, { gracePeriodSeconds: 0, preconditions: { uid }, signal: this.#signal });
          this.#entries.delete(uid);
          return;
        } else return;
        delayMs = retryDelayMs;
      } catch (error) {
        if (this.#signal.aborted) return;
        // Another pod of that name has taken its place, or it is gone: nobody wants to know about this one any more.
        if (isNotFound(error) || isConflict(error)) {
          this.#entries.delete(uid);
          return;
        }
        this.#log.warn("the status of a pod could not be written", { pod: `${named.namespace}/${named.name}`, error });
        if (isStatusError(error, "Invalid", "Forbidden") && patch) entry.shown = wanted; // The same words would be refused again.
        await this.#clock.sleep(delayMs, { signal: this.#signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
        delayMs = Math.min(delayMs * 2, retryDelayMsMax);
      }
    }
  }
}
