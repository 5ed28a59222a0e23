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
  #queue: Change[] = [];
  #head = 0;
  /** How many of the queued changes are history. */
  #initialLeft: number;
  readonly #waiting: ((result: IteratorResult<Change, undefined>) => void)[] = [];
  #ended = false;
  readonly #abort = (): void => {
    this.#queue = [];
    this.#head = 0;
    this.end();
  };

  constructor({ prefix, after, backlogMax, initial, signal, onEnd }: ChangeWatchOptions) {
    this.prefix = prefix;
    this.#after = after;
    this.#backlogMax = backlogMax;
    this.#signal = signal;
    this.#onEnd = onEnd;
    for (const change of initial) if (revisionOfChange(change) > after && keyOfChange(change).startsWith(prefix)) this.#queue.push(change);
    this.#initialLeft = this.#queue.length;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Called by the store with every change that lies under the prefix. */
  push(change: Change): void {
    if (this.#ended || revisionOfChange(change) <= this.#after) return;
    const waiting = this.#waiting.shift();
    if (waiting) return waiting({ value: change, done: false });
    if (this.#queue.length - this.#head - this.#initialLeft >= this.#backlogMax) return this.end();
    this.#queue.push(change);
  }

  /** No further change comes in; what is queued is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
    this.#onEnd(this);
  }

  next(): Promise<IteratorResult<Change, undefined>> {
    const change = this.#queue[this.#head];
    if (change) {
      this.#initialLeft = Math.max(0, this.#initialLeft - 1);
      if (++this.#head === this.#queue.length || this.#head > 1024) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      return Promise.resolve({ value: change, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
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
