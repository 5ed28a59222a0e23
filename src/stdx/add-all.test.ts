import assert from "node:assert/strict";
import { test } from "node:test";
import { addAll } from "./add-all.ts";

test("everything is put behind what was there", () => {
  const list = ["a"];
  addAll(list, []);
  addAll(list, ["b", "c"]);
  addAll(list, new Set(["d"]));
  assert.deepEqual(list, ["a", "b", "c", "d"]);
});

test("more than a call could have arguments", () => {
  const many = Array.from({ length: 1_000_000 }, (_, at) => at);
  const list: number[] = [];
  addAll(list, many);
  assert.equal(list.length, many.length);
  assert.equal(list.at(-1), 999_999);
});
