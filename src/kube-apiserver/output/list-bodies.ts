import type { WatchCache } from "../watch-cache.ts";

export interface ListBodiesOptions {
  /** All bodies together; the one used longest ago goes first. */
  readonly bytesMax: number;
}

/** Smaller lists are put together faster than they are found. */
const bytesMin = 16 * 1024;

/** What a list is of: as long as the cache has not changed, the same question has the same items. */
export interface ListIdentity {
  readonly cache: WatchCache;
  readonly lastChange: number;
  readonly question: string;
}

/** Items of lists that were asked for again while nothing had changed: many clients ask for the same large list. */
export class ListBodies {
  readonly #bytesMax: number;
  readonly #bodies = new Map<string, { readonly cache: WatchCache; readonly lastChange: number; readonly bytes: Buffer }>();
  #bytes = 0;

  constructor(options: ListBodiesOptions) {
    this.#bytesMax = options.bytesMax;
  }

  get({ cache, lastChange, question }: ListIdentity, make: () => Buffer): Buffer {
    const key = cache.prefix + question;
    const known = this.#bodies.get(key);
    if (known) {
      this.#bodies.delete(key);
      if (known.cache === cache && known.lastChange === lastChange) {
        this.#bodies.set(key, known);
        return known.bytes;
      }
      this.#bytes -= known.bytes.length;
    }
    const bytes = make();
    if (bytes.length < bytesMin || bytes.length > this.#bytesMax) return bytes;
    this.#bodies.set(key, { cache, lastChange, bytes });
    this.#bytes += bytes.length;
    for (const [oldest, { bytes: each }] of this.#bodies) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#bodies.delete(oldest);
      this.#bytes -= each.length;
    }
    return bytes;
  }
}
