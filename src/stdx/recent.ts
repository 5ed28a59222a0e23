export interface RecentOptions<T> {
  readonly countMax: number;
  /** All weights together, in whatever unit `add` is told. */
  readonly weightMax: number;
  /** Called with what has to go. */
  readonly drop: (item: T) => void;
}

/** So many places are left empty at the front at most. */
const compactAfter = 4_096;

/**
 * Bounds what is kept because it may be asked for again soon: what came first goes first. Being asked for again does not count, which makes keeping cost next to nothing;
 * what is needed all the time is made again once per round.
 */
export class Recent<T> {
  readonly #options: RecentOptions<T>;
  #items: T[] = [];
  #weights: number[] = [];
  #head = 0;
  #weight = 0;

  constructor(options: RecentOptions<T>) {
    this.#options = options;
  }

  get count(): number {
    return this.#items.length - this.#head;
  }

  /** An item may be added more than once; it is dropped as often. One that is too heavy alone is dropped at once. */
  add(item: T, weight: number): void {
    this.#items.push(item);
    this.#weights.push(weight);
    this.#weight += weight;
    const { countMax, weightMax, drop } = this.#options;
    while (this.count > countMax || (this.#weight > weightMax && this.count > 0)) drop(this.#take());
  }

  #take(): T {
    const item = this.#items[this.#head] as T;
    this.#weight -= this.#weights[this.#head] ?? 0;
    this.#items[this.#head] = undefined as T; // It lives as long as others hold it.
    this.#head++;
    if (this.#head === this.#items.length || this.#head >= compactAfter) {
      this.#items = this.#items.slice(this.#head);
      this.#weights = this.#weights.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
