import { badRequest } from "../status-error.ts";
import { BackwardWriter, Reader, wireType, WireFormatError } from "./wire.ts";

const writer = new BackwardWriter();

/** One frame of a protobuf watch: its length in four bytes, then a `WatchEvent` around the enveloped object. */
export function encodeWatchFrame(type: string, object: Uint8Array): Buffer {
  writer.bytes(object);
  writer.tag(1, wireType.bytes);
  writer.embed(2, 0);
  writer.string(type);
  writer.tag(1, wireType.bytes);
  const { length } = writer;
  writer.raw(Uint8Array.of(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255));
  return writer.finish();
}

/** What a frame holds, without its length. @throws {StatusError} BadRequest, for what is no event. */
export function decodeWatchEvent(event: Uint8Array): { readonly type: string; /** With its envelope. */ readonly object: Buffer } {
  const reader = new Reader(event);
  let type = "";
  let object: Buffer = Buffer.alloc(0);
  try {
    while (!reader.done) {
      const tag = reader.varint();
      if (tag >>> 3 === 1) type = reader.string();
      else if (tag >>> 3 === 2) {
        const outer = reader.enter();
        while (!reader.done) {
          const inner = reader.varint();
          if (inner >>> 3 === 1) object = reader.bytes();
          else reader.skip(inner & 7);
        }
        reader.leave(outer);
      } else reader.skip(tag & 7);
    }
  } catch (error) {
    if (error instanceof WireFormatError) throw badRequest(error.message);
    throw error;
  }
  return { type, object };
}
