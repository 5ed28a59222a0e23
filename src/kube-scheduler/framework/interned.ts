/**
 * Gives the same object for the same text, so that what is known about one pod of a ReplicaSet is known about all of them. It is only a cache:
 * when it is full it starts over, and equal things may then be two objects.
 */
export class Interned<T> {
  readonly #known = new Map<string, T>();
  readonly #max: number;

  constructor(options: { readonly max: number }) {
    this.#max = options.max;
  }

  get(text: string, make: () => T): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#max) this.#known.clear();
    const made = make();
    this.#known.set(text, made);
    return made;
  }
}

/** Remembers the answers of a test for as long as one pod is being scheduled. */
export function remembering<T extends object>(test: (of: T) => boolean): (of: T) => boolean {
  const answers = new Map<T, boolean>();
  return (of) => {
    let answer = answers.get(of);
    if (answer === undefined) {
      answer = test(of);
      answers.set(of, answer);
    }
    return answer;
  };
}
