export interface BackoffOptions {
  readonly delayMs: number;
  readonly delayMsMax: number;
  /** In [0, 1); tests give a fixed one. */
  readonly random: () => number;
}

/** Delays that double up to a bound, each lengthened by up to its own size, so that many clients do not come back at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  nextMs(): number {
    const { delayMs, delayMsMax, random } = this.#options;
    const base = Math.min(delayMs * 2 ** Math.min(this.#failures++, 30), delayMsMax);
    return Math.min(base * (1 + random()), delayMsMax);
  }

  reset(): void {
    this.#failures = 0;
  }
}
