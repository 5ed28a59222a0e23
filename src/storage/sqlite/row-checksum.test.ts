import assert from "node:assert/strict";
import { test } from "node:test";
import { headChecksum, toggled } from "./row-checksum.ts";

const sumOf = (heads: readonly (readonly [number, string])[]): number => heads.reduce((sum, [revision, key]) => toggled(sum, headChecksum(revision, key)), 0);

test("checksums of heads: sets that differ only in which key has which revision have different sums", () => {
  for (let revision = 100; revision < 900; revision += 7) {
    const [right, swapped] = [sumOf([[revision, "/registry/pods/a"], [revision + 1, "/registry/pods/b"]]), sumOf([[revision + 1, "/registry/pods/a"], [revision, "/registry/pods/b"]])];
    assert.notEqual(right, swapped, `revisions ${revision} and ${revision + 1}`);
  }
});

test("checksums of heads: a sum is the same in any order, and what is put in twice is gone", () => {
  assert.equal(sumOf([[1, "a"], [2, "b"], [3, "c"]]), sumOf([[3, "c"], [1, "a"], [2, "b"]]));
  assert.equal(sumOf([[1, "a"], [1, "a"]]), 0);
});
