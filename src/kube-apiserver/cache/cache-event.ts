import type { Revision } from "../../storage/store.ts";
import type { CacheEntry } from "./cache-entry.ts";

/** One change of one object, as watchers get it. `previous` decides whether a selector saw the object before. */
export class CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: Revision;
  /** For DELETED: the last state, under the revision of the deletion. */
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
  #left: CacheEntry | undefined;

  constructor(type: CacheEvent["type"], revision: Revision, entry: CacheEntry, previous: CacheEntry | undefined) {
    this.type = type;
    this.revision = revision;
    this.entry = entry;
    this.previous = previous;
  }

  /** What a selector that no longer sees the object says has gone: the state before, under this revision. Made once for all watchers. */
  get left(): CacheEntry {
    return (this.#left ??= (this.previous ?? this.entry).at(this.revision));
  }
}

export type CacheListener = (event: CacheEvent) => void;
