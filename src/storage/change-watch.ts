import { keyOfChange, revisionOfChange, type Change, type Revision, type Watch } from "./store.ts";

export interface ChangeWatchOptions {
  readonly prefix: string;
  /** Changes up to this revision are not delivered; it may lie in the future. */
  readonly after: Revision;
  /** How many changes the reader may fall behind before its watch ends. Changes that lay before it when it started do not count. */
  readonly backlogMax: number;
  /** What happened before the watch began, in order, of any prefix. */
  readonly initial: Iterable<Change>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((revision: Revision) => void) | undefined;
  readonly onEnd: (watch: ChangeWatch) => void;
}

/**
 * The queue between a store and one reader of its changes. It hands out promises without generators in between, so that a reader continues
 * before the writer whose change it got: both wake in the turn of the event loop in which the store says so.
 */
export class ChangeWatch implements Watch, AsyncIterator<Change, undefined> {
  readonly prefix: string;
  readonly #after: Revision;
  readonly #backlogMax: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: (watch: ChangeWatch) => void;
  readonly #onProgress: ((revision: Revision) => void) | undefined;
  /** Changes, and between them revisions up to which everything has been queued before. */
  #queue: (Change | Revision)[] = [];
  #head = 0;
  /** How many of the queued changes are history. */
  #initialLeft: number;
  readonly #waiting: { readonly resolve: (result: IteratorResult<Change, undefined>) => void; readonly reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;
  #ended = false;
  readonly #abort = (): void => {
    this.#queue = [];
    this.#head = 0;
    this.#failure = undefined;
    this.end();
  };

  constructor({ prefix, after, backlogMax, initial, signal, onProgress, onEnd }: ChangeWatchOptions) {
    this.prefix = prefix;
    this.#after = after;
    this.#backlogMax = backlogMax;
    this.#signal = signal;
    this.#onProgress = onProgress;
    this.#onEnd = onEnd;
    for (const change of initial) if (revisionOfChange(change) > after && keyOfChange(change).startsWith(prefix)) this.#queue.push(change);
    this.#initialLeft = this.#queue.length;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Called by the store with every change that lies under the prefix. */
  push(change: Change): void {
    if (this.#ended || revisionOfChange(change) <= this.#after) return;
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ value: change, done: false });
    if (this.#queue.length - this.#head - this.#initialLeft >= this.#backlogMax) return this.end();
    this.#queue.push(change);
  }

  /** Everything up to `revision` has been pushed. The reader is told when it has read that far. */
  progress(revision: Revision): void {
    if (this.#ended || !this.#onProgress) return;
    if (this.#waiting.length > 0) return this.#onProgress(revision);
    if (typeof this.#queue.at(-1) === "number") this.#queue.pop();
    this.#queue.push(revision);
  }

  /** Ends the watch; the reader gets the error after what is queued. */
  fail(error: Error): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(error);
    else this.#failure = error;
    this.end();
  }

  /** No further change comes in; what is queued is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve({ value: undefined, done: true });
    this.#onEnd(this);
  }

  next(): Promise<IteratorResult<Change, undefined>> {
    for (let change = this.#queue[this.#head]; change !== undefined; change = this.#queue[this.#head]) {
      if (++this.#head === this.#queue.length || this.#head > 1024) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (typeof change === "number") this.#onProgress?.(change);
      else {
        this.#initialLeft = Math.max(0, this.#initialLeft - 1);
        return Promise.resolve({ value: change, done: false });
      }
    }
    if (this.#failure) {
      const error = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Change, undefined>> {
    this.#abort();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.#abort();
  }
}
