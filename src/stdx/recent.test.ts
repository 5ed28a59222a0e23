import assert from "node:assert/strict";
import { test } from "node:test";
import { Recent } from "./recent.ts";

interface Case { readonly name: string; readonly countMax: number; readonly weightMax: number; readonly added: readonly number[]; readonly dropped: readonly number[] }
const cases: readonly Case[] = [
  { name: "few are kept", countMax: 3, weightMax: 100, added: [1, 2, 3], dropped: [] },
  { name: "of too many, those that came first go", countMax: 2, weightMax: 100, added: [1, 2, 3, 4], dropped: [1, 2] },
  { name: "as many go as make room for one that is heavy", countMax: 10, weightMax: 10, added: [3, 4, 3, 7], dropped: [3, 4] },
  { name: "what alone is too heavy is not kept, and leaves nothing", countMax: 10, weightMax: 10, added: [3, 11, 4], dropped: [3, 11] },
];

for (const { name, countMax, weightMax, added, dropped } of cases) {
  test(name, () => {
    const gone: number[] = [];
    const recent = new Recent<number>({ countMax, weightMax, drop: (item) => gone.push(item) });
    for (const weight of added) recent.add(weight, weight);
    assert.deepEqual(gone, dropped);
    assert.equal(recent.count, added.length - dropped.length);
  });
}

test("in the long run as many go as come, each once", () => {
  const gone: number[] = [];
  const recent = new Recent<number>({ countMax: 100, weightMax: 1_000, drop: (item) => gone.push(item) });
  for (let item = 0; item < 20_000; item++) recent.add(item, 1);
  assert.deepEqual(gone, Array.from({ length: 19_900 }, (_, item) => item));
});
