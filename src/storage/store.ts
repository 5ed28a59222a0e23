/** Where cluster state lives. It knows keys and bytes, and nothing of Kubernetes; the semantics are etcd's. */

/** A moment in the life of the store: it grows by one with every change, for the whole store. An empty store is at revision 1, as etcd is. */
export type Revision = number;

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** When this key last changed (etcd's mod_revision). */
  readonly revision: Revision;
  /** Only from stores that encrypt: why the value, which is empty then, could not be made out of what is stored (a key that is not known, damage). */
  readonly unreadable?: Error;
}

export type Change = (
  | { readonly type: "put"; readonly entry: Entry; /** The key did not exist before. */ readonly created: boolean }
  | { readonly type: "delete"; readonly key: string; readonly revision: Revision }
) & {
  /** Another change of the same revision follows: keys of one life end together, and others may write several at once. */
  readonly more?: true;
};

export interface Abortable {
  readonly signal?: AbortSignal;
}

/** Writes name the revision they were based on: 0 for a key that must not exist yet. */
export interface Guarded extends Abortable {
  readonly expected: Revision;
  /**
   * How long the write may wait for others to be made durable together with it, in milliseconds. It is acknowledged when it is durable, like any other.
   * Stores for which a write of its own costs no flush of their own do not wait. Default: 0.
   */
  readonly patienceMs?: number;
}

export interface PutOptions extends Guarded {
  /** The key ends itself when nobody has written it for so long (and some more). Only for stores that say that they can: others keep it for ever. */
  readonly lifeMs?: number;
}

export interface ListOptions extends Abortable {
  /** Read as of this revision; the present when absent. @throws CompactedError when it is forgotten. */
  readonly revision?: Revision;
  /** Only keys after this one. */
  readonly after?: string;
  readonly limit?: number;
  /** False: nobody wants to know how many more there are, which may cost a walk over all of them; `remaining` then says no more than whether there may be any. Default: true. */
  readonly count?: boolean;
}

export interface Listing {
  /** In key order. Values of one listing may lie in the same memory: who keeps a few of many copies them. */
  readonly entries: readonly Entry[];
  /** The single revision at which all of them were read. */
  readonly revision: Revision;
  /** How many more keys the prefix holds behind the last entry; 0 when complete. Without `count`, any other number means that there may be more. */
  readonly remaining: number;
}

export interface Store extends AsyncDisposable {
  /** The revision of the latest change that was acknowledged or seen. */
  readonly revision: Revision;

  get(key: string, options?: Abortable & { readonly revision?: Revision }): Promise<Entry | undefined>;

  /** Everything under `prefix`, as it was at one single revision. */
  list(prefix: string, options?: ListOptions): Promise<Listing>;

  /** Durable when it resolves. @throws {ConflictError} when the key is no longer at `expected`. */
  put(key: string, value: Uint8Array, options: PutOptions): Promise<Revision>;

  /** Durable when it resolves. @throws {ConflictError} when the key is no longer at `expected`. */
  delete(key: string, options: Guarded): Promise<Revision>;

  /**
   * Every change under `prefix` later than `after`, in order and without gaps.
   * A change is delivered no later than its writer is acknowledged (in the same turn of the event loop for embedded stores).
   * @throws {CompactedError} when the store no longer remembers that far back.
   */
  watch(prefix: string, options: WatchOptions): Watch;

  /**
   * Only stores that others write to as well have this: a revision that no write anywhere, which was acknowledged before the call, lies behind.
   * Everybody else's writes are seen when a watch has come that far. Without it, `revision` says the same at once.
   */
  latest?(options?: Abortable): Promise<Revision>;

  /** Whether keys can be given a life. Where they cannot, whoever wants keys to end deletes them. */
  readonly expires?: boolean;

  /** The name of a key where it is kept, if that is another one: what others who write to the same store know it by. */
  placeOf?(key: string): string;

  /** Only stores that encrypt have this: whether the value would be stored in another form today, so that it should be written again even when it has not changed. */
  stale?(key: string, options?: Abortable): Promise<boolean> | false;

  /** Forgets history up to and including `revision`; current entries stay. */
  compact(revision: Revision): Promise<void>;
}

export interface WatchOptions extends Abortable {
  readonly after: Revision;
  /**
   * For stores that others write to as well: told while the watch is read that every change under the prefix up to this revision has been
   * given out, also when the latest ones lay outside of it. Stores of one process tell nothing, their `revision` says it.
   */
  readonly onProgress?: (revision: Revision) => void;
}

export const keyOfChange = (change: Change): string => (change.type === "put" ? change.entry.key : change.key);
export const revisionOfChange = (change: Change): Revision => (change.type === "put" ? change.entry.revision : change.revision);

/**
 * Ends when it is disposed, when its signal aborts, or when its reader falls too far behind (what was queued until then is still delivered).
 * Fails with a CompactedError when history is forgotten faster than its reader catches up.
 */
export interface Watch extends AsyncIterable<Change>, Disposable {}

export class ConflictError extends Error {
  override readonly name = "ConflictError";
  /** What the key is at now; 0 when it does not exist. */
  readonly actual: Revision;

  constructor(key: string, expected: Revision, actual: Revision) {
    super(`${key} is at revision ${actual}, not ${expected}`);
    this.actual = actual;
  }
}

export class CompactedError extends Error {
  override readonly name = "CompactedError";
}

/** A read asked for a revision that the store has not reached yet. */
export class FutureRevisionError extends Error {
  override readonly name = "FutureRevisionError";
}

/** The store cannot take a write now (disk full, read-only): nothing was written. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** The answer to a write was lost, and it cannot be found out whether it was done. */
export class OutcomeUnknownError extends Error {
  override readonly name = "OutcomeUnknownError";
}
