interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

/** Delays that double from one failure to the next, one series per key. A series that was quiet for twice the longest delay starts over. */
export class KeyedBackoff {
  readonly #delayMs: number;
  readonly #delayMsMax: number;
  readonly #entries = new Map<string, Entry>();

  constructor(options: { readonly delayMs: number; readonly delayMsMax: number }) {
    this.#delayMs = options.delayMs;
    this.#delayMsMax = options.delayMsMax;
  }

  /** Milliseconds that are left of the wait after the last failure; 0 when there is none. */
  remainingMs(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    return entry ? Math.max(entry.updatedMs + entry.delayMs - nowMs, 0) : 0;
  }

  delayOf(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  failed(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    const quiet = entry && nowMs - entry.updatedMs > 2 * this.#delayMsMax;
    this.#entries.set(key, { delayMs: entry && !quiet ? Math.min(entry.delayMs * 2, this.#delayMsMax) : this.#delayMs, updatedMs: nowMs });
  }

  reset(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets all keys that begin so. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
