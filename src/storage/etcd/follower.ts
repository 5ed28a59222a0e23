import { backoffDelayMs } from "../../stdx/backoff.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { ChangeWatch } from "../change-watch.ts";
import { CompactedError, keyOfChange, revisionOfChange, type Change, type Revision } from "../store.ts";
import type { EtcdClient } from "./client.ts";
import type { Event, WatchResponse } from "./generated/etcd-v3.ts";
import { zero, type KeySpace } from "./key-space.ts";

export interface FollowerOptions {
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  readonly clock: Clock;
  readonly log: Log;
  readonly watch: ChangeWatch;
  readonly after: Revision;
  /** Hears of every revision that was reached, and of those up to which history is forgotten. */
  readonly onRevision: (revision: Revision) => void;
  readonly onCompacted: (revision: Revision) => void;
  /** A revision that was acknowledged somewhere before the call, and that the watch reaches. */
  readonly latest: () => Promise<Revision>;
  /** What this client may watch, as far as is known. */
  readonly reach: Reach;
}

/** Of all watches of one client: `isLimited` once etcd has refused it a watch of all keys. */
export interface Reach {
  isLimited: boolean;
}

/** Opens the stream anew; at another member, unless this one did what it should. */
type Again = (reason: string, options?: { readonly isOfMember?: boolean }) => void;

/** A stream that says nothing for this long is compared with what the cluster says. */
const silenceMs = 1_000;
/** How long a stream that lies behind may stay silent before another member is asked. */
const behindMs = 1_000;
const retry = { firstMs: 20, maxMs: 1_000 };
/** The range of all keys. */
const everything = { key: zero, rangeEnd: zero };

/**
 * Fills one watch from etcd, over whichever member works, from where it was.
 *
 * It follows all keys of etcd, not only those of its prefix: then each revision comes with a change, and that a revision was reached is seen without
 * asking. etcd's own way of asking (progress requests) tells the truth only since 3.4.31, 3.5.13 and 3.6: members before answer with
 * revisions whose changes they have not sent yet (https://github.com/etcd-io/etcd/issues/15220). A user of etcd who may not read all keys
 * follows those of the cluster; then whoever asks for the latest revision makes a change of his own, behind which nothing is missing.
 */
export class Follower implements Disposable {
  readonly #options: FollowerOptions;
  readonly #ended = new AbortController();
  #at: Revision;
  #stream: { readonly member: number; readonly again: Again; readonly stream: Disposable } | undefined;
  readonly #leaving: Disposable;
  #isOfAll = true;
  #messages = 0;
  /** Streams since the last one that said something. */
  #failures = 0;
  readonly #waiting = new Set<{ readonly revision: Revision; readonly resolve: () => void }>();

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#at = options.after;
    this.#leaving = options.client.onLeave((member) => {
      if (this.#stream?.member === member) this.#stream.again("its member does not answer");
    });
    this.#open();
    this.#guard().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) options.watch.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  get prefix(): string {
    return this.#options.watch.prefix;
  }

  /** Everything up to here has been given to the watch. */
  get at(): Revision {
    return this.#at;
  }

  /** Resolves when everything up to `revision` has been given to the watch, or the watch has ended. */
  reached(revision: Revision): Promise<void> | undefined {
    if (this.#at >= revision || this.#ended.signal.aborted) return undefined;
    return new Promise((resolve) => this.#waiting.add({ revision, resolve }));
  }

  #open(): void {
    if (this.#ended.signal.aborted) return;
    let alive = true;
    const { stream, member } = this.#options.client.openWatch({
      onMessage: (message) => {
        if (alive) this.#receive(message, again);
      },
      onEnd: (error) => again(error?.message ?? "it ended"),
    });
    const again: Again = (reason, { isOfMember = true } = {}) => {
      if (!alive) return;
      alive = false;
      this.#stream?.stream[Symbol.dispose]();
      this.#stream = undefined;
      if (this.#ended.signal.aborted) return;
      if (isOfMember) this.#options.client.leave(member);
      const delayMs = this.#failures === 0 || !isOfMember ? 0 : backoffDelayMs(this.#failures - 1, retry);
      this.#failures++;
      this.#options.log.info("the watch on etcd is opened again", { reason, after: this.#at });
      this.#options.clock.sleep(delayMs, { signal: this.#ended.signal }).then(() => this.#open(), () => undefined);
    };
    this.#stream = { member, again, stream: { [Symbol.dispose]: () => {
      alive = false;
      stream[Symbol.dispose]();
    } } };
    // From the last change on, not from the one after it, so that etcd says so when that one is forgotten already.
    const { keys, reach } = this.#options;
    const range = reach.isLimited ? keys.everything : everything;
    this.#isOfAll = range === everything;
    stream.write({ createRequest: { ...range, startRevision: Math.max(1, this.#at) } });
  }

  #receive(message: WatchResponse, again: Again): void {
    const { watch, keys, onRevision, onCompacted } = this.#options;
    this.#messages++;
    if (message.compactRevision > 0) {
      onCompacted(message.compactRevision);
      return watch.fail(new CompactedError(`history begins after revision ${message.compactRevision}; the watch is at ${this.#at}`));
    }
    if (message.canceled && this.#isOfAll && message.cancelReason.includes("permission denied")) {
      this.#options.reach.isLimited = true;
      this.#options.log.info("this user of etcd may not watch all keys: those of the cluster are watched", {});
      return again(message.cancelReason, { isOfMember: false });
    }
    if (message.canceled) return again(message.cancelReason === "" ? "it was cancelled" : message.cancelReason);
    if (message.events.length === 0) return;
    this.#failures = 0;
    const last = Math.max(this.#at, message.events.at(-1)?.kv?.modRevision ?? 0);
    const changes = message.events.flatMap((event) => changeOf(event, keys) ?? [])
      .filter((change) => revisionOfChange(change) > this.#at && keyOfChange(change).startsWith(watch.prefix));
    for (const [index, change] of changes.entries()) {
      const next = changes[index + 1];
      watch.push(next && revisionOfChange(next) === revisionOfChange(change) ? { ...change, more: true } : change);
      if (this.#ended.signal.aborted) return;
    }
    const final = changes.at(-1);
    this.#at = last;
    onRevision(last);
    if (!final || revisionOfChange(final) < last) watch.progress(last);
    for (const each of this.#waiting) {
      if (each.revision > last) continue;
      this.#waiting.delete(each);
      each.resolve();
    }
  }

  /** A member that is stopped, or cut off, ends no stream: what the cluster has and the stream does not bring gives it away. */
  async #guard(): Promise<void> {
    const { clock, latest, log } = this.#options;
    const { signal } = this.#ended;
    for (;;) {
      const before = this.#messages;
      await clock.sleep(silenceMs, { signal });
      if (this.#messages !== before) continue;
      let revision: Revision;
      try {
        revision = await latest();
      } catch (error) {
        log.warn("etcd does not say how far it is", { error });
        continue;
      }
      if (this.#at >= revision) continue;
      await clock.sleep(behindMs, { signal });
      const stream = this.#stream;
      if (this.#messages !== before || this.#at >= revision || !stream) continue;
      log.warn("the watch on etcd has fallen silent", { at: this.#at, latest: revision });
      stream.again("it has fallen silent");
    }
  }

  [Symbol.dispose](): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#leaving[Symbol.dispose]();
    this.#stream?.stream[Symbol.dispose]();
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Undefined for a key that is not of this cluster. */
function changeOf({ type, kv }: Event, keys: KeySpace): Change | undefined {
  if (!kv) return undefined;
  if (type === "Delete") {
    const key = keys.decode(kv.key);
    return key === undefined ? undefined : { type: "delete", key, revision: kv.modRevision };
  }
  const entry = keys.entryOf(kv);
  return entry && { type: "put", entry, created: kv.createRevision === kv.modRevision };
}
