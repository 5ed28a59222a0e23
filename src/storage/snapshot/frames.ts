import type { Entry, Revision } from "../store.ts";

/**
 * The state of a store as a row of frames: in a snapshot's file and between processes alike. The last word on a key counts, so that a reader may be
 * told first what a key was when it was passed, and at the end what has become of it since.
 */
export type Frame =
  | { readonly is: "entry"; readonly entry: Entry }
  /** The key was deleted at this revision. */
  | { readonly is: "gone"; readonly key: string; readonly revision: Revision }
  /** All of it has been said, and is the state at this revision. Without it the row was cut off. */
  | { readonly is: "end"; readonly revision: Revision }
  /** The sender cannot go on; says why. */
  | { readonly is: "failed"; readonly message: string };

/** What is read is not what was written: cut off, or something else altogether. */
export class BrokenFramesError extends Error {
  override readonly name = "BrokenFramesError";
}

const kinds = ["entry", "gone", "end", "failed"] as const;
/** One byte of kind, the lengths of key and value (4 bytes each), the revision (8 bytes). */
const headBytes = 17;
/** Far above what any store takes, so that what is no frame is not waited for. */
const keyBytesMax = 64 * 1024;
const valueBytesMax = 256 * 1024 * 1024;

const empty = new Uint8Array();
const partsOf = (frame: Frame): { readonly key: string; readonly value: Uint8Array; readonly revision: Revision } => {
  switch (frame.is) {
    case "entry": return frame.entry;
    case "gone": return { key: frame.key, value: empty, revision: frame.revision };
    case "end": return { key: "", value: empty, revision: frame.revision };
    case "failed": return { key: "", value: Buffer.from(frame.message), revision: 0 };
  }
};

/** In one piece, so that many small frames are one write. */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  const parts = frames.map((frame) => {
    const { key, value, revision } = partsOf(frame);
    return { kind: kinds.indexOf(frame.is), key: Buffer.from(key), value, revision };
  });
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, { key, value }) => sum + headBytes + key.length + value.length, 0));
  let at = 0;
  for (const { kind, key, value, revision } of parts) {
    at = bytes.writeUInt8(kind, at);
    at = bytes.writeUInt32BE(key.length, at);
    at = bytes.writeUInt32BE(value.length, at);
    at = bytes.writeBigUInt64BE(BigInt(revision), at);
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    at += key.length + value.length;
  }
  return bytes;
}

/** Frames as they come out of pieces of any size, those of one piece together. @throws {BrokenFramesError} also when the row ends without its end. */
export async function* decodeFrames(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Frame[], void> {
  let [waiting, waitingBytes, wantedBytes]: [Uint8Array[], number, number] = [[], 0, headBytes];
  let ended = false;
  for await (const piece of pieces) {
    waiting.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes < wantedBytes) continue;
    const bytes = waiting.length === 1 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat(waiting);
    const { frames, used, wanted } = framesIn(bytes);
    if (ended ? frames.length > 0 : frames.slice(0, -1).some(({ is }) => is === "end")) throw new BrokenFramesError("something follows behind the end");
    ended ||= frames.at(-1)?.is === "end";
    [waiting, waitingBytes, wantedBytes] = [[bytes.subarray(used)], bytes.length - used, wanted];
    if (frames.length > 0) yield frames;
  }
  if (!ended || waitingBytes > 0) throw new BrokenFramesError(ended ? "something follows behind the end" : "it ends in the middle");
}

/** All whole frames of `bytes`; `wanted` is how many bytes the next one has, as far as that is known. */
function framesIn(bytes: Buffer): { readonly frames: Frame[]; readonly used: number; readonly wanted: number } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= headBytes) {
    const [keyBytes, valueBytes] = [bytes.readUInt32BE(at + 1), bytes.readUInt32BE(at + 5)];
    if (keyBytes > keyBytesMax || valueBytes > valueBytesMax) throw new BrokenFramesError("a length in it is absurd");
    const length = headBytes + keyBytes + valueBytes;
    if (bytes.length - at < length) return { frames, used: at, wanted: length };
    frames.push(frameAt(bytes.subarray(at, at + length), keyBytes));
    at += length;
  }
  return { frames, used: at, wanted: headBytes };
}

function frameAt(bytes: Buffer, keyBytes: number): Frame {
  const kind = kinds[bytes.readUInt8(0)];
  const revision = Number(bytes.readBigUInt64BE(9));
  if (kind === undefined || !Number.isSafeInteger(revision)) throw new BrokenFramesError("it is not made of frames");
  const key = bytes.toString("utf8", headBytes, headBytes + keyBytes);
  const value = bytes.subarray(headBytes + keyBytes);
  switch (kind) {
    case "entry": return { is: kind, entry: { key, value, revision } };
    case "gone": return { is: kind, key, revision };
    case "end": return { is: kind, revision };
    case "failed": return { is: kind, message: value.toString() };
  }
}
