import assert from "node:assert/strict";
import { test } from "node:test";
import { Deadlines } from "./deadlines.ts";

test("what is late fails, and what is meant to last does not", async () => {
  let nowMs = 0;
  const sleepers: (() => void)[] = [];
  const clock = { now: () => nowMs, sleep: () => new Promise<void>((resolve) => sleepers.push(resolve)) };
  const deadlines = new Deadlines({ clock, timeoutMs: 60_000, signal: new AbortController().signal, expired: () => new Error("late") });
  let finish = (_: string): void => undefined;
  const late = deadlines.within(() => new Promise<string>(() => undefined));
  const lasting = deadlines.within((lasts) => {
    lasts();
    return new Promise<string>((resolve) => (finish = resolve));
  });
  nowMs = 60_000;
  sleepers.shift()?.();
  await assert.rejects(late, /late/);
  finish("done");
  assert.equal(await lasting, "done");
});
