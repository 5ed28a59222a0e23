import type { Change, Watch } from "../store.ts";

/** A watch whose changes are decoded as they are read, in order: the next one is asked for when the one before has been given out. */
export class DecodingWatch implements Watch, AsyncIterator<Change, undefined> {
  readonly #inner: Watch;
  readonly #changes: AsyncIterator<Change, undefined>;
  readonly #decode: (result: IteratorResult<Change, undefined>) => IteratorResult<Change, undefined> | Promise<IteratorResult<Change, undefined>>;

  /** `decode` gives back the very change that it got where nothing is to be done. */
  constructor(inner: Watch, decode: (change: Change) => Change | Promise<Change>) {
    this.#inner = inner;
    this.#changes = inner[Symbol.asyncIterator]() as AsyncIterator<Change, undefined>;
    this.#decode = (result) => {
      if (result.done === true) return result;
      const decoded = decode(result.value);
      if (decoded === result.value) return result;
      return decoded instanceof Promise ? decoded.then((value) => ({ value, done: false })) : { value: decoded, done: false };
    };
  }

  next(): Promise<IteratorResult<Change, undefined>> {
    return this.#changes.next().then(this.#decode);
  }

  async return(): Promise<IteratorResult<Change, undefined>> {
    await this.#changes.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }
}
