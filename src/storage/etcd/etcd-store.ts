import type { Clock } from "../../stdx/clock.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { Log } from "../../stdx/log.ts";
import { race } from "../../stdx/abort.ts";
import { cryptoRandom, type Random } from "../../stdx/random.ts";
import { ChangeWatch } from "../change-watch.ts";
import {
  CompactedError, ConflictError, FutureRevisionError, OutcomeUnknownError, UnavailableError,
  type Abortable, type Entry, type Guarded, type Listing, type ListOptions, type PutOptions, type Revision, type Store, type Watch, type WatchOptions,
} from "../store.ts";
import { EtcdClient } from "./client.ts";
import { runCompactor } from "./compactor.ts";
import { createOnce } from "./create-once.ts";
import type { EtcdLocation } from "./endpoints.ts";
import { Follower, type Reach } from "./follower.ts";
import type { KeyValue, RangeResponse } from "./generated/etcd-v3.ts";
import { endOf, KeySpace, zero } from "./key-space.ts";
import { Leases } from "./leases.ts";
import { successorOf } from "./successor.ts";

export interface EtcdStoreOptions extends EtcdLocation {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the cluster lies in etcd, as upstream's --etcd-prefix. Default: "/registry". Clusters that share one etcd have different ones. */
  readonly prefix?: string;
  /** How long a call tries; see EtcdClientOptions. */
  readonly patienceMs?: number;
  /** Chooses the numbers of leases. */
  readonly random?: Random;
  /** How often history older than that is forgotten, in milliseconds. Default: 5 minutes, as upstream; 0 leaves it to others. */
  readonly compactEveryMs?: number;
  /** How many changes a slow reader may fall behind before its watch ends. Default: 10,000. */
  readonly backlogMax?: number;
}

/** How many entries are read at once. */
const pageMax = 1000;

/** Exists never; reading it tells the revision alone. */
const nothing = "/registry/.revision";

/** Written to for the revision that it gives, by a user of etcd who may not follow all keys; of no resource. */
const beat = "/registry/keelson/beat";

/** How many leases are tried for one write; the first may have ended without our knowledge. */
const leasesMax = 3;

/** Whether an attempt of a write ended without an answer. */
class Doubt {
  is = false;
}

/** @throws {UnavailableError} when no member answers. */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<EtcdStore> {
  const keys = new KeySpace(options.prefix);
  const client = new EtcdClient(options);
  try {
    const { header } = await client.call("Range", { key: keys.encode(nothing) });
    return new EtcdStore({ client, keys, options, revision: header?.revision ?? 1 });
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

/** The cluster's state in etcd, which other servers may write to at the same time. */
export class EtcdStore implements Store {
  /** Leases see to it. */
  readonly expires = true;
  readonly #client: EtcdClient;
  readonly #keys: KeySpace;
  readonly #leases: Leases;
  readonly #random: Random;
  readonly #options: EtcdStoreOptions;
  readonly #followers = new Set<Follower>();
  readonly #reach: Reach = { isLimited: false };
  readonly #watches = new Set<ChangeWatch>();
  readonly #ending = new AbortController();
  readonly #compacting: Promise<void>;
  #revision: Revision;
  /** As far as this client knows: others may have compacted further. */
  #compacted: Revision = 0;
  /** The question for the latest revision that is under way, and the one that is asked after it for all who came since. */
  #asking: Promise<unknown> | undefined;
  #askingNext: Promise<Revision> | undefined;

  constructor({ client, keys, options, revision }: { readonly client: EtcdClient; readonly keys: KeySpace; readonly options: EtcdStoreOptions; readonly revision: Revision }) {
    const { clock, log, random = cryptoRandom, compactEveryMs: everyMs = 5 * 60_000 } = options;
    this.#client = client;
    this.#keys = keys;
    this.#random = random;
    this.#leases = new Leases({ client, clock, random });
    this.#options = options;
    this.#revision = revision;
    this.#compacting = everyMs > 0
      ? runCompactor({ client, keys, clock, log, everyMs, compact: (to) => this.compact(to), signal: this.#ending.signal }).catch((error: unknown) => {
        if (!this.#ending.signal.aborted) log.error("etcd is no longer compacted", { error });
      })
      : Promise.resolve();
  }

  get revision(): Revision {
    return this.#revision;
  }

  /** Of calls that come while one is under way, one answer serves all: it is asked for after the last of them has come. */
  latest({ signal }: Abortable = {}): Promise<Revision> {
    this.#askingNext ??= (async () => {
      await this.#asking?.catch(() => undefined);
      const asking = this.#askLatest();
      this.#asking = asking;
      this.#askingNext = undefined;
      return await asking;
    })();
    return signal ? race(this.#askingNext, signal) : this.#askingNext;
  }

  async #askLatest(): Promise<Revision> {
    const { revision } = await this.#range({ key: this.#keys.encode(nothing) });
    if (!this.#reach.isLimited || [...this.#followers].every(({ at }) => at >= revision)) return revision;
    // What was changed may be another cluster's, of which no watch here hears. It hears of this, and before it of all that was before.
    const { header } = await this.#client.call("Txn", { success: [{ requestPut: { key: this.#keys.encode(beat), value: new Uint8Array(0) } }] }).catch((error: unknown) => Promise.reject(translated(error)));
    return header?.revision ?? revision;
  }

  async get(key: string, { revision, signal }: Abortable & { readonly revision?: Revision } = {}): Promise<Entry | undefined> {
    const { answer } = await this.#range({ key: this.#keys.encode(key), ...(revision !== undefined && { revision }) }, signal);
    const [found] = answer.kvs;
    return found && this.#keys.entryOf(found);
  }

  /** In pages, all at the revision of the first. */
  async list(prefix: string, { revision, after = "", limit = Infinity, signal }: ListOptions = {}): Promise<Listing> {
    for (;;) {
      try {
        return await this.#list(prefix, { after, limit, ...(revision !== undefined && { revision }), ...(signal && { signal }) });
      } catch (error) {
        // The present was forgotten while its pages were read: begin again.
        if (revision === undefined && error instanceof CompactedError) continue;
        throw error;
      }
    }
  }

  async #list(prefix: string, { revision, after, limit, signal }: ListOptions & { readonly after: string; readonly limit: number }): Promise<Listing> {
    const start = this.#keys.encodePrefix(prefix);
    const rangeEnd = endOf(start);
    const entries: Entry[] = [];
    for (let [at, from] = [revision, after]; ; from = entries.at(-1)?.key ?? from) {
      const page = Math.min(limit - entries.length, pageMax);
      const key = from !== "" && from >= prefix ? this.#keys.encode(`${from}\0`) : start.length === 0 ? zero : start;
      const { answer, revision: now } = await this.#range({ key, rangeEnd, limit: page, ...(at !== undefined && { revision: at }) }, signal);
      at ??= now;
      entries.push(...answer.kvs.flatMap((kv) => this.#keys.entryOf(kv) ?? []));
      const remaining = answer.count - answer.kvs.length;
      if (remaining <= 0 || entries.length >= limit) return { entries, revision: at, remaining: Math.max(0, remaining) };
    }
  }

  placeOf(key: string): string {
    return this.#keys.placeOf(key);
  }

  async put(key: string, value: Uint8Array, { expected, lifeMs, signal }: PutOptions): Promise<Revision> {
    signal?.throwIfAborted();
    if (expected === 0) return await this.#create(key, value, lifeMs, signal);
    const name = this.#keys.encode(key);
    const doubt = new Doubt();
    const { succeeded, header, responses } = await this.#leased(lifeMs, signal, (lease) => this.#write(key, doubt, (onDoubt) => this.#client.call("Txn", {
      compare: [{ result: "Equal", target: "Mod", key: name, modRevision: expected }],
      success: [{ requestPut: { key: name, value, ...(lease !== undefined && { lease }) } }],
      failure: [{ requestRange: { key: name } }],
    }, { signal, onDoubt })));
    if (succeeded) return await this.#done(key, header?.revision ?? 0, signal);
    const [present] = responses[0]?.responseRange?.kvs ?? [];
    if (doubt.is) {
      const entry = await this.#successor(key, expected, present, signal);
      if (Buffer.compare(entry.value, value) === 0) return await this.#done(key, entry.revision, signal);
    }
    throw new ConflictError(key, expected, present?.modRevision ?? 0);
  }

  async #create(key: string, value: Uint8Array, lifeMs: number | undefined, signal: AbortSignal | undefined): Promise<Revision> {
    const after = this.#revision;
    const created = await this.#leased(lifeMs, signal, (lease) => createOnce({ key, value, lease, after, signal }, {
      client: this.#client, keys: this.#keys, leases: this.#leases, random: this.#random, watch: (prefix, options) => this.watch(prefix, options),
    }));
    if ("revision" in created) return await this.#done(key, created.revision, signal);
    throw new ConflictError(key, 0, created.present?.modRevision ?? 0);
  }

  async #leased<T>(lifeMs: number | undefined, signal: AbortSignal | undefined, write: (lease: number | undefined) => Promise<T>): Promise<T> {
    if (lifeMs === undefined) return await write(undefined);
    for (let attempt = 1; ; attempt++) {
      const lease = await this.#leases.for(lifeMs, signal);
      try {
        return await write(lease);
      } catch (error) {
        if (!isRpcError(error, "NOT_FOUND") || attempt === leasesMax) throw error;
        await this.#leases.lost(lease);
      }
    }
  }

  async delete(key: string, { expected, signal }: Guarded): Promise<Revision> {
    signal?.throwIfAborted();
    if (expected === 0) throw new ConflictError(key, expected, (await this.get(key, { ...(signal && { signal }) }))?.revision ?? 0);
    const name = this.#keys.encode(key);
    const doubt = new Doubt();
    const { succeeded, header, responses } = await this.#write(key, doubt, (onDoubt) => this.#client.call("Txn", {
      compare: [{ result: "Equal", target: "Mod", key: name, modRevision: expected }],
      success: [{ requestDeleteRange: { key: name } }],
      failure: [{ requestRange: { key: name } }],
    }, { signal, onDoubt }));
    if (succeeded) return await this.#done(key, header?.revision ?? 0, signal);
    const [present] = responses[0]?.responseRange?.kvs ?? [];
    if (doubt.is) await this.#successor(key, expected, present, signal);
    throw new ConflictError(key, expected, present?.modRevision ?? 0);
  }

  watch(prefix: string, { after, signal, onProgress }: WatchOptions): Watch {
    signal?.throwIfAborted();
    if (after < this.#compacted) throw new CompactedError(`history begins after revision ${this.#compacted}; ${after} was asked for`);
    const { clock, log, backlogMax = 10_000 } = this.#options;
    let follower: Follower | undefined;
    const watch = new ChangeWatch({ prefix, after, backlogMax, initial: [], signal, onProgress, onEnd: (ended) => {
      this.#watches.delete(ended);
      if (follower) this.#followers.delete(follower);
      follower?.[Symbol.dispose]();
    } });
    if (this.#ending.signal.aborted) watch.end();
    else {
      this.#watches.add(watch);
      follower = new Follower({
        client: this.#client, keys: this.#keys, clock, log, watch, after, latest: () => this.latest(), reach: this.#reach,
        onRevision: (revision) => this.#seen(revision),
        onCompacted: (revision) => (this.#compacted = Math.max(this.#compacted, revision)),
      });
      this.#followers.add(follower);
    }
    return watch;
  }

  async compact(revision: Revision): Promise<void> {
    try {
      await this.#client.call("Compact", { revision });
    } catch (error) {
      const told = translated(error);
      // Somebody else has compacted further already, or an attempt of this call has.
      if (!(told instanceof CompactedError)) throw told;
    }
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    for (const watch of this.#watches) watch.end();
    await this.#compacting;
    this.#client[Symbol.dispose]();
  }

  #seen(revision: Revision): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /** A read that etcd answers with the agreement of a majority. */
  async #range(request: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array; readonly limit?: number; readonly revision?: Revision }, signal?: AbortSignal): Promise<{ readonly answer: RangeResponse; readonly revision: Revision }> {
    signal?.throwIfAborted();
    try {
      const answer = await this.#client.call("Range", request, { signal });
      const revision = answer.header?.revision ?? 0;
      this.#seen(revision);
      return { answer, revision };
    } catch (error) {
      throw translated(error);
    }
  }

  #successor(key: string, expected: Revision, present: KeyValue | undefined, signal: AbortSignal | undefined): Promise<Entry> {
    return successorOf({ key, expected, present: present && this.#keys.entryOf(present), at: (revision) => this.get(key, { revision, ...(signal && { signal }) }) });
  }

  async #write<T>(key: string, doubt: Doubt, call: (onDoubt: () => void) => Promise<T>): Promise<T> {
    try {
      return await call(() => (doubt.is = true));
    } catch (error) {
      if (doubt.is && error instanceof UnavailableError) throw new OutcomeUnknownError(`it is not known whether ${key} was written: ${error.message}`, { cause: error });
      throw translated(error);
    }
  }

  /** No writer is told before every watch of this process has its change. */
  async #done(key: string, revision: Revision, signal: AbortSignal | undefined): Promise<Revision> {
    this.#seen(revision);
    for (const follower of this.#followers) {
      if (!key.startsWith(follower.prefix)) continue;
      const waiting = follower.reached(revision);
      if (waiting) await (signal ? race(waiting, signal) : waiting);
    }
    return revision;
  }
}

function translated(error: unknown): unknown {
  if (!isRpcError(error, "OUT_OF_RANGE")) return error;
  if (error.message.includes("compacted")) return new CompactedError(error.message, { cause: error });
  if (error.message.includes("future")) return new FutureRevisionError(error.message, { cause: error });
  return error;
}
