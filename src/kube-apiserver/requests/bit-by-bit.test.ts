import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { sendBitByBit, type PartialOutlet } from "./bit-by-bit.ts";

/** Takes each chunk when it is told to. */
function slowReader() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const writable = new Writable({ highWaterMark: 1, write: (chunk: Buffer, _, done) => {
    taken.push(chunk.toString());
    waiting.push(done);
  } });
  let cut = false;
  const outlet: PartialOutlet = { begin: () => writable, cut: () => {
    cut = true;
    writable.destroy();
  } };
  return { taken, writable, outlet, take: () => waiting.shift()?.(), wasCut: () => cut };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const head = { code: 200, headers: {}, body: [] };
const never = { now: () => 0, sleep: (_: number, { signal }: { readonly signal: AbortSignal }) => new Promise<void>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))) };
const options = { clock: never, stallMsMax: 1, expired: () => new Error("late") };

function pieces(count: number) {
  const state = { made: 0, ended: false };
  const all = async function* () {
    try {
      for (; state.made < count; ) yield Buffer.from(`${state.made++}`);
    } finally {
      state.ended = true;
    }
  };
  return { state, all: all() };
}

test("no piece is made before the last one was taken", async () => {
  const reader = slowReader();
  const { state, all } = pieces(3);
  const sent = sendBitByBit(reader.outlet, head, all, options);
  await turn();
  assert.equal(state.made, 1);
  for (let piece = 0; piece < 3; piece++) {
    reader.take();
    await turn();
  }
  await sent;
  assert.deepEqual(reader.taken, ["0", "1", "2"]);
  assert.equal(reader.writable.writableEnded, true);
});

test("a reader that goes ends the making", async () => {
  const reader = slowReader();
  const { state, all } = pieces(100);
  const sent = sendBitByBit(reader.outlet, head, all, options);
  await turn();
  reader.writable.destroy();
  await sent;
  assert.equal(state.ended, true);
  assert.ok(state.made < 4);
});

test("a reader that stands still is cut off, and so is one whose list cannot be made to its end", async () => {
  const still = slowReader();
  await assert.rejects(sendBitByBit(still.outlet, head, pieces(3).all, { ...options, clock: { now: () => 0, sleep: () => Promise.resolve() } }), /late/);
  assert.equal(still.wasCut(), true);
  const broken = slowReader();
  const failing = async function* () {
    yield* [];
    throw new Error("cannot be encoded");
  };
  await assert.rejects(sendBitByBit(broken.outlet, head, failing(), options), /cannot be encoded/);
  assert.equal(broken.wasCut(), true);
});
