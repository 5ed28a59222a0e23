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
    [5, [5, 8], { revision: 8, certain: true }],
    [5, [5, 6], { revision: 6, certain: true }],
    [5, [5, 8, 9, 12], { revision: 8, certain: true }],
    [0, [8], { revision: 8, certain: false }],
    [0, [8, 9], { revision: 8, certain: false }],
    // Another one's, after ours was deleted: nothing says that there was none before.
    [0, [7, -8, 9], { revision: 9, certain: false }],
  ] as const;
  for (const [expected, history, { revision, certain }] of cases) {
    assert.deepEqual(await successorOf(question(expected, history)), { entry: entry(revision), certain }, `${expected}: ${history.join(" ")}`);
  }
});

test("a deletion in between, and forgotten history, leave it open", async () => {
  for (const asked of [question(5, [5, -8]), question(5, [5, 8, -9, 12]), question(0, [7, -8]), question(5, [5, 8, 9, 12], 11)]) {
    await assert.rejects(successorOf(asked), OutcomeUnknownError);
  }
});
