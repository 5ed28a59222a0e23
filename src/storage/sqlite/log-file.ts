import { closeSync, openSync, readSync } from "node:fs";

/**
 * SQLite's write-ahead log, read as https://sqlite.org/fileformat2.html#walformat describes it: a header of 32 bytes, then frames of 24 bytes and one
 * page. A frame belongs to the log when it has the header's two salts and when its checksum, which goes on from that of the frame before it, is right.
 * Frames behind that are left over from earlier rounds (with other salts), or were being written when the process or the machine stopped.
 */
export interface LogState {
  /** Frames up to the last commit that SQLite will see. */
  readonly frames: number;
  /** Why it must be that acknowledged commits follow, which SQLite would not see. */
  readonly damage?: string;
}

const headerBytes = 32;
const frameHeaderBytes = 24;
const magics: readonly number[] = [0x377f0682, 0x377f0683];
/** How much is read at once. */
const framesPerRead = 256;

interface Checksum { readonly first: number; readonly second: number }

interface Header {
  readonly pageBytes: number;
  readonly salt: Buffer;
  readonly bigEndian: boolean;
  readonly checksum: Checksum;
}

/**
 * Walks over the whole log before SQLite opens it. SQLite ends a log at the first frame that does not fit, as it must after a power failure: the last
 * transaction may have reached the disk in part. But each commit is flushed before the next one begins, so whatever follows behind a commit proves that
 * this commit was complete once; when such frames lie behind the end that SQLite would find, something between was damaged. What this cannot tell is
 * damage to the very last commit: that is what the mark is for.
 */
export function inspectLog(path: string): LogState {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { frames: 0 };
    throw error;
  }
  try {
    const first = Buffer.alloc(headerBytes + 1);
    // A log without a frame holds nothing; its header is flushed before the first frame is written.
    if (readSync(file, first, 0, first.length, 0) <= headerBytes) return { frames: 0 };
    const header = readHeader(first.subarray(0, headerBytes));
    return header ? walk(file, header) : { frames: 0, damage: "the head of its log is not readable" };
  } finally {
    closeSync(file);
  }
}

function readHeader(bytes: Buffer): Header | undefined {
  const bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
  const checksum = checksumOf(bytes.subarray(0, 24), { first: 0, second: 0 }, bigEndian);
  const pageBytes = bytes.readUInt32BE(8);
  if (!magics.includes(bytes.readUInt32BE(0)) || !sameChecksum(checksum, storedChecksum(bytes, 24)) || pageBytes < 512 || pageBytes > 65_536) return undefined;
  return { pageBytes, salt: Buffer.from(bytes.subarray(16, 24)), bigEndian, checksum };
}

function walk(file: number, { pageBytes, salt, bigEndian, checksum }: Header): LogState {
  const frameBytes = frameHeaderBytes + pageBytes;
  const chunk = Buffer.alloc(frameBytes * framesPerRead);
  let valid = true;
  let committed = 0;
  // Of the frame before the present one: its checksum as it is stored, and whether it ended a transaction.
  let [previous, endedTransaction] = [checksum, false];
  for (let index = 0, at = headerBytes; ; at += chunk.length) {
    const frames = Math.floor(readSync(file, chunk, 0, chunk.length, at) / frameBytes);
    for (let i = 0; i < frames; i++, index++) {
      const frame = chunk.subarray(i * frameBytes, (i + 1) * frameBytes);
      const ours = frame.subarray(8, 16).equals(salt);
      const stored = storedChecksum(frame, 16);
      // Only what goes on from the frame before it proves anything: behind a failed commit that was written over lie frames of another try.
      const fits = ours && sameChecksum(stored, checksumOf(frame.subarray(frameHeaderBytes), checksumOf(frame.subarray(0, 8), previous, bigEndian), bigEndian));
      if (!fits) valid = false;
      else if (!valid && endedTransaction) return { frames: committed, damage: `its log is damaged behind frame ${committed}, and acknowledged changes lie behind that` };
      endedTransaction = ours && frame.readUInt32BE(4) !== 0;
      previous = stored;
      if (valid && endedTransaction) committed = index + 1;
    }
    if (frames < framesPerRead) return { frames: committed };
  }
}

const storedChecksum = (bytes: Buffer, at: number): Checksum => ({ first: bytes.readUInt32BE(at), second: bytes.readUInt32BE(at + 4) });
const sameChecksum = (a: Checksum, b: Checksum): boolean => a.first === b.first && a.second === b.second;

/** Two sums over pairs of 32-bit words, each of which takes in the other. */
function checksumOf(bytes: Buffer, { first, second }: Checksum, bigEndian: boolean): Checksum {
  for (let at = 0; at < bytes.length; at += 8) {
    first = (first + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + second) >>> 0;
    second = (second + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + first) >>> 0;
  }
  return { first, second };
}
