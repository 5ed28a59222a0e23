/**
 * Shares the thread between work that comes in large amounts and everything else. Who has much to do does it in slices and waits for a turn before each;
 * one slice is done per turn of the event loop, over all who wait, so that whatever came in meanwhile is never behind more than one of them.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #scheduled = false;

  /** Resolves when it is the caller's turn: first come, first served. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // What is asked for within this callback comes after the loop has looked for input again.
    setImmediate(() => {
      this.#scheduled = false;
      const resolve = this.#waiting.shift();
      if (this.#waiting.length > 0) this.#schedule();
      resolve?.();
    });
  }
}
