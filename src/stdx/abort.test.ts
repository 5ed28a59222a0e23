import assert from "node:assert/strict";
import { test } from "node:test";
import { aborted, anySignal, isAbort, race, TimeoutError, withTimeout } from "./abort.ts";
import type { Clock } from "./clock.ts";

test("a race ends with the promise or with the signal", async () => {
  const controller = new AbortController();
  assert.equal(await race(Promise.resolve(1), controller.signal), 1);
  const never = race(new Promise<number>(() => undefined), controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(never, reason);
  await assert.rejects(race(Promise.resolve(1), controller.signal), reason);
  await aborted(controller.signal);
  assert.equal(isAbort(reason, controller.signal), true);
  assert.equal(isAbort(new Error("other"), controller.signal), false);
});

test("one of several signals is enough, and leaving the scope aborts", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  using both = anySignal(a.signal, undefined, b.signal);
  assert.equal(both.signal.aborted, false);
  b.abort("why");
  assert.equal(both.signal.reason, "why");
  assert.equal(anySignal(b.signal).signal.aborted, true);
  const scope = anySignal(a.signal);
  scope[Symbol.dispose]();
  assert.equal(scope.signal.aborted, true);
});

test("work that takes too long is told so", async () => {
  const { promise: timeUp, resolve: ring } = Promise.withResolvers<undefined>();
  const clock: Clock = { now: () => 0, sleep: () => timeUp };
  const options = { clock, timeoutMs: 5, message: "too slow" };
  assert.equal(await withTimeout(async () => 1, options), 1);
  const slow = withTimeout((signal) => aborted(signal).then(() => new Promise<number>(() => undefined)), options);
  ring(undefined);
  await assert.rejects(slow, (error) => error instanceof TimeoutError && error.message === "too slow");
});
