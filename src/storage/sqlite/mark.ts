import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Revision } from "../store.ts";

const magic = Buffer.from("KeelMark");
const markBytes = 24;

export const markPath = (path: string): string => `${path}-mark`;

/** Magic, revision (8 bytes, big-endian), checksum of both (4 bytes), and zeros. */
function encodeMark(revision: Revision): Buffer {
  const bytes = Buffer.alloc(markBytes);
  magic.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(revision), 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 16)), 16);
  return bytes;
}

/** What the mark beside a store says; undefined when there is none, or when it is damaged, which harms nothing else. */
export function readMark(path: string): Revision | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(markPath(path));
  } catch {
    return undefined;
  }
  if (bytes.length !== markBytes || !bytes.subarray(0, 8).equals(magic) || bytes.readUInt32BE(16) !== crc32(bytes.subarray(0, 16))) return undefined;
  return Number(bytes.readBigUInt64BE(8));
}

/**
 * How far the store has come, told outside of the database: the latest revision that may have been acknowledged. It is written over after each commit
 * without waiting for the disk. So it costs no flush, it never runs ahead of the log, it is exact after a killed process and at most as old as the
 * kernel's dirty pages after a power failure. A database that ends before it has lost its end, which SQLite itself would take for its regular end: it
 * reads its log up to the first frame that does not fit.
 */
export class Mark implements Disposable {
  readonly #path: string;
  #file: number | undefined;

  constructor(path: string) {
    this.#path = markPath(path);
  }

  /** Failing is no harm: an older mark proves less, but nothing wrong. */
  write(revision: Revision): void {
    try {
      // Made by whoever comes first, and again when the disk was full.
      this.#file ??= this.#open();
      writeSync(this.#file, encodeMark(revision), 0, markBytes, 0);
    } catch {
      // Tried again with the next commit.
    }
  }

  #open(): number {
    const file = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
    ftruncateSync(file, markBytes); // What was there may have been damaged.
    return file;
  }

  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    try {
      fsyncSync(this.#file);
    } catch {
      // As above.
    }
    closeSync(this.#file);
    this.#file = undefined;
  }
}
