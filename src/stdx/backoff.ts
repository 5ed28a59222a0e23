import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** How delays between attempts grow. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Each delay is this many times the one before; 2 unless told. */
  readonly factor?: number;
  /** Up to this share of the delay is added by chance, so that many who failed together do not return together; 0 unless told. */
  readonly jitter?: number;
}

/** The delay before attempt number `attempt` (0 is the first retry), in milliseconds. */
export function backoffDelayMs(attempt: number, { firstMs, maxMs, factor = 2, jitter = 0 }: BackoffOptions, random?: Random): number {
  const delayMs = Math.min(maxMs, firstMs * factor ** Math.max(0, attempt));
  return jitter > 0 && random ? delayMs * (1 + jitter * random.next()) : delayMs;
}

interface Entry { readonly delayMs: number; readonly lastMs: number }

export interface KeyedBackoffOptions extends BackoffOptions {
  readonly clock: Pick<Clock, "now">;
  readonly random?: Random;
  /** A key that had no failure for this long starts anew; twice `maxMs` unless told. */
  readonly resetAfterMs?: number;
  /** How many keys are remembered; the one that failed longest ago goes first. */
  readonly keysMax?: number;
}

/** One growing delay per key: a pod's image pulls, a container's restarts. */
export class KeyedBackoff<Key> {
  readonly #options: KeyedBackoffOptions;
  readonly #entries = new Map<Key, Entry>();

  constructor(options: KeyedBackoffOptions) {
    this.#options = options;
  }

  /** The delay after the latest failure, or 0. */
  delayMs(key: Key): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Records a failure now and returns the delay that follows it. */
  fail(key: Key): number {
    const { clock, firstMs, maxMs, factor = 2, jitter = 0, random, keysMax = 10_000 } = this.#options;
    const nowMs = clock.now();
    const before = this.#entries.get(key);
    const base = before === undefined || this.#expired(before, nowMs) ? firstMs : Math.min(maxMs, before.delayMs * factor);
    const delayMs = Math.min(maxMs, jitter > 0 && random ? base * (1 + jitter * random.next()) : base);
    this.#entries.delete(key);
    this.#entries.set(key, { delayMs, lastMs: nowMs });
    if (this.#entries.size > keysMax) for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
    return delayMs;
  }

  /** Milliseconds until the key may be tried again, counted from its latest failure; 0 when it may be now. */
  remainingMs(key: Key): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, this.#options.clock.now())) return 0;
    return Math.max(0, entry.lastMs + entry.delayMs - this.#options.clock.now());
  }

  reset(key: Key): void {
    this.#entries.delete(key);
  }

  /** Forgets what has been quiet for long enough. */
  collect(): void {
    const nowMs = this.#options.clock.now();
    for (const [key, entry] of this.#entries) if (this.#expired(entry, nowMs)) this.#entries.delete(key);
  }

  #expired(entry: Entry, nowMs: number): boolean {
    return nowMs - entry.lastMs > (this.#options.resetAfterMs ?? 2 * this.#options.maxMs);
  }
}
