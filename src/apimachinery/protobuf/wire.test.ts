import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BackwardWriter, Reader, WireFormatError, wireType } from "./wire.ts";

const written = (write: (writer: BackwardWriter) => void): Buffer => {
  const writer = new BackwardWriter();
  write(writer);
  return writer.finish();
};

test("numbers, text and bytes come back as they were written", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), fc.double({ noNaN: true }), fc.string({ unit: "binary" }), fc.uint8Array(), (integer, double, text, bytes) => {
    const reader = new Reader(written((writer) => {
      writer.bytes(bytes);
      writer.string(text);
      writer.double(double);
      writer.integer(integer);
    }));
    assert.equal(reader.integer(), integer);
    assert.equal(reader.double(), double);
    assert.equal(reader.string(), text);
    assert.deepEqual(new Uint8Array(reader.bytes()), bytes);
    assert.ok(reader.done);
  }));
});

for (const [value, hex] of [[0, "00"], [127, "7f"], [128, "8001"], [300, "ac02"], [-1, "ffffffffffffffffff01"], [2 ** 31, "8080808008"]] as const) {
  test(`${value} is ${hex}`, () => assert.equal(written((writer) => writer.integer(value)).toString("hex"), hex));
}

test("a writer grows, and can be used again after a message and after a failure", () => {
  const writer = new BackwardWriter();
  writer.string("x".repeat(3_000_000));
  assert.equal(writer.finish().length, 3_000_004);
  writer.string("lost");
  writer.reset();
  writer.string("kept");
  assert.equal(writer.finish().toString(), "\u0004kept");
});

test("embedded messages have their length before them", () => {
  const bytes = written((writer) => {
    const start = writer.length;
    writer.string("a");
    writer.tag(1, wireType.bytes);
    writer.embed(2, start);
  });
  assert.equal(bytes.toString("hex"), "12030a0161");
});

test("bytes that end early, or are no protobuf, are refused", () => {
  for (const hex of ["ff", "0aff", "ffffffffffffffffffffff", "09000000"]) {
    const reader = new Reader(Buffer.from(hex, "hex"));
    assert.throws(() => reader.skip(reader.varint() & 7), WireFormatError, hex);
  }
});
