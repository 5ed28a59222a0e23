interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

export const crashDelayMs = 10_000;
export const crashDelayMsMax = 300_000;

/**
 * How long a container that ended waits for its restart: the first time not at all, then 10 s, doubling up to 5 minutes, counted from its end.
 * One that ran for twice the longest delay starts over.
 */
export class CrashBackoff {
  readonly #entries = new Map<string, Entry>();

  /** Milliseconds still to wait after an end at `endedMs`. */
  remainingMs(key: string, endedMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, endedMs)) return 0;
    return Math.max(endedMs + entry.delayMs - nowMs, 0);
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** It is being started again after an end at `endedMs`. */
  restarted(key: string, endedMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const delayMs = !entry || this.#expired(entry, endedMs) ? crashDelayMs : Math.min(entry.delayMs * 2, crashDelayMsMax);
    this.#entries.set(key, { delayMs, updatedMs: nowMs });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, endedMs: number): boolean {
    return endedMs - entry.updatedMs > 2 * crashDelayMsMax;
  }
}
