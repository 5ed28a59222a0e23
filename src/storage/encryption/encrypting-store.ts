import {
  ConflictError, type Abortable, type Change, type Entry, type Guarded, type Listing, type ListOptions, type PutOptions, type Revision, type Store, type Watch, type WatchOptions,
} from "../store.ts";
import { DecodingWatch } from "./decoding-watch.ts";
import { identity, isEncrypted, type Decoded, type Transformer } from "./transformer.ts";

/** Which keys are encrypted how. */
export interface Transformers {
  /** Undefined: values under this key are stored as they are. May change from one call to the next. */
  of(key: string): Transformer | undefined;
}

/** How many values are read at once when all are looked through for stale ones. */
const rewritePageMax = 500;
const nothing = new Uint8Array(0);

/**
 * A store whose values are encrypted on their way in and out; keys, revisions and everything else are those of the store within. A value that cannot
 * be decrypted comes out as an entry that says why (`Entry.unreadable`): it keeps nobody from reading the others.
 */
export class EncryptingStore implements Store {
  readonly #inner: Store;
  readonly #transformers: Transformers;
  /** Values of this process's own writes by the bytes that were stored: embedded stores give the same bytes to their watches, which need not decrypt them. */
  readonly #own = new WeakMap<Uint8Array, Uint8Array>();
  readonly latest?: (options?: Abortable) => Promise<Revision>;
  readonly expires: boolean;

  constructor(inner: Store, transformers: Transformers) {
    this.#inner = inner;
    this.#transformers = transformers;
    this.expires = inner.expires ?? false;
    if (inner.latest) this.latest = (options) => inner.latest?.(options) ?? Promise.resolve(inner.revision);
  }

  get revision(): Revision {
    return this.#inner.revision;
  }

  /** Values are bound to the key as it is where they lie: others who read the same store know no other. */
  placeOf(key: string): string {
    return this.#inner.placeOf?.(key) ?? key;
  }

  async get(key: string, options?: Abortable & { readonly revision?: Revision }): Promise<Entry | undefined> {
    const entry = await this.#inner.get(key, options);
    return entry && this.#decoded(entry);
  }

  async list(prefix: string, options?: ListOptions): Promise<Listing> {
    const listing = await this.#inner.list(prefix, options);
    // Made with the first entry that is encrypted: most lists have none.
    let entries: Entry[] | undefined;
    for (let at = 0; at < listing.entries.length; at++) {
      const entry = listing.entries[at];
      if (!entry) continue;
      const decoding = this.#decoded(entry);
      // One after the other: the first fetches the key that the others need.
      const decoded = decoding instanceof Promise ? await decoding : decoding;
      if (decoded !== entry) entries ??= listing.entries.slice(0, at);
      entries?.push(decoded);
    }
    return entries ? { ...listing, entries } : listing;
  }

  put(key: string, value: Uint8Array, options: PutOptions): Promise<Revision> {
    const transformer = this.#transformers.of(key);
    let stored = value;
    if (transformer) {
      try {
        stored = transformer.encode(value, this.placeOf(key));
      } catch (error) {
        return Promise.reject(new EncryptionError(error));
      }
      if (stored !== value) this.#own.set(stored, value);
    }
    // As many turns later than the store within as changes are that come through a watch: those still arrive before their writer is told.
    return this.#inner.put(key, stored, options).then(same);
  }

  delete(key: string, options: Guarded): Promise<Revision> {
    return this.#inner.delete(key, options).then(same);
  }

  watch(prefix: string, options: WatchOptions): Watch {
    return new DecodingWatch(this.#inner.watch(prefix, options), (change) => this.#change(change));
  }

  compact(revision: Revision): Promise<void> {
    return this.#inner.compact(revision);
  }

  stale(key: string, options?: Abortable): Promise<boolean> | false {
    const transformer = this.#transformers.of(key);
    return transformer ? this.#stale(key, transformer, options) : false;
  }

  async #stale(key: string, transformer: Transformer, options?: Abortable): Promise<boolean> {
    const entry = await this.#inner.get(key, options);
    if (!entry) return false;
    try {
      const { stale } = await transformer.decode(entry.value, this.placeOf(key));
      return stale;
    } catch (error) {
      throw new EncryptionError(error);
    }
  }

  /**
   * Writes again what lies under `prefix` and would be stored in another form today. Values that cannot be read stay as they are, and so do those that
   * somebody else writes meanwhile, which are no longer stale. Returns how many were written.
   */
  async rewriteStale(prefix: string, { signal }: { readonly signal: AbortSignal }): Promise<number> {
    let written = 0;
    for (let after = ""; ; ) {
      const { entries, remaining } = await this.#inner.list(prefix, { limit: rewritePageMax, signal, ...(after !== "" && { after }) });
      for (const entry of entries) if (await this.#rewrite(entry, signal)) written++;
      after = entries.at(-1)?.key ?? "";
      if (remaining === 0 || after === "") return written;
    }
  }

  async #rewrite({ key, value, revision }: Entry, signal: AbortSignal): Promise<boolean> {
    const transformer = this.#transformers.of(key);
    if (!transformer) return false;
    let decoded: Decoded;
    try {
      decoded = await transformer.decode(value, this.placeOf(key));
    } catch {
      return false; // Its readers are told.
    }
    if (!decoded.stale) return false;
    try {
      await this.put(key, decoded.value, { expected: revision, signal });
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#inner[Symbol.asyncDispose]();
  }

  #change(change: Change): Change | Promise<Change> {
    if (change.type === "delete") return change;
    const decoded = this.#decoded(change.entry);
    if (decoded === change.entry) return change;
    return decoded instanceof Promise ? decoded.then((entry) => ({ ...change, entry })) : { ...change, entry: decoded };
  }

  /** The same entry where nothing is to be done. */
  #decoded(entry: Entry): Entry | Promise<Entry> {
    const { key, value, revision } = entry;
    const transformer = this.#transformers.of(key);
    if (!transformer && !isEncrypted(value)) return entry;
    const own = this.#own.get(value);
    if (own) return { key, value: own, revision };
    const unreadable = (error: unknown): Entry => ({ key, value: nothing, revision, unreadable: error instanceof Error ? error : new Error(String(error)) });
    try {
      const decoded = (transformer ?? identity).decode(value, this.placeOf(key));
      if (!(decoded instanceof Promise)) return decoded.value === value ? entry : { key, value: decoded.value, revision };
      return decoded.then((each): Entry => ({ key, value: each.value, revision }), unreadable);
    } catch (error) {
      return unreadable(error);
    }
  }
}

const same = (revision: Revision): Revision => revision;

/** A value could not be encrypted, and was not written (the key that encrypts has expired, for one), or what it is to be compared with could not be decrypted. */
export class EncryptionError extends Error {
  override readonly name = "EncryptionError";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
