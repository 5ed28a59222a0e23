import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffDelayMs, KeyedBackoff } from "./backoff.ts";
import { cryptoRandom, randomUuid, seededRandom } from "./random.ts";

test("delays grow up to a bound", () => {
  const options = { firstMs: 10, maxMs: 100 };
  assert.deepEqual([0, 1, 2, 3, 4, 50].map((attempt) => backoffDelayMs(attempt, options)), [10, 20, 40, 80, 100, 100]);
  const jittered = backoffDelayMs(1, { ...options, jitter: 0.5 }, seededRandom(1));
  assert.ok(jittered >= 20 && jittered <= 30);
});

test("each key has a delay of its own, which is forgotten after quiet", () => {
  let nowMs = 0;
  const backoff = new KeyedBackoff<string>({ firstMs: 10, maxMs: 40, clock: { now: () => nowMs }, keysMax: 2 });
  assert.deepEqual([backoff.fail("a"), backoff.fail("a"), backoff.fail("a"), backoff.fail("a"), backoff.fail("b")], [10, 20, 40, 40, 10]);
  assert.equal(backoff.remainingMs("a"), 40);
  nowMs = 30;
  assert.deepEqual([backoff.remainingMs("a"), backoff.remainingMs("b")], [10, 0]);
  nowMs = 200;
  assert.equal(backoff.fail("a"), 10);
  backoff.fail("c");
  assert.equal(backoff.delayMs("b"), 0);
  backoff.reset("a");
  assert.equal(backoff.remainingMs("a"), 0);
});

test("a seed gives one sequence, neighbours give others", () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 5 }, () => random.below(1000));
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  for (const random of [seededRandom(3), cryptoRandom]) {
    const counts = Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) counts[random.below(10)] = (counts[random.below(10)] ?? 0) + 1;
    assert.ok(counts.every((count) => count > 800 && count < 1200), counts.join());
    assert.match(randomUuid(random), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(random.bytes(7).length, 7);
  }
});
