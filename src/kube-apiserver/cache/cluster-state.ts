import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { CompactedError, keyOfChange, revisionOfChange, type Change, type Entry, type Revision, type Store, type Watch } from "../../storage/store.ts";
import type { Log } from "../../stdx/log.ts";
import { Turns } from "../../stdx/turns.ts";
import type { ClusterReader } from "../access.ts";
import { StoredForm, type KeptMax } from "./cache-entry.ts";
import { moveEarlierLayout } from "./earlier-layout.ts";
import { recentPast } from "./recent-past.ts";
import { Slabs } from "./slabs.ts";
import { prefixInKey, prefixOf, storageRoot } from "./storage-keys.ts";
import { unavailable, unreadableError } from "../store-error.ts";
import { WatchCache } from "./watch-cache.ts";

/** How many changes of one resource are remembered at least, for watchers that come back. */
const changesMax = 2_000;

/** Resources of which there are many, and which nobody in the process looks at all of again and again: what was parsed of them is soon forgotten. */
const manyObjects: ReadonlySet<string> = new Set([
  "/pods", "/configmaps", "/secrets", "/events", "/endpoints", "/serviceaccounts", "apps/replicasets", "apps/controllerrevisions", "batch/jobs", "discovery.k8s.io/endpointslices", "coordination.k8s.io/leases",
]);
const keptOfMany: KeptMax = { parsed: 256, parsedBytes: 4 << 20, forms: 8_192, formBytes: 32 << 20 };

const nodeNameOf = (object: KubeObject): string => (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? "";

export interface ClusterStateOptions {
  readonly store: Store;
  readonly types: readonly ResourceType[];
  readonly log: Log;
  /** Completes objects of a type that another server has stored. */
  readonly defaults?: ((type: ResourceType) => ((object: KubeObject) => KubeObject) | undefined) | undefined;
}

/** The whole cluster as this server sees it: one cache per resource, fed by a single watch of the store, so that one revision holds for all. */
export class ClusterState implements ClusterReader, AsyncDisposable {
  readonly store: Store;
  /** For all work whose amount grows with the number of objects. */
  readonly turns = new Turns();
  readonly #slabs = new Slabs();
  readonly #log: Log;
  readonly #defaults: ClusterStateOptions["defaults"];
  readonly #caches = new Map<string, WatchCache>();
  /** As upstream's metrics name it: "deployments.apps", by prefix. */
  readonly #names = new Map<string, string>();
  /** What changed under a prefix while its entries are being read. */
  readonly #meanwhile = new Map<string, Change[]>();
  #revision: Revision;
  #waiting: { readonly revision: Revision; readonly resolve: () => void }[] = [];
  #watch: Watch | undefined;
  #running: Promise<void> = Promise.resolve();
  #ended = false;

  private constructor(store: Store, revision: Revision, log: Log, defaults: ClusterStateOptions["defaults"]) {
    this.#defaults = defaults;
    this.store = store;
    this.#revision = revision;
    this.#log = log;
  }

  static async start({ store, types, log, defaults }: ClusterStateOptions): Promise<ClusterState> {
    let { entries, revision } = await store.list(storageRoot);
    // Only embedded stores were ever written in that layout.
    if (!store.latest && (await moveEarlierLayout({ store, types, entries, log }))) ({ entries, revision } = await store.list(storageRoot));
    const past = store.latest ? undefined : await recentPast(store, { entries, revision });
    const start = past ?? { entries, revision, changes: [] };
    const state = new ClusterState(store, start.revision, log, defaults);
    const prefixes = new Set(types.map(prefixOf));
    const byPrefix = Map.groupBy(start.entries, ({ key }) => prefixInKey(key, prefixes));
    for (const type of types) state.#add(type, byPrefix.get(prefixOf(type)) ?? [], start.revision);
    for (const change of start.changes) state.#apply(change);
    state.#running = state.#follow();
    return state;
  }

  /** Starts to serve another resource (a custom one). */
  async add(type: ResourceType): Promise<WatchCache> {
    const prefix = prefixOf(type);
    const present = this.#caches.get(prefix);
    if (present) return present;
    const meanwhile: Change[] = this.#meanwhile.get(prefix) ?? [];
    this.#meanwhile.set(prefix, meanwhile);
    try {
      const { entries, revision } = await this.store.list(prefix);
      await this.caughtUp(revision);
      const added = this.#caches.get(prefix);
      if (added) return added;
      const cache = this.#add(type, entries, revision);
      for (const change of meanwhile) if (revisionOfChange(change) > revision) cache.apply(change);
      return cache;
    } finally {
      this.#meanwhile.delete(prefix);
    }
  }

  /** Whether anything is stored that could not be read. */
  get incomplete(): boolean {
    return [...this.#caches.values()].some(({ unreadable }) => unreadable.size > 0);
  }

  unreadableKeys(max: number): readonly string[] {
    return [...this.#caches.values()].flatMap(({ prefix, unreadable }) => [...unreadable.keys()].slice(0, max).map((key) => prefix + key)).slice(0, max);
  }

  /** Tries to read again what could not be read in any resource; what still cannot be stays so. */
  async readAll(): Promise<void> {
    for (const cache of this.#caches.values()) if (cache.unreadable.size > 0) await this.readAgain(cache, {}).catch(() => undefined);
  }

  /**
   * Reads again what could not be read before: the key to it may have come back. Without `key`, everything, or what lies in the namespace.
   * @throws {StatusError} InternalError, in upstream's words, for the first that still cannot be read.
   */
  async readAgain(cache: WatchCache, { key, namespace = "" }: { readonly key?: string; readonly namespace?: string }): Promise<void> {
    const wanted = key !== undefined ? [key] : [...cache.unreadable.keys()].filter((each) => namespace === "" || each.startsWith(`${namespace}/`)).toSorted();
    for (const each of wanted) {
      const known = cache.unreadable.get(each);
      if (!known) continue;
      const entry = await this.store.get(cache.prefix + each);
      if (entry?.revision !== known.revision) continue; // It has changed: the watch on the store says how.
      if (entry.unreadable) throw unreadableError(entry.unreadable, key === undefined ? entry.key : undefined);
      cache.restore(entry);
    }
  }

  remove(type: ResourceType): void {
    this.#caches.delete(prefixOf(type));
    this.#names.delete(prefixOf(type));
  }

  #add(type: ResourceType, entries: readonly Entry[], revision: Revision): WatchCache {
    const prefix = prefixOf(type);
    const isPods = type.group === "" && type.plural === "pods";
    const kept = manyObjects.has(`${type.group}/${type.plural}`) ? keptOfMany : undefined;
    const cache = new WatchCache({ prefix, form: new StoredForm(type, this.#defaults?.(type), kept), changesMax, slabs: this.#slabs, ...(isPods && { nodeOf: nodeNameOf }) }, revision);
    cache.load(entries);
    this.#caches.set(prefix, cache);
    this.#names.set(prefix, type.group === "" ? type.plural : `${type.plural}.${type.group}`);
    return cache;
  }

  /** All changes up to this one are in the caches. */
  get revision(): Revision {
    return this.#revision;
  }

  cache(type: Pick<ResourceType, "group" | "plural">): WatchCache | undefined {
    return this.#caches.get(prefixOf(type));
  }

  get<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string): T | undefined {
    return this.cache(type)?.get(namespace === "" ? name : `${namespace}/${name}`)?.object as T | undefined;
  }

  list<T extends KubeObject>(type: ResourceType<T>, namespace?: string): readonly T[] {
    return (this.cache(type)?.entries(namespace) ?? []).map((entry) => entry.shared as T);
  }

  lastChange(type: ResourceType): Revision {
    return this.cache(type)?.lastChange ?? 0;
  }

  /** How many objects there are of each resource, by its name ("deployments.apps"). */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#caches.values()].map((cache) => [this.#names.get(cache.prefix) ?? "", cache.size]));
  }

  /**
   * Resolves when everything that was acknowledged before the call is in the caches; undefined when it is already. Where other servers write to
   * the same store, it is asked for how far they have come.
   * @throws {StatusError} ServiceUnavailable when the store does not answer.
   */
  fresh(): Promise<void> | undefined {
    if (this.store.latest) return this.store.latest().then((revision) => this.caughtUp(revision), (error: unknown) => Promise.reject(unavailable(error)));
    return this.#revision >= this.store.revision ? undefined : this.caughtUp(this.store.revision);
  }

  async caughtUp(revision: Revision): Promise<void> {
    if (this.#revision >= revision || this.#ended) return;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      try {
        using watch = this.store.watch(storageRoot, { after: this.#revision, onProgress: (revision) => this.#advance(revision) });
        this.#watch = watch;
        let together: Change[] = [];
        for await (const change of watch) {
          // What changed at one revision is shown as one: nobody may see the half of it.
          if (change.more) together.push(change);
          else if (together.length === 0) this.#apply(change);
          else {
            for (const each of together) this.#applyOne(each);
            together = [];
            this.#apply(change);
          }
        }
      } catch (error) {
        if (this.#ended) return;
        if (!(error instanceof CompactedError)) this.#log.error("the watch on the store broke off", { error });
      }
      if (this.#ended) return;
      try {
        await this.#catchUpByList();
      } catch (error) {
        if (this.#ended) return;
        this.#log.error("cannot list the store after its watch ended", { error });
        // The next turn of the event loop, so that a store that fails at once does not hold the thread.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** After a watch that ended (we were too slow, or the store restarted), the difference to the present is applied as if it had been watched. */
  async #catchUpByList(): Promise<void> {
    const { entries, revision } = await this.store.list(storageRoot);
    const changes: Change[] = [];
    const present = new Set<string>();
    for (const entry of entries) {
      present.add(entry.key);
      if (entry.revision > this.#revision) changes.push({ type: "put", entry, created: false });
    }
    for (const cache of this.#caches.values()) {
      for (const key of [...cache.entries().map((entry) => entry.key), ...cache.unreadable.keys()]) if (!present.has(cache.prefix + key)) changes.push({ type: "delete", key: cache.prefix + key, revision });
    }
    for (const change of changes.sort((a, b) => revisionOfChange(a) - revisionOfChange(b))) this.#applyOne(change);
    this.#advance(revision);
  }

  #apply(change: Change): void {
    this.#applyOne(change);
    this.#advance(revisionOfChange(change));
  }

  #applyOne(change: Change): void {
    const key = keyOfChange(change);
    const prefix = prefixInKey(key, this.#caches);
    try {
      if (prefix !== undefined) this.#caches.get(prefix)?.apply(change);
      else if (this.#meanwhile.size > 0) this.#meanwhile.get(prefixInKey(key, this.#meanwhile) ?? "")?.push(change);
    } catch (error) {
      this.#log.error("a change could not be applied to the watch cache", { key, error });
    }
  }

  #advance(revision: Revision): void {
    if (revision > this.#revision) this.#revision = revision;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((each) => each.revision <= this.#revision);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => each.revision > this.#revision);
    for (const { resolve } of due) resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#watch?.[Symbol.dispose]();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    await this.#running;
  }
}
