import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeProtobuf, protobufCodec } from "../api/protobuf.ts";
import { encodeWatchFrame } from "../apimachinery/protobuf/watch-frame.ts";
import { isConnectionError } from "./connection-error.ts";
import { protobuf } from "./encoding.ts";

const { write, events } = protobuf(protobufCodec);
const media = "application/vnd.kubernetes.protobuf;stream=watch";
const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

async function all(chunks: readonly Uint8Array[]): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  for await (const event of events(stream(), media)) found.push(event);
  return found;
}

test("events of a watch are found however the network cuts them", async () => {
  const bytes = Buffer.concat(["a", "b", "c".repeat(300)].map((name) => encodeWatchFrame("ADDED", encodeProtobuf(map(name)))));
  const expected = ["a", "b", "c".repeat(300)].map((name) => ({ type: "ADDED", object: map(name) }));
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    assert.deepEqual(await all(places.slice(1).map((end, index) => bytes.subarray(places[index], end))), expected);
  }), { numRuns: 200 });
});

test("a stream that ends in the middle of an event is broken", async () => {
  const frame = encodeWatchFrame("ADDED", encodeProtobuf(map("a")));
  await assert.rejects(all([frame.subarray(0, frame.length - 1)]), isConnectionError);
  await assert.rejects(all([Buffer.from([0x7f, 0xff, 0xff, 0xff, 0])]), isConnectionError);
});

test("what has no protobuf form goes as JSON", () => {
  assert.equal(write(map("a")).contentType, "application/vnd.kubernetes.protobuf");
  for (const object of [{ apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "a" } }, [{ op: "add" }], { spec: {} }]) assert.deepEqual(write(object), { contentType: "application/json", body: JSON.stringify(object) });
});
