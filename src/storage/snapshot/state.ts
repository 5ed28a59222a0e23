import type { Entry, Revision } from "../store.ts";
import { BrokenFramesError, type Frame } from "./frames.ts";

/** Which version of each key counts in a row of frames, learnt by reading it once: keys alone, so that a state of gigabytes fits. */
export class StateIndex {
  readonly #last = new Map<string, { readonly revision: Revision; /** Which frame it was. */ readonly place: number }>();
  #places = 0;
  /** Undefined until the end has been read. */
  #revision: Revision | undefined;

  /** @throws {BrokenFramesError} when the sender has given up. */
  add(frames: readonly Frame[]): void {
    for (const frame of frames) {
      switch (frame.is) {
        case "entry": this.#last.set(frame.entry.key, { revision: frame.entry.revision, place: this.#places }); break;
        case "gone": this.#last.delete(frame.key); break;
        case "end": this.#revision = frame.revision; break;
        case "failed": throw new BrokenFramesError(frame.message);
      }
      this.#places++;
    }
  }

  get count(): number {
    return this.#last.size;
  }

  /** The state's own. @throws {BrokenFramesError} before the end. */
  get revision(): Revision {
    if (this.#revision === undefined) throw new BrokenFramesError("it ends in the middle");
    return this.#revision;
  }

  /** Entries of the state out of the same row of frames, read a second time: each once. */
  async *entriesOf(row: AsyncIterable<readonly Frame[]>): AsyncGenerator<readonly Entry[], void> {
    let place = 0;
    for await (const frames of row) {
      const entries: Entry[] = [];
      for (const frame of frames) {
        if (frame.is === "entry" && this.#last.get(frame.entry.key)?.place === place) entries.push(frame.entry);
        place++;
      }
      if (entries.length > 0) yield entries;
    }
  }

  /** Keys in the order in which they were last changed. */
  inOrder(): readonly { readonly key: string; readonly revision: Revision }[] {
    return [...this.#last].map(([key, { revision }]) => ({ key, revision })).sort((a, b) => a.revision - b.revision || (a.key < b.key ? -1 : 1));
  }
}

/**
 * New revisions for every key, behind `after` and in the order of the old ones. Whoever knew an object before then sees that it has changed; one that
 * kept its old revision would be older than what its readers have seen, and they would rightly not take it.
 */
export function renumbered(index: StateIndex, after: Revision): { readonly revisions: ReadonlyMap<string, Revision>; readonly last: Revision } {
  const revisions = new Map(index.inOrder().map(({ key }, place) => [key, after + 1 + place]));
  return { revisions, last: after + Math.max(1, revisions.size) };
}
