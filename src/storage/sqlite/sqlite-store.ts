import { realpathSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { ChangeWatch } from "../change-watch.ts";
import {
  CompactedError, ConflictError, FutureRevisionError, keyOfChange, OutcomeUnknownError, revisionOfChange, UnavailableError,
  type Abortable, type Change, type Entry, type Guarded, type Listing, type ListOptions, type Revision, type Store, type Watch,
} from "../store.ts";
import { bytesMaxDefault, Packer, unpackChange, unpackEntry, viewEntry, type DatabaseOptions, type Failure, type ReadRequest, type ReadResult, type Request, type Response, type WriteRequest, type WriteResult } from "./protocol.ts";
import { InUseError, RefusedError } from "./refused.ts";

export interface SqliteStoreOptions {
  /** The file; its log lies beside it as `<path>-wal`. Both are made when they do not exist, readable for their owner only. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How far reads of the past and watches can look back at least, in milliseconds; history is compacted as often. 0: history is kept. Default: 5 minutes, as upstream. */
  readonly historyMs?: number;
  /** How many changes a slow reader may fall behind before its watch ends. Default: 10,000. */
  readonly backlogMax?: number;
  /** How many changes are kept in memory for watches that begin in the recent past; older ones are read from the file. Default: 1,000. */
  readonly recentMax?: number;
  /** How large the file may grow, in bytes. Default: 8 GiB. */
  readonly bytesMax?: number;
}

/** Writes that may wait for the disk at one time; more are refused. */
const pendingWritesMax = 20_000;
/** How many changes one message of the database carries when a watch begins in the past. */
const changesPageMax = 1000;

const listPageMax = 1000;
/** Messages with writes under way at one time: enough to keep the disk busy while this side is. */
const messagesMax = 4;

interface PendingWrite extends WriteRequest {
  readonly bytes: Uint8Array | undefined;
  readonly resolve: (revision: Revision) => void;
  readonly reject: (error: Error) => void;
}
interface PendingRead {
  readonly resolve: (answer: { readonly result: ReadResult; readonly bytes: ArrayBuffer }) => void;
  readonly reject: (error: Error) => void;
}
type Call = ReadRequest extends infer Each ? (Each extends ReadRequest ? Omit<Each, "id"> : never) : never;

/**
 * The embedded durable store. The file belongs to a thread; this side never waits for the disk. A write is acknowledged after the transaction that
 * holds it is flushed, and every watch has its change in the same turn. Aborting a write that has been sent gives up waiting for it, not the write.
 * @throws {RefusedError} when the file is in use, damaged, or of another program or version; the message names the remedy.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const path = realPath(options.path);
  // The lock is the process's: a second store in it would not be kept out, and opening the file a second time would even give the lock away.
  if (openPaths.has(path)) throw new InUseError(options.path);
  openPaths.add(path);
  const workerData: DatabaseOptions = { path: options.path, bytesMax: options.bytesMax ?? bytesMaxDefault };
  // Published as JavaScript, run from the repository as TypeScript.
  const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
  const worker = new Worker(url, { workerData, name: "sqlite", execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 16 } });
  worker.once("exit", () => openPaths.delete(path));
  const { promise, resolve, reject } = Promise.withResolvers<SqliteStore>();
  worker.once("error", reject);
  worker.once("message", (response: Response) => {
    worker.off("error", reject);
    if (response.type === "ready") resolve(new SqliteStore(worker, options, response));
    else reject(new RefusedError(response.type === "refused" ? response.message : "the database spoke before it was ready"));
  });
  return promise;
}

/** What stores of this process have open. */
const openPaths = new Set<string>();

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return absolute(path); // It is yet to be made.
  }
}

export class SqliteStore implements Store {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backlogMax: number;
  readonly #recentMax: number;
  readonly #ending = new AbortController();
  readonly #exited: Promise<void>;
  readonly #watches = new Set<ChangeWatch>();
  /** Changes of revisions `#recentFloor + 1` to `#revision`, without gaps. */
  #recent: Change[] = [];
  #recentFloor: Revision;
  #revision: Revision;
  #compacted: Revision;

  /** Not yet sent. */
  #writes: PendingWrite[] = [];
  /** Whether one of them waits for nothing; the others go along. */
  #urgent = false;
  /** Ends the wait of those that are patient. */
  #patience: { readonly ms: number; readonly ended: AbortController } | undefined;
  #reads: ReadRequest[] = [];
  #sending = false;
  /** Messages with writes that are not yet answered. */
  #messages = 0;
  /** Sent and not yet answered, in the order in which they will be answered. */
  #sentWrites: PendingWrite[] = [];
  readonly #sentReads = new Map<number, PendingRead>();
  #nextId = 0;
  /** Set when the thread is gone. */
  #lost: Error | undefined;

  constructor(worker: Worker, options: SqliteStoreOptions, { revision, compacted }: { readonly revision: Revision; readonly compacted: Revision }) {
    const { clock, log, historyMs = 5 * 60_000, backlogMax = 10_000, recentMax = 1000 } = options;
    this.#worker = worker;
    this.#clock = clock;
    this.#log = log;
    this.#backlogMax = backlogMax;
    this.#recentMax = recentMax;
    this.#revision = this.#recentFloor = revision;
    this.#compacted = compacted;
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    worker.on("message", (response: Response) => this.#receive(response));
    worker.on("error", (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", () => {
      this.#fail(new Error("the store is closed"));
      exited.resolve();
    });
    this.#compactRegularly(clock, historyMs).catch((error: unknown) => {
      if (!this.#ending.signal.aborted) log.error("history is no longer compacted", { error });
    });
  }

  get revision(): Revision {
    return this.#revision;
  }

  async get(key: string, { revision, signal }: Abortable & { readonly revision?: Revision } = {}): Promise<Entry | undefined> {
    const { result, bytes } = await this.#call({ call: "get", key, revision }, signal);
    if (!("entry" in result)) throw new TypeError("wrong answer to get");
    return result.entry && unpackEntry(bytes, result.entry);
  }

  /** Read in pages, all at the revision of the first, so that a large list is never in one message. */
  async list(prefix: string, { revision, after = "", limit = Infinity, count = true, signal }: ListOptions = {}): Promise<Listing> {
    const entries: Entry[] = [];
    for (let [at, from] = [revision, after]; ; from = entries.at(-1)?.key ?? from) {
      const page = Math.min(limit - entries.length, listPageMax);
      const last = entries.length + page === limit;
      const { result, bytes } = await this.#call({ call: "list", prefix, after: from, limit: page, revision: at, count: count && last }, signal);
      if (!("entries" in result)) throw new TypeError("wrong answer to list");
      for (const entry of result.entries) entries.push(viewEntry(bytes, entry));
      at = result.revision;
      if (last || result.entries.length < page) return { entries, revision: result.revision, remaining: result.remaining };
    }
  }

  put(key: string, value: Uint8Array, options: Guarded): Promise<Revision> {
    return this.#write(key, value, options);
  }

  delete(key: string, options: Guarded): Promise<Revision> {
    return this.#write(key, undefined, options);
  }

  watch(prefix: string, { after, signal }: Abortable & { readonly after: Revision }): Watch {
    signal?.throwIfAborted();
    if (after < this.#compacted) throw new CompactedError(`history begins after revision ${this.#compacted}; ${after} was asked for`);
    if (after >= this.#recentFloor) return this.#live(prefix, after, signal);

    const ending = new AbortController();
    const ended = AbortSignal.any([ending.signal, this.#ending.signal, ...(signal ? [signal] : [])]);
    const changes = this.#replay(prefix, after, ended);
    return { [Symbol.asyncIterator]: () => changes, [Symbol.dispose]: () => ending.abort() };
  }

  async compact(revision: Revision): Promise<void> {
    const { result } = await this.#call({ call: "compact", revision });
    if (!("compacted" in result)) throw new TypeError("wrong answer to compact");
    this.#compacted = Math.max(this.#compacted, result.compacted);
    this.#trim(this.#compacted - this.#recentFloor);
  }

  /** Flushes what was begun, empties the log into the file and gives up the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort();
      for (const watch of this.#watches) watch.end();
      this.#urgent = true; // Nobody's patience is tried any longer.
      if (!this.#lost) await this.#call({ call: "close" });
    }
    await this.#exited;
  }

  #live(prefix: string, after: Revision, signal: AbortSignal | undefined): ChangeWatch {
    const initial = this.#recent.slice(Math.max(0, after - this.#recentFloor));
    const watch = new ChangeWatch({ prefix, after, backlogMax: this.#backlogMax, initial, signal, onEnd: (ended) => this.#watches.delete(ended) });
    if (this.#ending.signal.aborted || this.#lost) watch.end();
    else this.#watches.add(watch);
    return watch;
  }

  /** First from the file, page by page, then from memory. */
  async *#replay(prefix: string, after: Revision, signal: AbortSignal): AsyncGenerator<Change, undefined> {
    let at = after;
    while (at < this.#recentFloor && !signal.aborted) {
      const { result, bytes } = await this.#call({ call: "changes", prefix, after: at, limit: changesPageMax });
      if (!("changes" in result)) throw new TypeError("wrong answer to changes");
      for (const change of result.changes) {
        if (signal.aborted) return;
        yield unpackChange(bytes, change);
      }
      at = result.upTo;
    }
    if (signal.aborted) return;
    using live = this.#live(prefix, at, signal);
    yield* live;
  }

  #write(key: string, bytes: Uint8Array | undefined, { expected, signal, patienceMs = 0 }: Guarded): Promise<Revision> {
    const { promise, resolve, reject } = Promise.withResolvers<Revision>();
    if (signal?.aborted) reject(signal.reason as Error);
    else if (this.#lost || this.#ending.signal.aborted) reject(new UnavailableError("the store is closed", { cause: this.#lost }));
    else if (this.#writes.length + this.#sentWrites.length >= pendingWritesMax) reject(new UnavailableError(`${pendingWritesMax} writes are waiting for the disk already`));
    else {
      this.#writes.push({ key, expected, bytes, resolve, reject });
      if (patienceMs > 0) this.#sendWithin(patienceMs);
      else {
        this.#urgent = true;
        this.#sendSoon();
      }
    }
    return orAborted(promise, signal);
  }

  #call(call: Call, signal?: AbortSignal): Promise<{ readonly result: ReadResult; readonly bytes: ArrayBuffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly result: ReadResult; readonly bytes: ArrayBuffer }>();
    if (signal?.aborted) reject(signal.reason as Error);
    else if (this.#lost) reject(new UnavailableError("the store is closed", { cause: this.#lost }));
    else {
      const id = this.#nextId++;
      this.#sentReads.set(id, { resolve, reject });
      this.#reads.push({ ...call, id });
      this.#sendSoon();
    }
    return orAborted(promise, signal);
  }

  /**
   * What comes up in one turn goes in one message; when nothing is under way the turn is not waited for. While enough messages are under way, more
   * is gathered until one of them is answered: the disk has work, and larger groups cost less of it.
   */
  #sendSoon(): void {
    if (this.#sending || this.#messages >= messagesMax) return;
    this.#sending = true;
    if (this.#messages === 0) queueMicrotask(() => this.#send());
    else setImmediate(() => this.#send());
  }

  #sendWithin(ms: number): void {
    if (this.#urgent || (this.#patience && this.#patience.ms <= ms)) return;
    this.#patience?.ended.abort();
    const ended = new AbortController();
    this.#patience = { ms, ended };
    this.#clock.sleep(ms, { signal: ended.signal }).then(() => {
      this.#urgent = true;
      this.#sendSoon();
    }, () => {}); // They were sent before.
  }

  #send(): void {
    this.#sending = false;
    if (this.#lost) return;
    const [sent, waiting] = this.#urgent ? [this.#writes, []] : [[], this.#writes];
    if (this.#urgent) {
      this.#urgent = false;
      this.#patience?.ended.abort();
      this.#patience = undefined;
    }
    const packer = new Packer();
    const writes = sent.map(({ key, expected, bytes }): WriteRequest => ({ key, expected, ...(bytes && { value: packer.add(bytes) }) }));
    const request: Request = { writes, reads: this.#reads, bytes: packer.pack() };
    this.#worker.postMessage(request, [request.bytes]);
    if (sent.length > 0) this.#messages++;
    this.#sentWrites = this.#sentWrites.length === 0 ? sent : this.#sentWrites.concat(sent);
    this.#writes = waiting;
    this.#reads = [];
  }

  #receive(response: Response): void {
    if (response.type === "writes") {
      const answered = this.#sentWrites.splice(0, response.results.length);
      for (const [index, result] of response.results.entries()) {
        const write = answered[index];
        if (write) this.#settle(write, result);
      }
      this.#messages -= response.requests;
      if (this.#urgent || this.#reads.length > 0) this.#sendSoon();
    } else if (response.type === "read") {
      const pending = this.#sentReads.get(response.id);
      this.#sentReads.delete(response.id);
      if ("error" in response.result) pending?.reject(errorOf(response.result));
      else pending?.resolve({ result: response.result, bytes: response.bytes });
    }
  }

  #settle({ key, expected, bytes, resolve, reject }: PendingWrite, result: WriteResult): void {
    if ("unavailable" in result) return reject(new UnavailableError(result.unavailable));
    if ("unknown" in result) return reject(new OutcomeUnknownError(result.unknown));
    if ("actual" in result) return reject(new ConflictError(key, expected, result.actual));
    const { revision, created } = result;
    this.#publish(bytes ? { type: "put", entry: { key, value: bytes, revision }, created } : { type: "delete", key, revision });
    resolve(revision);
  }

  #publish(change: Change): void {
    this.#revision = revisionOfChange(change);
    this.#recent.push(change);
    if (this.#recent.length >= 2 * this.#recentMax) this.#trim(this.#recent.length - this.#recentMax);
    const key = keyOfChange(change);
    for (const watch of this.#watches) if (key.startsWith(watch.prefix)) watch.push(change);
  }

  #trim(count: number): void {
    if (count <= 0) return;
    this.#recent = this.#recent.slice(count);
    this.#recentFloor += count;
  }

  async #compactRegularly(clock: Clock, historyMs: number): Promise<void> {
    const { signal } = this.#ending;
    while (historyMs > 0) {
      const revision = this.#revision;
      await clock.sleep(historyMs, { signal });
      try {
        await this.compact(revision);
      } catch (error) {
        if (!(error instanceof UnavailableError) || this.#lost) throw error;
        this.#log.warn("history was not compacted; it is tried again", { error });
      }
    }
  }

  #fail(cause: Error): void {
    if (this.#lost) return;
    this.#lost = cause;
    if (!this.#ending.signal.aborted) this.#log.error("the thread of the store has ended", { error: cause });
    const error = new UnavailableError(`the store is closed: ${cause.message}`, { cause });
    for (const { reject } of [...this.#sentWrites.splice(0), ...this.#writes.splice(0), ...this.#sentReads.values()]) reject(error);
    this.#sentReads.clear();
    this.#reads = [];
    for (const watch of this.#watches) watch.end();
  }
}

function errorOf({ error, message }: Failure): Error {
  switch (error) {
    case "compacted": return new CompactedError(message);
    case "future": return new FutureRevisionError(message);
    case "unavailable": return new UnavailableError(message);
    case "other": return new Error(message);
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal || signal.aborted) return promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
