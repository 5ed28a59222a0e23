import type { Clock } from "../../stdx/clock.ts";

export interface DeadlinesOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Ends the watching over deadlines. */
  readonly signal: AbortSignal;
  expired(): Error;
}

interface Waiting {
  readonly startedMs: number;
  reject(error: Error): void;
}

/** How often it is looked for what is late: deadlines are kept to within this. */
const everyMs = 1000;

/** One timer for all requests, because one for each would cost more than most requests do. */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  /** In the order in which they began. */
  readonly #waiting = new Set<Waiting>();
  #watching = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** The result of work that has begun, or an error when it takes too long. Work with a shorter time of its own, in milliseconds, has a timer of its own. */
  within<T>(work: Promise<T>, ownMs?: number): Promise<T> {
    return ownMs !== undefined && ownMs > 0 && ownMs < this.#options.timeoutMs ? this.#withOwnTimer(work, ownMs) : this.#withSharedTimer(work);
  }

  #withSharedTimer<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { startedMs: this.#options.clock.now(), reject };
      this.#waiting.add(waiting);
      if (!this.#watching) void this.#watch();
      work.then((result) => {
        this.#waiting.delete(waiting);
        resolve(result);
      }, (error: unknown) => {
        this.#waiting.delete(waiting);
        reject(error as Error);
      });
    });
  }

  async #withOwnTimer<T>(work: Promise<T>, ownMs: number): Promise<T> {
    const { clock, expired } = this.#options;
    const done = new AbortController();
    const late = clock.sleep(ownMs, { signal: done.signal }).then(() => Promise.reject(expired()));
    // The work may be first, or the server may stop.
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    const { clock, timeoutMs, signal } = this.#options;
    try {
      while (this.#waiting.size > 0) {
        await clock.sleep(everyMs, { signal });
        for (const waiting of this.#waiting) {
          if (clock.now() - waiting.startedMs < timeoutMs) break;
          this.#waiting.delete(waiting);
          waiting.reject(this.#options.expired());
        }
      }
    } catch {
      // The server stops: what is still under way ends with its connection.
    } finally {
      this.#watching = false;
    }
  }
}
