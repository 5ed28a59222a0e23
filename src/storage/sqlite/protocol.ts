import type { Change, Entry, Revision } from "../store.ts";

/** What the thread is started with. */
export interface DatabaseOptions {
  readonly path: string;
  /** How large the file may grow, in bytes; writes are then refused until compaction has made room. */
  readonly bytesMax: number;
}

export const bytesMaxDefault = 8 * 1024 ** 3;

/**
 * What the main thread and the thread of the database say to each other: one message per turn of the event loop, holding everything that came
 * up in it. All values of a message lie in one buffer, which changes hands instead of being copied.
 */
export interface Request {
  readonly writes: readonly WriteRequest[];
  readonly reads: readonly ReadRequest[];
  readonly bytes: ArrayBuffer;
}

/** Where a value lies within the buffer of its message. */
export interface Slice {
  readonly start: number;
  readonly length: number;
}

export interface WriteRequest {
  readonly key: string;
  readonly expected: Revision;
  /** Absent: the key is deleted. */
  readonly value?: Slice;
}

export type ReadRequest =
  | { readonly call: "get"; readonly id: number; readonly key: string; readonly revision: Revision | undefined }
  | { readonly call: "list"; readonly id: number; readonly prefix: string; readonly after: string; readonly limit: number; readonly revision: Revision | undefined; readonly count: boolean }
  | { readonly call: "changes"; readonly id: number; readonly prefix: string; readonly after: Revision; readonly limit: number }
  | { readonly call: "compact"; readonly id: number; readonly revision: Revision }
  | { readonly call: "close"; readonly id: number };

/** Outcome of one write, in the order in which they were sent. */
export type WriteResult =
  | { readonly revision: Revision; readonly created: boolean }
  | { readonly actual: Revision }
  | { readonly unavailable: string }
  /** The disk failed while it was to make it durable: it may be there after a restart, and may not. */
  | { readonly unknown: string };

export interface StoredEntry {
  readonly key: string;
  readonly revision: Revision;
  readonly value: Slice;
}
export type StoredChange = (StoredEntry & { readonly created: boolean }) | { readonly key: string; readonly revision: Revision };

export type ReadResult =
  | { readonly entry: StoredEntry | undefined }
  | { readonly entries: readonly StoredEntry[]; readonly revision: Revision; readonly remaining: number }
  /** `upTo` is the revision until which the history is now known; it is later than that of the last change when others followed. */
  | { readonly changes: readonly StoredChange[]; readonly upTo: Revision }
  | { readonly compacted: Revision }
  | { readonly closed: true };

export type Failure = { readonly error: "compacted" | "future" | "unavailable" | "other"; readonly message: string };

export type Response =
  | { readonly type: "ready"; readonly revision: Revision; readonly compacted: Revision }
  | { readonly type: "refused"; readonly message: string }
  /** `requests`: how many messages the writes came in; they shared one transaction. */
  | { readonly type: "writes"; readonly results: readonly WriteResult[]; readonly requests: number }
  | { readonly type: "read"; readonly id: number; readonly result: ReadResult | Failure; readonly bytes: ArrayBuffer };

/** Collects values, then lays them side by side in one buffer. */
export class Packer {
  readonly #values: Uint8Array[] = [];
  #length = 0;

  add(value: Uint8Array): Slice {
    const slice = { start: this.#length, length: value.length };
    this.#values.push(value);
    this.#length += value.length;
    return slice;
  }

  pack(): ArrayBuffer {
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const value of this.#values) {
      bytes.set(value, at);
      at += value.length;
    }
    return bytes.buffer;
  }
}

export const packEntry = (packer: Packer, { key, revision, value }: Entry): StoredEntry => ({ key, revision, value: packer.add(value) });
/** Copies the value out of the message, so that one entry that is kept does not keep the others. */
export const unpackEntry = (bytes: ArrayBuffer, { key, revision, value }: StoredEntry): Entry => ({
  key, revision, value: new Uint8Array(bytes.slice(value.start, value.start + value.length)),
});

/** A view of the message: for those who take all entries of it, and keep what they keep in a place of their own. */
export const viewEntry = (bytes: ArrayBuffer, { key, revision, value }: StoredEntry): Entry => ({ key, revision, value: new Uint8Array(bytes, value.start, value.length) });

export const packChange = (packer: Packer, change: Change): StoredChange =>
  change.type === "put" ? { ...packEntry(packer, change.entry), created: change.created } : { key: change.key, revision: change.revision };
export const unpackChange = (bytes: ArrayBuffer, change: StoredChange): Change =>
  "value" in change
    ? { type: "put", entry: unpackEntry(bytes, change), created: change.created }
    : { type: "delete", key: change.key, revision: change.revision };
