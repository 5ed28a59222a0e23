/** Frames of SPDY/3.1 as bytes. Header blocks are compressed by whoever owns the connection, since compression has a state. */
export const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const finFlag = 0x01;
export const version = 3;

/** A frame's length has 24 bits; a peer that sends larger ones than this is not one of ours. */
export const frameBytesMax = 1 << 24;

export type Frame =
  | { readonly kind: "data"; readonly stream: number; readonly flags: number; readonly data: Buffer }
  | { readonly kind: "control"; readonly type: number; readonly flags: number; readonly body: Buffer };

export function dataFrame(stream: number, data: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(8 + data.length);
  frame.writeUInt32BE(stream & 0x7fffffff, 0);
  frame.writeUInt32BE(((flags << 24) | data.length) >>> 0, 4);
  frame.set(data, 8);
  return frame;
}

export function controlFrame(type: number, body: Uint8Array, flags = 0): Buffer {
  const frame = Buffer.allocUnsafe(8 + body.length);
  frame.writeUInt16BE(0x8000 | version, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
  frame.set(body, 8);
  return frame;
}

export function words32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
}

export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts = [words32(Object.keys(headers).length)];
  for (const [name, value] of Object.entries(headers)) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(words32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** @throws {RangeError} when the block says more than it holds. */
export function decodeHeaders(block: Buffer): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    if (at + 4 + length > block.length) throw new RangeError("a header is longer than its block");
    at += 4 + length;
    return block.toString("utf8", at - length, at);
  };
  for (let count = block.readUInt32BE(0); count > 0; count--) {
    const name = text();
    headers[name] = text();
  }
  return headers;
}

/** Cuts a stream of bytes into frames. */
export class FrameParser {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame, void> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= 8) {
      const first = bytes.readUInt32BE(0);
      const second = bytes.readUInt32BE(4);
      const [flags, length] = [second >>> 24, second & 0xffffff];
      if (bytes.length < 8 + length) break;
      const body = bytes.subarray(8, 8 + length);
      bytes = bytes.subarray(8 + length);
      yield first >>> 31 === 1 ? { kind: "control", type: first & 0xffff, flags, body } : { kind: "data", stream: first, flags, data: body };
    }
    this.#rest = bytes;
  }
}
