import assert from "node:assert/strict";
import { test } from "node:test";
import { CompactedError, OutcomeUnknownError, type Entry, type Revision } from "../store.ts";
import { successorOf } from "./successor.ts";

const entry = (revision: Revision): Entry => ({ key: "/k", value: new Uint8Array(), revision });

/** Revisions at which the key was written; a negative one is a deletion. */
const question = (expected: Revision, history: readonly number[], compacted = 0) => {
  const at = async (revision: Revision): Promise<Entry | undefined> => {
    if (revision < compacted) throw new CompactedError("forgotten");
    const last = history.findLast((each) => Math.abs(each) <= revision) ?? -1;
    return last > 0 ? entry(last) : undefined;
  };
  const last = history.at(-1) ?? -1;
  return { key: "/k", expected, present: last > 0 ? entry(last) : undefined, at };
};

test("what took the place of a state is found in the key's history", async () => {
  const cases = [
    [5, [5, 8], 8], [5, [5, 6], 6], [5, [5, 8, 9, 12], 8], [5, [2, 5, 8, 9, 12], 8],
  ] as const;
  for (const [expected, history, revision] of cases) assert.deepEqual(await successorOf(question(expected, history)), entry(revision), `${expected}: ${history.join(" ")}`);
});

test("a deletion in between, and forgotten history, leave it open", async () => {
  for (const asked of [question(5, [5, -8]), question(5, [5, 8, -9, 12]), question(5, [5, 8, 9, 12], 11)]) {
    await assert.rejects(successorOf(asked), OutcomeUnknownError);
  }
});
