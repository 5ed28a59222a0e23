import { CompactedError, OutcomeUnknownError, type Entry, type Revision } from "../store.ts";

/** How far back the history of a key is followed to find out what became of a write. */
const stepsBackMax = 50;

export interface SuccessorQuestion {
  readonly key: string;
  /** Not 0: of what did not exist nobody can say so, as it may have existed and gone in between. */
  readonly expected: Revision;
  /** What the key is at now. */
  readonly present: Entry | undefined;
  /** What the key was at a revision. @throws {CompactedError} */
  readonly at: (revision: Revision) => Promise<Entry | undefined>;
}

/**
 * What took the place of the state at `expected`: the write in doubt or another one.
 * @throws {OutcomeUnknownError} when the key was deleted since, or its history is forgotten: that does not tell who did it.
 */
export async function successorOf({ key, expected, present, at }: SuccessorQuestion): Promise<Entry> {
  let entry = present;
  for (let steps = 0; entry && steps < stepsBackMax; steps++) {
    if (entry.revision - 1 <= expected) return entry;
    try {
      const before: Entry | undefined = await at(entry.revision - 1);
      if (before && before.revision <= expected) return entry;
      entry = before;
    } catch (error) {
      if (error instanceof CompactedError) break;
      throw error;
    }
  }
  throw outcomeUnknown(key);
}

export const outcomeUnknown = (key: string): OutcomeUnknownError => new OutcomeUnknownError(`the answer to a write of ${key} was lost, and what became of it cannot be found out`);
