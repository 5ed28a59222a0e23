import { createHash } from "node:crypto";
import { link, open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { pipeline as connect } from "node:stream";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Entry, Revision } from "../store.ts";
import { BadSnapshotError } from "./bad-snapshot.ts";
import { decodeFrames, encodeFrames, type Frame } from "./frames.ts";
import { StateIndex } from "./state.ts";

/**
 * A state in one file, in this order: eight bytes that say what it is, the version of the format (4 bytes), the frames, compressed with zstd; then
 * what is to be known about it as JSON, the length of that (4 bytes), and the SHA-256 of everything before (32 bytes). What is known at the end stands
 * at the end, so that a file is written in one go.
 */
const magic = Buffer.from("KEELSNAP");
const formatVersion = 1;
const headBytes = magic.length + 4;
const digestBytes = 32;
const tailBytes = 4 + digestBytes;
const aboutBytesMax = 64 * 1024;

export interface SnapshotAbout {
  /** The state is that of this revision. */
  readonly revision: Revision;
  /** How many entries it has. */
  readonly count: number;
  /** What its maker wants to be known: of which cluster it is, when it was taken. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Writes a snapshot, reads it back, and only then gives it its name: readable for its owner alone, durable, and never in place of another.
 * @throws when `path` exists, or the frames break off; nothing is left behind then.
 */
export async function writeSnapshot(path: string, frames: AsyncIterable<readonly Frame[]>, labels: SnapshotAbout["labels"], { signal, unique }: { readonly signal: AbortSignal; /** Tells this writer from others. */ readonly unique: string }): Promise<SnapshotAbout> {
  const partial = `${path}.${unique}${partialSuffix}`;
  try {
    const file = await open(partial, "wx", 0o600);
    let about: SnapshotAbout;
    try {
      about = await write(file, frames, labels, signal);
      await file.sync();
    } finally {
      await file.close();
    }
    await using written = await openSnapshot(partial, { signal });
    if (written.about.count !== about.count || written.about.revision !== about.revision) throw new BadSnapshotError(`${path}: what was read back is not what was written`);
    await link(partial, path);
    await syncFolder(dirname(path));
    return about;
  } finally {
    await rm(partial, { force: true });
  }
}

export const partialSuffix = ".partial";

async function write(file: FileHandle, frames: AsyncIterable<readonly Frame[]>, labels: SnapshotAbout["labels"], signal: AbortSignal): Promise<SnapshotAbout> {
  const hash = createHash("sha256");
  const append = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await file.writeFile(bytes);
  };
  const head = Buffer.alloc(headBytes);
  magic.copy(head);
  head.writeUInt32BE(formatVersion, magic.length);
  await append(head);

  const index = new StateIndex();
  await pipeline(encoded(frames, index), createZstdCompress(), async (compressed: AsyncIterable<Uint8Array>) => {
    for await (const piece of compressed) await append(piece);
  }, { signal });

  const about: SnapshotAbout = { revision: index.revision, count: index.count, labels };
  const text = Buffer.from(JSON.stringify(about));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  await append(Buffer.concat([text, length]));
  await file.writeFile(hash.digest());
  return about;
}

async function* encoded(frames: AsyncIterable<readonly Frame[]>, index: StateIndex): AsyncGenerator<Buffer, void> {
  for await (const each of frames) {
    index.add(each);
    yield encodeFrames(each);
  }
}

export interface Snapshot extends AsyncDisposable {
  readonly about: SnapshotAbout;
  readonly index: StateIndex;
  /** Every entry once, in no order that means anything, some at a time. */
  entries(): AsyncGenerator<readonly Entry[], void>;
}

/** Opens a snapshot and checks every byte of it. @throws {BadSnapshotError} */
export async function openSnapshot(path: string, { signal }: { readonly signal: AbortSignal }): Promise<Snapshot> {
  const file = await open(path, "r");
  try {
    const { about, bodyEnd } = await verified(file, path, signal);
    const frames = () => decodeFrames(decompressed(file, bodyEnd));
    const index = new StateIndex();
    try {
      for await (const each of frames()) {
        signal.throwIfAborted();
        index.add(each);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw damaged(path, error instanceof Error ? error.message : String(error));
    }
    if (index.count !== about.count || index.revision !== about.revision) throw damaged(path, "its content is not what it says about itself");
    return {
      about, index,
      entries: () => index.entriesOf(frames()),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const damaged = (path: string, detail: string): BadSnapshotError => new BadSnapshotError(`${path} is damaged: ${detail}`);

async function verified(file: FileHandle, path: string, signal: AbortSignal): Promise<{ readonly about: SnapshotAbout; readonly bodyEnd: number }> {
  const { size } = await file.stat();
  const head = Buffer.alloc(headBytes);
  await file.read(head, 0, headBytes, 0);
  if (!head.subarray(0, magic.length).equals(magic)) throw new BadSnapshotError(`${path} is no snapshot of keelson`);
  const version = head.readUInt32BE(magic.length);
  if (size < headBytes + tailBytes) throw damaged(path, "it is cut off");
  const tail = Buffer.alloc(tailBytes);
  await file.read(tail, 0, tailBytes, size - tailBytes);
  const hash = createHash("sha256");
  for await (const piece of file.createReadStream({ start: 0, end: size - digestBytes - 1, autoClose: false })) {
    signal.throwIfAborted();
    hash.update(piece as Uint8Array);
  }
  if (!hash.digest().equals(tail.subarray(4))) throw damaged(path, "its checksum does not fit its content");
  // Only now, so that a flipped bit is not taken for another version.
  if (version !== formatVersion) throw new BadSnapshotError(`${path} has version ${version} of the format, which this keelson does not know: it was made by a later one`);
  const aboutBytes = tail.readUInt32BE(0);
  const bodyEnd = size - tailBytes - aboutBytes;
  if (aboutBytes > aboutBytesMax || bodyEnd <= headBytes) throw damaged(path, "a length in it is absurd");
  const text = Buffer.alloc(aboutBytes);
  await file.read(text, 0, aboutBytes, bodyEnd);
  return { about: aboutOf(text.toString(), path), bodyEnd };
}

function aboutOf(text: string, path: string): SnapshotAbout {
  try {
    const { revision, count, labels } = JSON.parse(text) as Partial<SnapshotAbout>;
    if (typeof revision === "number" && typeof count === "number" && typeof labels === "object") return { revision, count, labels };
  } catch {
    // Told below.
  }
  throw damaged(path, "what it says about itself cannot be read");
}

function decompressed(file: FileHandle, bodyEnd: number): AsyncIterable<Uint8Array> {
  const decompress = createZstdDecompress();
  // Errors of the first stream come out of the second.
  connect(file.createReadStream({ start: headBytes, end: bodyEnd - 1, autoClose: false }), decompress, () => undefined);
  return decompress;
}

/** A name is durable when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
