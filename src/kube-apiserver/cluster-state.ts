import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import { CompactedError, type Change, type Entry, type Revision, type Store, type Watch } from "../storage/store.ts";
import type { Log } from "../stdx/log.ts";
import type { ClusterReader } from "./access.ts";
import { StoredForm } from "./cache-entry.ts";
import { WatchCache } from "./watch-cache.ts";

const root = "/registry/";
/** How many changes of one resource are remembered at least, for watchers that come back. */
const changesMax = 2_000;

/** "/registry/core/pods/": everything of one resource lies under it. */
export const prefixOf = ({ group, plural }: Pick<ResourceType, "group" | "plural">): string => `${root}${group === "" ? "core" : group}/${plural}/`;

const nodeNameOf = (object: KubeObject): string => (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? "";

/** The whole cluster as this server sees it: one cache per resource, fed by a single watch of the store, so that one revision holds for all. */
export class ClusterState implements ClusterReader, AsyncDisposable {
  readonly store: Store;
  readonly #log: Log;
  readonly #caches = new Map<string, WatchCache>();
  #revision: Revision;
  #waiting: { readonly revision: Revision; readonly resolve: () => void }[] = [];
  #watch: Watch | undefined;
  #running: Promise<void> = Promise.resolve();
  #ended = false;

  private constructor(store: Store, revision: Revision, log: Log) {
    this.store = store;
    this.#revision = revision;
    this.#log = log;
  }

  static async start({ store, types, log }: { readonly store: Store; readonly types: readonly ResourceType[]; readonly log: Log }): Promise<ClusterState> {
    const { entries, revision } = await store.list(root);
    const state = new ClusterState(store, revision, log);
    const byPrefix = Map.groupBy(entries, ({ key }) => prefixInKey(key));
    for (const type of types) state.#add(type, byPrefix.get(prefixOf(type)) ?? [], revision);
    state.#running = state.#follow();
    return state;
  }

  /** Starts to serve another resource (a custom one). */
  async add(type: ResourceType): Promise<WatchCache> {
    const present = this.#caches.get(prefixOf(type));
    if (present) return present;
    const { entries, revision } = await this.store.list(prefixOf(type));
    await this.caughtUp(revision);
    return this.#caches.get(prefixOf(type)) ?? this.#add(type, entries, Math.max(revision, this.#revision));
  }

  remove(type: ResourceType): void {
    this.#caches.delete(prefixOf(type));
  }

  #add(type: ResourceType, entries: readonly Entry[], revision: Revision): WatchCache {
    const prefix = prefixOf(type);
    const isPods = type.group === "" && type.plural === "pods";
    const cache = new WatchCache({ prefix, form: new StoredForm(type), changesMax, ...(isPods && { nodeOf: nodeNameOf }) }, revision);
    cache.load(entries);
    this.#caches.set(prefix, cache);
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
    return (this.cache(type)?.entries(namespace) ?? []).map((entry) => entry.object as T);
  }

  /** How many objects there are of each resource, by the labels of upstream's metric. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#caches.values()].map((cache) => {
      const [group = "", plural = ""] = cache.prefix.slice(root.length).split("/");
      return [`resource="${group === "core" ? plural : `${plural}.${group}`}"`, cache.size];
    }));
  }

  /** Resolves when everything that was acknowledged before the call is in the caches; undefined when it is already. */
  fresh(): Promise<void> | undefined {
    return this.#revision >= this.store.revision ? undefined : this.caughtUp(this.store.revision);
  }

  async caughtUp(revision: Revision): Promise<void> {
    if (this.#revision >= revision || this.#ended) return;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      try {
        using watch = this.store.watch(root, { after: this.#revision });
        this.#watch = watch;
        for await (const change of watch) this.#apply(change);
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
    const { entries, revision } = await this.store.list(root);
    const changes: Change[] = [];
    const present = new Set<string>();
    for (const entry of entries) {
      present.add(entry.key);
      if (entry.revision > this.#revision) changes.push({ type: "put", entry, created: false });
    }
    for (const cache of this.#caches.values()) {
      for (const { key } of cache.entries()) if (!present.has(cache.prefix + key)) changes.push({ type: "delete", key: cache.prefix + key, revision });
    }
    const at = (change: Change): Revision => (change.type === "put" ? change.entry.revision : change.revision);
    for (const change of changes.sort((a, b) => at(a) - at(b))) this.#apply(change);
    this.#advance(revision);
  }

  #apply(change: Change): void {
    const key = change.type === "put" ? change.entry.key : change.key;
    const cache = this.#caches.get(prefixInKey(key));
    try {
      cache?.apply(change);
    } catch (error) {
      this.#log.error("a change could not be applied to the watch cache", { key, error });
    }
    this.#advance(change.type === "put" ? change.entry.revision : change.revision);
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

function prefixInKey(key: string): string {
  const second = key.indexOf("/", key.indexOf("/", root.length) + 1);
  return key.slice(0, second + 1);
}
