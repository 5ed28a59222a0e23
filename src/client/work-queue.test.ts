import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, settle } from "./testing/manual-clock.ts";
import { WorkQueue } from "./work-queue.ts";

function workers(count: number, queue: WorkQueue, work: (key: string) => Promise<void>) {
  for (let worker = 0; worker < count; worker++) void (async () => {
    for await (const key of queue.keys()) await work(key);
  })();
}

test("one key is never with two workers, and what came meanwhile is done afterwards, once", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const queue = new WorkQueue({ clock, signal: stop.signal });
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  workers(3, queue, async (key) => {
    seen.push(key);
    if (seen.length === 1) await gate.promise;
  });
  queue.add("a");
  await settle();
  queue.add("a");
  queue.add("a");
  queue.add("b");
  await settle();
  assert.deepEqual(seen, ["a", "b"]);
  gate.resolve();
  await settle();
  assert.deepEqual(seen, ["a", "b", "a"]);
  assert.equal(queue.metrics.adds, 3);
  stop.abort();
});

test("delays: the shortest of several counts; failures wait ever longer", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const queue = new WorkQueue({ clock, signal: stop.signal });
  const seen: string[] = [];
  const startMs = clock.now();
  workers(1, queue, async (key) => void seen.push(`${key}@${clock.now() - startMs}`));
  queue.addAfter("slow", 500);
  queue.addAfter("slow", 100);
  queue.addAfter("later", 200);
  queue.failed("x");
  queue.failed("x"); // Still waiting for the first time: the shorter delay stays.
  await clock.advance(1000);
  assert.deepEqual(seen, ["x@5", "slow@100", "later@200"]);
  queue.failed("x");
  await clock.advance(1000);
  assert.equal(seen.at(-1), "x@1020");
  stop.abort();
});

test("many failing keys share a bucket", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const queue = new WorkQueue({ clock, signal: stop.signal });
  let seen = 0;
  workers(1, queue, async () => void seen++);
  for (let key = 0; key < 130; key++) queue.failed(String(key));
  await clock.advance(10);
  assert.equal(seen, 100);
  await clock.advance(1000);
  assert.equal(seen, 110);
  stop.abort();
});

test("a long line of keys lets others have their turn", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const queue = new WorkQueue({ clock, signal: stop.signal });
  const count = 10_000;
  const seen: string[] = [];
  let turnsOfOthers = 0;
  const done = Promise.withResolvers<void>();
  const other = () => {
    turnsOfOthers++;
    if (seen.length < count) setImmediate(other);
  };
  setImmediate(other);
  workers(3, queue, async (key) => {
    seen.push(key);
    if (seen.length === count) done.resolve();
  });
  for (let key = 0; key < count; key++) queue.add(String(key));
  await done.promise;
  assert.deepEqual(seen, Array.from({ length: count }, (_, key) => String(key)), "in the order in which they came");
  assert.ok(turnsOfOthers > 100, `others had ${turnsOfOthers} turns`);
  assert.equal(queue.metrics.depth, 0);
  stop.abort();
});
