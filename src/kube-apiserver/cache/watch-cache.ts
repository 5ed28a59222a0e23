import type { KubeObject } from "../../apimachinery/object.ts";
import { SortedMap } from "../../stdx/sorted-map.ts";
import type { Change, Entry, Revision } from "../../storage/store.ts";
import type { Turns } from "../../stdx/turns.ts";
import { CacheEntry, type StoredForm } from "./cache-entry.ts";
import { CacheEvent, type CacheListener } from "./cache-event.ts";
import { NodeIndex } from "./node-index.ts";
import { Slabs } from "./slabs.ts";

/** Something is stored that cannot be read: it was encrypted with a key that is not known, or is damaged. */
export interface Unreadable {
  readonly revision: Revision;
  readonly error: Error;
}

/** Which events a listener can possibly want, so that it is not asked about others. */
export interface ListenerScope {
  readonly namespace?: string;
  /** "namespace/name" or "name". */
  readonly key?: string;
  /** Value of `spec.nodeName`, where the listener wants only pods of one node. */
  readonly node?: string;
}

export interface WatchCacheOptions {
  /** "/registry/pods/" */
  readonly prefix: string;
  readonly form: StoredForm;
  /** How many changes are remembered for watchers that come back. */
  readonly changesMax: number;
  /** Reads `spec.nodeName`, for the index of listeners; only pods have one. */
  readonly nodeOf?: (object: KubeObject) => string;
  /** Where the bytes of entries lie; resources may share them. */
  readonly slabs?: Slabs;
}

/** The present state of one resource, the recent past of it, and who wants to hear of its future. */
export class WatchCache {
  readonly prefix: string;
  readonly #form: StoredForm;
  readonly #changesMax: number;
  readonly #nodeOf: ((object: KubeObject) => string) | undefined;
  readonly #slabs: Slabs;
  readonly #entries = new SortedMap<CacheEntry>();
  /** All entries in key order, as long as none changes. */
  #all: readonly CacheEntry[] | undefined = [];
  #events: CacheEvent[] = [];
  /** Changes up to this revision are forgotten (or were never seen). */
  #forgotten: Revision;
  #lastChange: Revision = 0;
  readonly #everybody = new Set<CacheListener>();
  readonly #byNamespace = new Map<string, Set<CacheListener>>();
  readonly #byName = new Map<string, Set<CacheListener>>();
  readonly #byNode = new Map<string, Set<CacheListener>>();
  #nodes: NodeIndex | undefined;
  #findingNodes: Promise<void> | undefined;
  /** Told when the watchers can no longer be told everything. */
  readonly #whenBroken = new Set<() => void>();
  /** By key; none of these is among the entries. */
  readonly #unreadable = new Map<string, Unreadable>();
  readonly #writing = new Map<string, { readonly value: Uint8Array; readonly object: KubeObject }>();

  constructor(options: WatchCacheOptions, startedAt: Revision) {
    this.prefix = options.prefix;
    this.#form = options.form;
    this.#changesMax = options.changesMax;
    this.#nodeOf = options.nodeOf;
    this.#slabs = options.slabs ?? new Slabs();
    this.#forgotten = startedAt;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When this resource last changed. */
  get lastChange(): Revision {
    return this.#lastChange;
  }

  /** What is there and cannot be shown. Whoever looks for it, or for all, has to be told so. */
  get unreadable(): ReadonlyMap<string, Unreadable> {
    return this.#unreadable;
  }

  get form(): StoredForm {
    return this.#form;
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** All entries in key order, or those of one namespace, from the first whose key is not below `start`. The array is a picture of now: it never changes. */
  entries(namespace = "", start = ""): readonly CacheEntry[] {
    if (namespace !== "") {
      const { from, to } = rangeIn(namespace, start);
      return this.#entries.slice(from, to);
    }
    const all = (this.#all ??= this.#entries.slice());
    return start === "" ? all : all.slice(indexOf(all, start));
  }

  /** The first so many of `entries`, without a picture of all. */
  firstEntries(namespace: string, start: string, limit: number): readonly CacheEntry[] {
    const { from, to } = rangeIn(namespace, start);
    return this.#entries.slice(from, to, limit);
  }

  /** How many entries there are from `start` on. */
  countFrom(namespace: string, start: string): number {
    const { from, to } = rangeIn(namespace, start);
    return this.#entries.count(from, to);
  }

  /** Fills the cache at start. */
  load(entries: readonly Entry[]): void {
    for (const { key, value, revision, unreadable } of entries) {
      if (unreadable) {
        this.#unreadable.set(key.slice(this.prefix.length), { revision, error: unreadable });
        continue;
      }
      const entry = new CacheEntry(this.#form, key.slice(this.prefix.length), revision, value);
      entry.settle(this.#slabs);
      this.#entries.set(entry.key, entry);
      this.#lastChange = Math.max(this.#lastChange, revision);
    }
    this.#all = undefined;
  }

  /** Entries with this `spec.nodeName` (in no order); undefined while that is not known without looking at all, or where no node is read. */
  entriesOfNode(node: string): readonly CacheEntry[] | undefined {
    return this.#nodes?.of(node);
  }

  /**
   * Asking for the first time begins to find out which entries are on which node; whoever asks meanwhile waits for that one walk over all instead of walking on their own.
   * Undefined when there is nothing to wait for.
   */
  whenNodesKnown(turns: Turns): Promise<void> | undefined {
    if (this.#nodeOf && !this.#nodes) {
      this.#nodes = new NodeIndex(this.#nodeOf);
      // A pod that cannot be read is told of by those who list it; without an index they look at all.
      this.#findingNodes = this.#nodes.build(this.entries(), (key) => this.#entries.get(key), turns).catch(() => undefined).then(() => {
        this.#findingNodes = undefined;
      });
    }
    return this.#findingNodes;
  }

  /**
   * Says that `object` is about to be stored as `value`, so that the change, when it comes back from the store, needs not be parsed. The
   * result ends that.
   */
  expect(key: string, value: Uint8Array, object: KubeObject): () => void {
    const note = { value, object };
    this.#writing.set(key, note);
    return () => {
      if (this.#writing.get(key) === note) this.#writing.delete(key);
    };
  }

  apply(change: Change): void {
    if (change.type === "put" && change.entry.unreadable) this.#hide(change.entry, change.entry.unreadable);
    else if (change.type === "put") {
      const key = change.entry.key.slice(this.prefix.length);
      this.#unreadable.delete(key);
      const previous = this.#entries.get(key);
      const note = this.#writing.get(key);
      const { value, revision } = change.entry;
      const known = note && (note.value === value || Buffer.compare(note.value, value) === 0) ? note.object : undefined;
      const entry = new CacheEntry(this.#form, key, revision, value, known);
      this.#replace(key, previous, entry);
      this.#publish(new CacheEvent(previous ? "MODIFIED" : "ADDED", revision, entry, previous));
    } else {
      const key = change.key.slice(this.prefix.length);
      if (this.#unreadable.delete(key)) this.#breakOff(change.revision);
      const previous = this.#entries.get(key);
      if (!previous) return;
      this.#replace(key, previous, undefined);
      this.#publish(new CacheEvent("DELETED", change.revision, previous.at(change.revision), previous));
    }
  }

  /** What could not be read before, and can be now. */
  restore({ key: stored, value, revision }: Entry): void {
    const key = stored.slice(this.prefix.length);
    if (this.#unreadable.get(key)?.revision !== revision) return;
    this.#unreadable.delete(key);
    const entry = new CacheEntry(this.#form, key, revision, value);
    this.#replace(key, this.#entries.get(key), entry);
    this.#breakOff(Math.max(revision, this.#lastChange));
  }

  #hide({ key: stored, revision }: Entry, error: Error): void {
    const key = stored.slice(this.prefix.length);
    this.#unreadable.set(key, { revision, error });
    const previous = this.#entries.get(key);
    if (previous) this.#replace(key, previous, undefined);
    this.#breakOff(revision);
  }

  #replace(key: string, previous: CacheEntry | undefined, next: CacheEntry | undefined): void {
    if (next) {
      next.settle(this.#slabs);
      this.#entries.set(key, next);
    } else this.#entries.delete(key);
    previous?.unsettle(this.#slabs);
    this.#all = undefined;
    this.#nodes?.change(previous, next);
  }

  /** Watchers cannot be told what happened: they end, and those who come back have to list again. */
  #breakOff(revision: Revision): void {
    this.#lastChange = Math.max(this.#lastChange, revision);
    this.#events = [];
    this.#forgotten = this.#lastChange;
    for (const tell of this.#whenBroken) tell();
  }

  onBroken(callback: () => void): Disposable {
    this.#whenBroken.add(callback);
    return { [Symbol.dispose]: () => void this.#whenBroken.delete(callback) };
  }

  /** Changes after `revision`, oldest first; undefined when they are no longer all known. */
  since(revision: Revision): readonly CacheEvent[] | undefined {
    if (revision < this.#forgotten) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  /** The oldest revision that a watch may start from. */
  get oldest(): Revision {
    return this.#forgotten;
  }

  listen(scope: ListenerScope, listener: CacheListener): Disposable {
    const [index, key] =
      scope.key !== undefined ? ([this.#byName, scope.key] as const)
      : scope.node !== undefined && this.#nodeOf ? ([this.#byNode, scope.node] as const)
      : scope.namespace !== undefined && scope.namespace !== "" ? ([this.#byNamespace, scope.namespace] as const)
      : ([undefined, ""] as const);
    if (!index) {
      this.#everybody.add(listener);
      return { [Symbol.dispose]: () => void this.#everybody.delete(listener) };
    }
    const set = index.get(key) ?? new Set();
    index.set(key, set);
    set.add(listener);
    return {
      [Symbol.dispose]: () => {
        set.delete(listener);
        if (set.size === 0 && index.get(key) === set) index.delete(key);
      },
    };
  }

  #publish(event: CacheEvent): void {
    this.#lastChange = event.revision;
    this.#events.push(event);
    // Trimmed in halves, so that it costs nothing per change.
    if (this.#events.length > this.#changesMax * 2) {
      this.#forgotten = this.#events[this.#events.length - this.#changesMax - 1]?.revision ?? this.#forgotten;
      this.#events = this.#events.slice(-this.#changesMax);
    }
    this.#tell(event);
    event.entry.forgetEvents();
  }

  #tell(event: CacheEvent): void {
    for (const listener of this.#everybody) listener(event);
    const { key } = event.entry;
    if (this.#byName.size > 0) for (const listener of this.#byName.get(key) ?? []) listener(event);
    if (this.#byNamespace.size > 0) {
      const slash = key.indexOf("/");
      if (slash > 0) for (const listener of this.#byNamespace.get(key.slice(0, slash)) ?? []) listener(event);
    }
    if (this.#nodeOf && this.#byNode.size > 0) {
      const now = event.entry.node(this.#nodeOf);
      for (const listener of this.#byNode.get(now) ?? []) listener(event);
      const before = event.previous ? event.previous.node(this.#nodeOf) : now;
      if (before !== now) for (const listener of this.#byNode.get(before) ?? []) listener(event);
    }
  }
}

/** From which key on, and up to which. */
const rangeIn = (namespace: string, start: string): { readonly from: string; readonly to: string | undefined } =>
  namespace === "" ? { from: start, to: undefined } : { from: start > `${namespace}/` ? start : `${namespace}/`, to: `${namespace}0` };

/** Where `key` is, or would be. */
function indexOf(entries: readonly CacheEntry[], key: string): number {
  let low = 0;
  let high = entries.length;
  // Names often come in order: look at the end first.
  if (high > 0 && (entries[high - 1]?.key ?? "") < key) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.key ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
