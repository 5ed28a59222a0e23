import { ChangeWatch } from "../change-watch.ts";
import {
  CompactedError, ConflictError, FutureRevisionError, keyOfChange,
  type Abortable, type Change, type Entry, type Guarded, type Listing, type ListOptions, type Revision, type Store, type Watch,
} from "../store.ts";
import { SortedEntries } from "./sorted-entries.ts";

export interface MemoryStoreOptions {
  /** How many changes reads of the past and watches can look back. Default: 10,000. */
  readonly historyMax?: number;
  /** How many changes a slow reader may fall behind before its watch ends. Default: 10,000. */
  readonly backlogMax?: number;
}

interface Remembered {
  readonly change: Change;
  /** What the key held before. */
  readonly previous: Entry | undefined;
}

/** A store that forgets everything on exit: for tests, and for clusters that live for one demo. */
export class MemoryStore implements Store {
  readonly #historyMax: number;
  readonly #backlogMax: number;
  readonly #entries = new SortedEntries();
  /** Changes of revisions `#compacted + 1` to `#revision`, without gaps. */
  #history: Remembered[] = [];
  readonly #watches = new Set<ChangeWatch>();
  #revision: Revision = 1;
  #compacted: Revision = 1;

  constructor({ historyMax = 10_000, backlogMax = 10_000 }: MemoryStoreOptions = {}) {
    this.#historyMax = historyMax;
    this.#backlogMax = backlogMax;
  }

  get revision(): Revision {
    return this.#revision;
  }

  async get(key: string, { revision, signal }: Abortable & { readonly revision?: Revision } = {}): Promise<Entry | undefined> {
    signal?.throwIfAborted();
    if (revision === undefined || revision === this.#revision) return this.#entries.get(key);
    const first = this.#since(revision).find(({ change }) => keyOfChange(change) === key);
    return first ? first.previous : this.#entries.get(key);
  }

  async list(prefix: string, { revision = this.#revision, after = "", limit = Infinity, signal }: ListOptions = {}): Promise<Listing> {
    signal?.throwIfAborted();
    const all = this.#at(revision).range(prefix, after);
    return { entries: limit < all.length ? all.slice(0, limit) : all, revision, remaining: Math.max(0, all.length - limit) };
  }

  async put(key: string, value: Uint8Array, options: Guarded): Promise<Revision> {
    const previous = this.#check(key, options);
    const entry: Entry = { key, value, revision: ++this.#revision };
    this.#entries.set(entry);
    this.#publish({ change: { type: "put", entry, created: previous === undefined }, previous });
    return entry.revision;
  }

  async delete(key: string, options: Guarded): Promise<Revision> {
    const previous = this.#check(key, options);
    if (!previous) throw new ConflictError(key, options.expected, 0);
    const revision = ++this.#revision;
    this.#entries.delete(key);
    this.#publish({ change: { type: "delete", key, revision }, previous });
    return revision;
  }

  watch(prefix: string, { after, signal }: Abortable & { readonly after: Revision }): Watch {
    signal?.throwIfAborted();
    // A watch may begin at a revision that is yet to come: it then says nothing about the changes until there.
    const initial = after > this.#revision ? [] : this.#since(after).map(({ change }) => change);
    const watch = new ChangeWatch({ prefix, after, backlogMax: this.#backlogMax, initial, signal, onEnd: (ended) => this.#watches.delete(ended) });
    this.#watches.add(watch);
    return watch;
  }

  async compact(revision: Revision): Promise<void> {
    if (revision > this.#revision) throw new FutureRevisionError(`revision ${revision} is yet to come; the store is at ${this.#revision}`);
    if (revision <= this.#compacted) return;
    this.#history = this.#history.slice(revision - this.#compacted);
    this.#compacted = revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of this.#watches) watch.end();
  }

  #check(key: string, { expected, signal }: Guarded): Entry | undefined {
    signal?.throwIfAborted();
    const previous = this.#entries.get(key);
    const actual = previous?.revision ?? 0;
    if (actual !== expected) throw new ConflictError(key, expected, actual);
    return previous;
  }

  #since(revision: Revision): Remembered[] {
    if (revision > this.#revision) throw new FutureRevisionError(`revision ${revision} is yet to come; the store is at ${this.#revision}`);
    if (revision < this.#compacted) throw new CompactedError(`history begins after revision ${this.#compacted}; ${revision} was asked for`);
    return this.#history.slice(revision - this.#compacted);
  }

  /** The entries as they were: the present with every later change taken back. */
  #at(revision: Revision): SortedEntries {
    if (revision === this.#revision) return this.#entries;
    const past = this.#entries.clone();
    for (const { change, previous } of this.#since(revision).reverse()) {
      if (previous) past.set(previous);
      else past.delete(keyOfChange(change));
    }
    return past;
  }

  #publish(remembered: Remembered): void {
    this.#history.push(remembered);
    if (this.#history.length >= 2 * this.#historyMax) {
      this.#compacted += this.#history.length - this.#historyMax;
      this.#history = this.#history.slice(-this.#historyMax);
    }
    const key = keyOfChange(remembered.change);
    for (const watch of this.#watches) if (key.startsWith(watch.prefix)) watch.push(remembered.change);
  }
}
