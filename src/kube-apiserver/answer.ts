import type { Column } from "../api/resource.ts";
import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { Revision } from "../storage/store.ts";
import type { CacheEntry } from "./cache/cache-entry.ts";
import type { Media } from "./output/negotiation.ts";
import type { ListIdentity } from "./output/list-bodies.ts";
import type { Shown } from "./served.ts";

/** Hears a watch. */
export interface WatchSink {
  /** False when the reader is too slow: the watch then ends. */
  event(type: "ADDED" | "MODIFIED" | "DELETED", entry: CacheEntry): boolean;
  bookmark(revision: Revision, initialEventsEnd: boolean): boolean;
  error(status: unknown): void;
  end(): void;
  /** When the reader has taken what it was given; undefined while it keeps up. Asked while there is much to send. */
  drained?(): Promise<void> | undefined;
  /** What comes now goes out together with what comes next, until it is released. */
  hold?(): void;
  release?(): void;
}

/** Takes what comes bit by bit. */
export interface StreamSink {
  /** False when the reader is too slow or gone. */
  write(bytes: Uint8Array): boolean;
  end(): void;
  /** As those of a watch's sink. */
  drained?(): Promise<void> | undefined;
  hold?(): void;
  release?(): void;
}

/** Answers that are one piece. */
export type WholeAnswer = Exclude<Answer, { is: "watch" | "stream" }>;

/** How an object that belongs to no resource of its own is shown as a table. */
export interface ObjectTable {
  /** Names the kind to whoever describes the columns. */
  readonly type: Pick<ResourceType, "group" | "plural">;
  readonly columns: readonly Column<KubeObject>[];
}

/** The form of a document whose encoding was negotiated by rules of its own, as that of discovery is. */
export interface DocumentForm {
  readonly media: Media;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a handler found: not yet in any encoding, so that callers inside of the process get it as it is. */
export type Answer =
  | { readonly is: "entry"; readonly code: number; readonly entry: CacheEntry; readonly served: Shown }
  /** A Status, a review, a Scale: made for this answer alone. */
  | { readonly is: "object"; readonly code: number; readonly object: unknown; readonly table?: ObjectTable; readonly document?: DocumentForm }
  | { readonly is: "list"; readonly served: Shown; readonly entries: readonly CacheEntry[]; readonly revision: Revision; readonly continue?: string; readonly remaining?: number; readonly identity?: ListIdentity }
  | { readonly is: "watch"; readonly served: Shown; start(sink: WatchSink): Disposable }
  /** Text that comes bit by bit. */
  | { readonly is: "stream"; readonly contentType: string; start(sink: StreamSink): Disposable }
  | { readonly is: "bytes"; readonly code: number; readonly contentType: string; readonly body: Uint8Array | string; readonly headers?: Readonly<Record<string, string>> };
