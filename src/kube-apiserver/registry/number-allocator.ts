import type { Random } from "../../stdx/random.ts";

export interface NumberAllocatorOptions {
  /** The numbers are 0 to size - 1. */
  readonly size: number;
  /** The first so many are left to those who ask for a certain number, as long as there are others. */
  readonly reservedForRequests: number;
  readonly random: Random;
}

/** How often a free number is looked for by chance before all are tried in order. */
const chanceTriesMax = 16;

/** Numbers of which each has one owner at a time. What is taken is counted, because a number may be held by an old and a new state at once. */
export class NumberAllocator {
  readonly #options: NumberAllocatorOptions;
  readonly #held = new Map<number, number>();
  /** Numbers that are taken, though nobody holds them here. */
  elsewhere: ReadonlySet<number> = new Set();

  constructor(options: NumberAllocatorOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.size;
  }

  isFree(number: number): boolean {
    return !this.#held.has(number) && !this.elsewhere.has(number);
  }

  hold(number: number): void {
    this.#held.set(number, (this.#held.get(number) ?? 0) + 1);
  }

  release(number: number): void {
    const holders = (this.#held.get(number) ?? 0) - 1;
    if (holders > 0) this.#held.set(number, holders);
    else this.#held.delete(number);
  }

  /** A free number, which is not held yet; undefined when there is none. */
  findFree(): number | undefined {
    const { size, reservedForRequests, random } = this.#options;
    const band = size - reservedForRequests;
    for (let tries = 0; tries < chanceTriesMax && band > 0; tries++) {
      const number = reservedForRequests + random.below(band);
      if (this.isFree(number)) return number;
    }
    for (let offset = 0; offset < size; offset++) {
      const number = (reservedForRequests + offset) % size;
      if (this.isFree(number)) return number;
    }
    return undefined;
  }
}
