import { revisionOfChange, keyOfChange, type Change, type Entry, type Revision, type Store } from "../store.ts";
import type { Frame } from "./frames.ts";

export interface ReadStateOptions {
  readonly signal: AbortSignal;
  /** Only what lies under it; everything when absent. */
  readonly prefix?: string;
  /** Read as of this revision, which the store still knows; its present when absent. */
  readonly revision?: Revision;
  /** About how much is read at once, so that others get their turn. */
  readonly pageBytes?: number;
}

const pageBytesDefault = 512 * 1024;
const pageEntriesMin = 16;
const pageEntriesMax = 1000;
/** What changes while a slow reader takes the state is kept in memory; more than this ends it. */
const changedBytesMax = 256 * 1024 * 1024;

/**
 * The whole state at one single revision, page by page, while others go on writing: the last frame says the revision. Nobody waits for it, and it
 * takes no more of a store's time than its pages do.
 * @throws {CompactedError} from a store that others write to as well, when they forget the revision meanwhile: begin again.
 */
export function readState(store: Store, options: ReadStateOptions): AsyncGenerator<readonly Frame[], void> {
  const latest = store.latest?.bind(store);
  if (latest) return pinned(store, () => latest({ signal: options.signal }), options);
  return options.revision === undefined ? followed(store, options) : pinned(store, async () => store.revision, options);
}

/** etcd keeps the past at hand: all pages are read at the revision of the first. */
async function* pinned(store: Store, latest: () => Promise<Revision>, options: ReadStateOptions): AsyncGenerator<readonly Frame[], void> {
  const revision = options.revision ?? (await latest());
  for await (const { entries } of pages(store, options, revision)) yield entries.map(entryFrame);
  yield [{ is: "end", revision }];
}

/**
 * Embedded stores read the present quickly, and the past slowly. So each page is read as it is at its time, all changes since the beginning are
 * followed beside it, and what they say at the end has the last word.
 */
async function* followed(store: Store, options: ReadStateOptions): AsyncGenerator<readonly Frame[], void> {
  using changes = new Changes(store, options);
  let reached = store.revision;
  for await (const { entries, revision } of pages(store, options)) {
    changes.check();
    reached = Math.max(reached, revision);
    yield entries.map(entryFrame);
  }
  const { revision, latest } = await changes.upTo(reached);
  for (let from = 0; from < latest.length; from += pageEntriesMax) yield latest.slice(from, from + pageEntriesMax).map(changeFrame);
  yield [{ is: "end", revision }];
}

const entryFrame = (entry: Entry): Frame => ({ is: "entry", entry });
const changeFrame = (change: Change): Frame => (change.type === "put" ? { is: "entry", entry: change.entry } : { is: "gone", key: change.key, revision: change.revision });

/** In key order. How many entries a page has follows from how large those before it were. */
async function* pages(store: Store, { signal, prefix = "", pageBytes = pageBytesDefault }: ReadStateOptions, revision?: Revision): AsyncGenerator<{ readonly entries: readonly Entry[]; readonly revision: Revision }, void> {
  let [after, limit] = ["", pageEntriesMin];
  for (;;) {
    const listing = await store.list(prefix, { limit, signal, ...(after !== "" && { after }), ...(revision !== undefined && { revision }) });
    const { entries } = listing;
    const last = entries.at(-1);
    if (last === undefined) return;
    yield listing;
    if (listing.remaining === 0) return;
    after = last.key;
    const meanBytes = entries.reduce((sum, { value }) => sum + value.length, 0) / entries.length;
    // It grows slowly, since the next entries may be larger than these.
    limit = Math.max(pageEntriesMin, Math.min(pageEntriesMax, limit * 2, Math.floor(pageBytes / Math.max(1, meanBytes))));
  }
}

/** The latest change of each key since the beginning. */
class Changes implements Disposable {
  readonly #ending: AbortController = new AbortController();
  readonly #latest = new Map<string, Change>();
  readonly #waiting: { readonly revision: Revision; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #seen: Revision;
  #bytes = 0;
  #failure: Error | undefined;

  constructor(store: Store, { signal, prefix = "" }: ReadStateOptions) {
    this.#seen = store.revision;
    // Of all keys, since then each revision comes with a change, and what was reached is known.
    const watch = store.watch("", { after: this.#seen, signal: AbortSignal.any([signal, this.#ending.signal]) });
    this.#follow(watch, prefix).then(() => this.#fail(new Error("the state changes faster than it can be read")), (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))));
  }

  async #follow(watch: AsyncIterable<Change>, prefix: string): Promise<void> {
    for await (const change of watch) {
      const key = keyOfChange(change);
      if (key.startsWith(prefix)) {
        this.#bytes += sizeOf(change) - sizeOf(this.#latest.get(key));
        this.#latest.set(key, change);
        if (this.#bytes > changedBytesMax) return;
      }
      this.#seen = revisionOfChange(change);
      for (const { resolve } of this.#waiting.splice(0)) resolve();
    }
  }

  /** @throws when changes were missed. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  async upTo(revision: Revision): Promise<{ readonly revision: Revision; readonly latest: readonly Change[] }> {
    while (this.#seen < revision) {
      this.check();
      await new Promise<void>((resolve, reject) => this.#waiting.push({ revision, resolve, reject }));
    }
    this.check();
    return { revision: this.#seen, latest: [...this.#latest.values()] };
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }
}

const sizeOf = (change: Change | undefined): number => (change?.type === "put" ? change.entry.value.length + change.entry.key.length : change ? change.key.length : 0);
