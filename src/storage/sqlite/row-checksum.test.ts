import assert from "node:assert/strict";
import { test } from "node:test";
import { headChecksum, rowChecksum, toggled, toggledLinearly } from "./row-checksum.ts";

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

test("sums of checksums: rows whose raw checksums cancel out do not", () => {
  // The checksums of four texts of one length whose bytes cancel out have an exclusive or of 0.
  const rows = [10, 11, 12, 13].map((revision) => rowChecksum(revision, "/k", 0, Buffer.from("{}")));
  assert.equal(rows.reduce(toggledLinearly, 0), 0);
  assert.notEqual(rows.reduce(toggled, 0), 0);
});
