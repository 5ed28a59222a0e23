import type { WatchCache } from "../cache/watch-cache.ts";

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
  readonly bytesMax: number;
  readonly #bodies = new Map<string, { readonly cache: WatchCache; readonly lastChange: number; readonly pieces: readonly Buffer[]; readonly bytes: number }>();
  #bytes = 0;

  constructor(options: ListBodiesOptions) {
    this.bytesMax = options.bytesMax;
  }

  get(identity: ListIdentity, make: () => Buffer): readonly Buffer[] {
    const known = this.find(identity);
    if (known) return known;
    const pieces = [make()];
    this.keep(identity, pieces);
    return pieces;
  }

  /** The items, when nothing has changed since they were kept. */
  find({ cache, lastChange, question }: ListIdentity): readonly Buffer[] | undefined {
    const key = cache.prefix + question;
    const known = this.#bodies.get(key);
    if (!known) return undefined;
    this.#bodies.delete(key);
    if (known.cache === cache && known.lastChange === lastChange) {
      this.#bodies.set(key, known);
      return known.pieces;
    }
    this.#bytes -= known.bytes;
    return undefined;
  }

  keep({ cache, lastChange, question }: ListIdentity, pieces: readonly Buffer[]): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes < bytesMin || bytes > this.bytesMax) return;
    const key = cache.prefix + question;
    this.#bytes -= this.#bodies.get(key)?.bytes ?? 0;
    this.#bodies.delete(key);
    this.#bodies.set(key, { cache, lastChange, pieces, bytes });
    this.#bytes += bytes;
    for (const [oldest, each] of this.#bodies) {
      if (this.#bytes <= this.bytesMax) break;
      this.#bodies.delete(oldest);
      this.#bytes -= each.bytes;
    }
  }
}
