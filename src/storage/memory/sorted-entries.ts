import type { Entry } from "../store.ts";

/** Entries by key, and in key order. Keys are kept in one sorted array: inserting moves pointers, which is cheap up to some 100,000 keys. */
export class SortedEntries {
  readonly #byKey: Map<string, Entry>;
  readonly #keys: string[];

  constructor(byKey = new Map<string, Entry>(), keys: string[] = []) {
    this.#byKey = byKey;
    this.#keys = keys;
  }

  get(key: string): Entry | undefined {
    return this.#byKey.get(key);
  }

  set(entry: Entry): void {
    if (!this.#byKey.has(entry.key)) this.#keys.splice(this.#firstAtLeast(entry.key), 0, entry.key);
    this.#byKey.set(entry.key, entry);
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#keys.splice(this.#firstAtLeast(key), 1);
  }

  /** Entries under `prefix` with keys after `after`, in key order. */
  range(prefix: string, after: string): Entry[] {
    const found: Entry[] = [];
    for (let i = this.#firstAtLeast(after > prefix ? after : prefix); i < this.#keys.length; i++) {
      const key = this.#keys[i];
      if (key === undefined || !key.startsWith(prefix)) break;
      const entry = key === after && after !== "" ? undefined : this.#byKey.get(key);
      if (entry) found.push(entry);
    }
    return found;
  }

  clone(): SortedEntries {
    return new SortedEntries(new Map(this.#byKey), [...this.#keys]);
  }

  #firstAtLeast(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
