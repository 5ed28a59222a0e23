import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "./random.ts";
import { SortedMap } from "./sorted-map.ts";

test("agrees with a plain sorted list", () => {
  const random = seededRandom(7);
  const map = new SortedMap<number>();
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = `k${random.below(5_000)}`;
    if (random.below(4) === 0) assert.equal(map.delete(key), model.delete(key));
    else {
      map.set(key, step);
      model.set(key, step);
    }
  }
  const sorted = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual([...map], sorted);
  assert.equal(map.size, sorted.length);
  const inside = sorted.filter(([key]) => key >= "k12" && key < "k30");
  assert.deepEqual([...map.range("k12", "k30")], inside);
  assert.deepEqual(map.slice("k12", "k30"), inside.map(([, value]) => value));
  assert.deepEqual(map.slice("k12", "k30", 3), inside.slice(0, 3).map(([, value]) => value));
  assert.deepEqual([map.count("k12", "k30"), map.count("k12"), map.count(), map.count("k3", "k1"), map.count("l")], [inside.length, sorted.filter(([key]) => key >= "k12").length, sorted.length, 0, 0]);
  assert.deepEqual([...map.prefix("k49")], sorted.filter(([key]) => key.startsWith("k49")));
  assert.deepEqual([map.firstKey(), map.lastKey()], [sorted[0]?.[0], sorted.at(-1)?.[0]]);
});

test("an empty map", () => {
  const map = new SortedMap<number>();
  assert.deepEqual([[...map], map.slice(), map.get("a"), map.delete("a"), map.firstKey()], [[], [], undefined, false, undefined]);
});
