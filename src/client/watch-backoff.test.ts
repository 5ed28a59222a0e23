import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "../apimachinery/status-error.ts";
import type { Random } from "../stdx/random.ts";
import { ConnectionError } from "./connection-error.ts";
import { WatchBackoff } from "./watch-backoff.ts";

const least: Random = { next: () => 0, below: () => 0, bytes: (length) => new Uint8Array(length) };
const most: Random = { ...least, next: () => 0.999 };
const refused = new ConnectionError("connect ECONNREFUSED");
const busy = new StatusError("TooManyRequests", "later");

/** Attempts one after the other, each after the delay that was asked for. */
function delays(random: Random, attempts: readonly { readonly lastsMs?: number; readonly hears?: boolean; readonly error?: unknown }[]): number[] {
  const backoff = new WatchBackoff(random);
  let nowMs = 1_000_000;
  return attempts.map(({ lastsMs = 0, hears = false, error }) => {
    const startedMs = nowMs;
    const delayMs = backoff.delayMs({ startedMs, endedMs: nowMs + lastsMs, hasHeard: hears, ...(error !== undefined && { error }) });
    nowMs += lastsMs + delayMs;
    return Math.round(delayMs);
  });
}

test("watch backoff: a server that is away for a moment is found again within a second and a half, whatever chance says", () => {
  assert.deepEqual(delays(least, Array(7).fill({ error: refused })), [100, 200, 400, 750, 750, 750, 750]);
  assert.ok(delays(most, Array(60).fill({ error: refused })).every((delayMs) => delayMs <= 1_500));
});

test("watch backoff: one that is away for more than two minutes is asked ever more seldom, until it is there", () => {
  const long = delays(least, Array(200).fill({ error: refused }));
  assert.equal(long.at(-1), 30_000);
  assert.ok(long.slice(0, 100).every((delayMs) => delayMs <= 750));
  assert.deepEqual(delays(least, [...Array<object>(200).fill({ error: refused }), { lastsMs: 60_000, hears: true, error: refused }, { error: refused }]).slice(-2), [100, 200]);
});

test("watch backoff: one that refuses is asked ever more seldom", () => {
  assert.deepEqual(delays(least, Array(11).fill({ error: busy })), [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  // Also one that takes its time to refuse.
  assert.equal(delays(least, Array(6).fill({ lastsMs: 5_000, error: busy })).at(-1), 3_200);
});

test("watch backoff: a watch that worked for a while is opened again at once; one that ends as soon as it begins is not", () => {
  const worked = { lastsMs: 5_000, hears: true };
  assert.deepEqual(delays(least, [{ error: refused }, { error: refused }, { error: refused }, { ...worked, error: refused }, worked, worked]), [100, 200, 400, 100, 100, 100]);
  assert.deepEqual(delays(least, Array(4).fill({ lastsMs: 10, hears: true })), [100, 200, 400, 800]);
  assert.deepEqual(delays(least, [{ error: busy }, { error: busy }, { lastsMs: 30_000 }]), [100, 200, 100]);
});
