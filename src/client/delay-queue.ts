import type { Clock } from "../stdx/clock.ts";

/** Longer waits are cut into pieces of this length, because timers hold no more than 2^31 ms. */
const sleepMsMax = 86_400_000;

/** Calls back with each key when its time has come; a key asked for several times comes once, at the earliest of them. One timer serves all. */
export class DelayQueue {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #due: (key: string) => void;
  readonly #dueMs = new Map<string, number>();
  /** A binary heap by time; entries that `#dueMs` no longer agrees with are leftovers. */
  readonly #heap: { readonly key: string; readonly atMs: number }[] = [];
  #timer: { readonly atMs: number; readonly stop: AbortController } | undefined;

  constructor(options: { readonly clock: Clock; readonly signal: AbortSignal; readonly due: (key: string) => void }) {
    this.#clock = options.clock;
    this.#signal = options.signal;
    this.#due = options.due;
  }

  get size(): number {
    return this.#dueMs.size;
  }

  add(key: string, delayMs: number): void {
    const atMs = this.#clock.now() + delayMs;
    const known = this.#dueMs.get(key);
    if (known !== undefined && known <= atMs) return;
    this.#dueMs.set(key, atMs);
    this.#push({ key, atMs });
    this.#arm();
  }

  delete(key: string): void {
    this.#dueMs.delete(key);
  }

  #arm(): void {
    const first = this.#heap[0];
    if (!first || this.#signal.aborted) return;
    if (this.#timer && this.#timer.atMs <= first.atMs) return;
    this.#timer?.stop.abort();
    const stop = new AbortController();
    this.#timer = { atMs: first.atMs, stop };
    const delayMs = Math.min(Math.max(first.atMs - this.#clock.now(), 0), sleepMsMax);
    this.#clock.sleep(delayMs, { signal: AbortSignal.any([this.#signal, stop.signal]) }).then(() => this.#fire(), () => undefined); // Rejects when it is no longer wanted.
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (let first = this.#heap[0]; first && first.atMs <= nowMs; first = this.#heap[0]) {
      this.#pop();
      if (this.#dueMs.get(first.key) !== first.atMs) continue;
      this.#dueMs.delete(first.key);
      this.#due(first.key);
    }
    this.#arm();
  }

  #push(entry: { readonly key: string; readonly atMs: number }): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || above.atMs <= entry.atMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      const child = a && b && b.atMs < a.atMs ? left + 1 : left;
      const below = heap[child];
      if (!below || below.atMs >= last.atMs) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
