import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadlines } from "./deadlines.ts";

test("what is late fails", async () => {
  let nowMs = 0;
  const sleepers: (() => void)[] = [];
  const clock = { now: () => nowMs, sleep: () => new Promise<void>((resolve) => sleepers.push(resolve)) };
  const deadlines = new Deadlines({ clock, timeoutMs: 60_000, signal: new AbortController().signal, expired: () => new Error("late") });
  let finish = (_: string): void => undefined;
  const late = deadlines.within(new Promise<string>(() => undefined));
  nowMs = 30_000;
  const quick = deadlines.within(new Promise<string>((resolve) => (finish = resolve)));
  nowMs = 60_000;
  sleepers.shift()?.();
  await assert.rejects(late, /late/);
  finish("done");
  assert.equal(await quick, "done");
});

test("work may have less time, and never more", async () => {
  const slept: number[] = [];
  const wakes: (() => void)[] = [];
  const clock = { now: () => 0, sleep: (durationMs: number) => new Promise<void>((resolve) => {
    slept.push(durationMs);
    wakes.push(resolve);
  }) };
  const deadlines = new Deadlines({ clock, timeoutMs: 60_000, signal: new AbortController().signal, expired: () => new Error("late") });
  const late = deadlines.within(new Promise<string>(() => undefined), 500);
  wakes.shift()?.();
  await assert.rejects(late, /late/);
  assert.equal(await deadlines.within(Promise.resolve("done"), 3_600_000), "done");
  assert.equal(await deadlines.within(Promise.resolve("done"), 0), "done");
  assert.deepEqual(slept, [500, 1000], "the second time is that of all others");
});
