import { backoffDelayMs } from "../stdx/backoff.ts";
import type { Random } from "../stdx/random.ts";
import { isConnectionError } from "./connection-error.ts";

/** How one attempt to follow a resource went. */
export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** The server sent something of what was asked for. */
  readonly hasHeard: boolean;
  /** Absent where the server ended it as it should. */
  readonly error?: unknown;
}

const growing = { firstMs: 100, maxMs: 30_000, jitter: 1 };
/** A server that starts again is back in a second; to be refused by a machine on which none listens costs neither side anything. */
const absentDelayMsMax = 750;
/** One that is away for longer than that is asked ever more seldom: its nodes should not all stand before it when it comes back. client-go resets its backoff after as long. */
const absenceMsMax = 120_000;
/** An attempt that lasted as long as the longest delay was none that was refused. */
const longMs = growing.maxMs;

/**
 * How long to wait before a resource is followed again. Delays grow and have jitter, as client-go's do (tools/cache/reflector.go: 800 ms to 30 s, doubled
 * by chance), but they begin smaller, and a server that cannot be reached at all is not waited for longer and longer within the first two minutes.
 */
export class WatchBackoff {
  readonly #random: Random;
  #failures = 0;
  #lastDelayMs = 0;
  /** Since when the server cannot be reached. */
  #absentSinceMs: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** In milliseconds, after this attempt. */
  delayMs({ startedMs, endedMs, hasHeard, error }: Attempt): number {
    const lastedMs = endedMs - startedMs;
    // One that works and ends at once, again and again, is still asked ever more seldom.
    if (lastedMs >= longMs || (hasHeard && lastedMs > this.#lastDelayMs)) this.#failures = 0;
    if (hasHeard || !isConnectionError(error)) this.#absentSinceMs = undefined;
    if (isConnectionError(error)) this.#absentSinceMs ??= endedMs;
    const isBriefAbsence = this.#absentSinceMs !== undefined && endedMs - this.#absentSinceMs < absenceMsMax;
    const delayMs = backoffDelayMs(this.#failures++, isBriefAbsence ? { ...growing, maxMs: absentDelayMsMax } : growing, this.#random);
    this.#lastDelayMs = delayMs;
    return delayMs;
  }
}
