/** Entries in one chunk before it is split; small enough that an insertion moves little, large enough that there are few chunks. */
const chunkEntriesMax = 512;

interface Chunk<V> {
  readonly keys: string[];
  readonly values: V[];
}

/** First index whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A map whose keys are kept in order (of UTF-16 code units). It is a list of sorted chunks: looking up is O(log n), inserting moves at most
 * one chunk, and ranges are read in order. A hash map beside the chunks makes `get` and `has` as quick as a Map's.
 */
export class SortedMap<V> implements Iterable<[string, V]> {
  readonly #index = new Map<string, V>();
  #chunks: Chunk<V>[] = [];

  constructor(entries: Iterable<readonly [string, V]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#index.size;
  }

  get(key: string): V | undefined {
    return this.#index.get(key);
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  set(key: string, value: V): this {
    const known = this.#index.has(key);
    this.#index.set(key, value);
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] });
      return this;
    }
    const position = lowerBound(chunk.keys, key);
    if (known) {
      chunk.values[position] = value;
      return this;
    }
    chunk.keys.splice(position, 0, key);
    chunk.values.splice(position, 0, value);
    if (chunk.keys.length > chunkEntriesMax) {
      // Keys that only grow leave full chunks behind rather than half empty ones.
      const cut = position === chunk.keys.length - 1 ? chunkEntriesMax : chunk.keys.length >>> 1;
      this.#chunks.splice(at + 1, 0, { keys: chunk.keys.splice(cut), values: chunk.values.splice(cut) });
    }
    return this;
  }

  delete(key: string): boolean {
    if (!this.#index.delete(key)) return false;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (!chunk) return false;
    const position = lowerBound(chunk.keys, key);
    chunk.keys.splice(position, 1);
    chunk.values.splice(position, 1);
    if (chunk.keys.length === 0) this.#chunks.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#index.clear();
    this.#chunks = [];
  }

  /** Entries with `from <= key < to`, in order. Entries must not be added or removed while iterating; use `slice` when they may be. */
  *range(from = "", to?: string): Generator<[string, V], undefined> {
    const start = this.#chunkOf(from);
    for (let at = start; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at];
      if (!chunk) return;
      const { keys, values } = chunk;
      for (let position = at === start ? lowerBound(keys, from) : 0; position < keys.length; position++) {
        const key = keys[position] as string;
        if (to !== undefined && key >= to) return;
        yield [key, values[position] as V];
      }
    }
  }

  /** Entries whose key starts with the prefix, in order. */
  prefix(prefix: string): Generator<[string, V], undefined> {
    return this.range(prefix, afterPrefix(prefix));
  }

  /** Values of `from <= key < to`, at most `limit`, copied: a stable picture, and quicker than iterating. */
  slice(from = "", to?: string, limit = Infinity): V[] {
    const result: V[] = [];
    const start = this.#chunkOf(from);
    for (let at = start; at < this.#chunks.length && result.length < limit; at++) {
      const chunk = this.#chunks[at];
      if (!chunk) break;
      const first = at === start ? lowerBound(chunk.keys, from) : 0;
      const last = chunk.keys.at(-1);
      const end = to === undefined || (last !== undefined && last < to) ? chunk.keys.length : lowerBound(chunk.keys, to);
      for (let position = first; position < end && result.length < limit; position++) result.push(chunk.values[position] as V);
      if (end < chunk.keys.length) break;
    }
    return result;
  }

  /** How many keys are `from <= key < to`; costs a look at each chunk in between. */
  count(from = "", to?: string): number {
    const before = (key: string): number => {
      const at = this.#chunkOf(key);
      let count = lowerBound(this.#chunks[at]?.keys ?? [], key);
      for (let chunk = 0; chunk < at; chunk++) count += this.#chunks[chunk]?.keys.length ?? 0;
      return count;
    };
    return Math.max(0, (to === undefined ? this.size : before(to)) - before(from));
  }

  firstKey(): string | undefined {
    return this.#chunks[0]?.keys[0];
  }

  lastKey(): string | undefined {
    return this.#chunks.at(-1)?.keys.at(-1);
  }

  *keys(): Generator<string, undefined> {
    for (const { keys } of this.#chunks) yield* keys;
  }

  *values(): Generator<V, undefined> {
    for (const { values } of this.#chunks) yield* values;
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.range();
  }

  /** The chunk that holds the key, or would: the last whose first key is not above it. */
  #chunkOf(key: string): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.keys[0] ?? "") <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The smallest text above everything that starts with the prefix, or undefined when there is none. */
export function afterPrefix(prefix: string): string | undefined {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const code = prefix.charCodeAt(at);
    if (code < 0xffff) return prefix.slice(0, at) + String.fromCharCode(code + 1);
  }
  return undefined;
}
