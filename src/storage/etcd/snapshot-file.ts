import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import protobuf from "protobufjs";
import { BadSnapshotError } from "../snapshot/bad-snapshot.ts";
import type { Frame } from "../snapshot/frames.ts";
import { StateIndex } from "../snapshot/state.ts";
import type { Entry, Revision } from "../store.ts";

/**
 * A snapshot as etcd itself makes it (`Maintenance.Snapshot`, `etcdctl snapshot save`): its database, a file of bbolt, with the SHA-256 of it behind.
 * The layout is that of go.etcd.io/bbolt (page.go, bucket.go, db.go) and of etcd's mvcc (revision.go).
 */
const digestBytes = 32;
/** A database is made of pages, which are made of these: what is left over is the digest. */
const sectorBytes = 512;
const pageHeadBytes = 16;
const metaMagic = 0xed0cdaed;
const metaVersion = 2;
const flag = { branch: 0x01, leaf: 0x02 } as const;
const isBucket = 0x01;
const elementBytes = 16;
/** main (8 bytes), "_", sub (8 bytes), and "t" where the key was deleted. */
const tombstoneKeyBytes = 18;
const depthMax = 64;
const framesMax = 500;

export interface EtcdSnapshot extends AsyncDisposable {
  readonly index: StateIndex;
  /** Every key under the prefix, in the order in which they were last changed. */
  entries(): AsyncGenerator<readonly Entry[], void>;
}

/** Names keys as a store does that lies in etcd; undefined for what is somebody else's. */
export type KeyNames = (key: Uint8Array) => string | undefined;

/** Opens etcd's snapshot, and checks it as `etcdctl snapshot restore` does. @throws {BadSnapshotError} */
export async function openEtcdSnapshot(path: string, { names, signal }: { readonly names: KeyNames; readonly signal: AbortSignal }): Promise<EtcdSnapshot> {
  const file = await open(path, "r");
  try {
    await checkDigest(file, path, signal);
    const database = await BoltFile.open(file, path);
    const frames = () => framesOf(database, names, signal);
    const index = new StateIndex();
    for await (const each of frames()) index.add(each);
    return { index, entries: () => index.entriesOf(frames()), [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** @throws {BadSnapshotError} */
export async function checkDigest(file: FileHandle, path: string, signal: AbortSignal): Promise<void> {
  const { size } = await file.stat();
  if (size % sectorBytes !== digestBytes) throw new BadSnapshotError(`${path} is damaged: it is no database with a checksum behind it`);
  const digest = Buffer.alloc(digestBytes);
  await file.read(digest, 0, digestBytes, size - digestBytes);
  const hash = createHash("sha256");
  for await (const piece of file.createReadStream({ start: 0, end: size - digestBytes - 1, autoClose: false })) {
    signal.throwIfAborted();
    hash.update(piece as Uint8Array);
  }
  if (!hash.digest().equals(digest)) throw new BadSnapshotError(`${path} is damaged: its checksum does not fit its content`);
}

/** All that happened and is not forgotten, in order; the last word on a key counts. */
async function* framesOf(database: BoltFile, names: KeyNames, signal: AbortSignal): AsyncGenerator<readonly Frame[], void> {
  let frames: Frame[] = [];
  let last: Revision = 1;
  for await (const { key, value } of database.bucket("key")) {
    signal.throwIfAborted();
    last = Number(key.readBigUInt64BE(0));
    const { name, value: stored } = keyValueOf(value);
    const decoded = names(name);
    if (decoded !== undefined) frames.push(key.length === tombstoneKeyBytes ? { is: "gone", key: decoded, revision: last } : { is: "entry", entry: { key: decoded, value: stored, revision: last } });
    if (frames.length < framesMax) continue;
    yield frames;
    frames = [];
  }
  yield [...frames, { is: "end", revision: last }];
}

/** mvccpb.KeyValue: its key (1) and value (5); revisions are those of the record. */
function keyValueOf(bytes: Uint8Array): { readonly name: Uint8Array; readonly value: Uint8Array } {
  const reader = protobuf.Reader.create(bytes);
  let name: Uint8Array = new Uint8Array();
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) name = reader.bytes();
    else if (tag >>> 3 === 5) value = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return { name, value };
}

interface Item {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Just enough of bbolt to walk through one bucket in order. */
class BoltFile {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #pageBytes: number;
  readonly #root: bigint;

  private constructor(file: FileHandle, path: string, pageBytes: number, root: bigint) {
    this.#file = file;
    this.#path = path;
    this.#pageBytes = pageBytes;
    this.#root = root;
  }

  /** The later of the two meta pages that are whole says where everything begins. */
  static async open(file: FileHandle, path: string): Promise<BoltFile> {
    const metaAt = async (at: number): Promise<{ readonly pageBytes: number; readonly root: bigint; readonly txid: bigint } | undefined> => {
      const bytes = Buffer.alloc(64);
      await file.read(bytes, 0, bytes.length, at + pageHeadBytes);
      if (bytes.readUInt32LE(0) !== metaMagic || bytes.readUInt32LE(4) !== metaVersion || fnv64a(bytes.subarray(0, 56)) !== bytes.readBigUInt64LE(56)) return undefined;
      return { pageBytes: bytes.readUInt32LE(8), root: bytes.readBigUInt64LE(16), txid: bytes.readBigUInt64LE(48) };
    };
    const first = await metaAt(0);
    const metas = [first, await metaAt(first?.pageBytes ?? 4096)].filter((meta) => meta !== undefined);
    const meta = metas.toSorted((a, b) => (a.txid > b.txid ? -1 : 1))[0];
    if (!meta) throw new BadSnapshotError(`${path} is no database of etcd`);
    return new BoltFile(file, path, meta.pageBytes, meta.root);
  }

  async *bucket(name: string): AsyncGenerator<Item, void> {
    for await (const { key, value } of this.#walk(this.#root, isBucket, 0)) {
      // A bucket so small that it lies within its parent has no page: etcd's never is.
      if (key.toString() === name && value.readBigUInt64LE(0) !== 0n) return yield* this.#walk(value.readBigUInt64LE(0), 0, 0);
    }
    throw new BadSnapshotError(`${this.#path} is no database of etcd: it has no keys`);
  }

  async *#walk(id: bigint, wanted: number, depth: number): AsyncGenerator<Item, void> {
    const page = await this.#page(id);
    const [flags, count] = [page.readUInt16LE(8), page.readUInt16LE(10)];
    if (depth > depthMax || (flags !== flag.leaf && flags !== flag.branch)) throw new BadSnapshotError(`${this.#path} is damaged: page ${id} is no part of a tree`);
    for (let i = 0; i < count; i++) {
      const at = pageHeadBytes + i * elementBytes;
      if (flags === flag.branch) yield* this.#walk(page.readBigUInt64LE(at + 8), wanted, depth + 1);
      else if (page.readUInt32LE(at) === wanted) {
        const start = at + page.readUInt32LE(at + 4);
        const middle = start + page.readUInt32LE(at + 8);
        yield { key: page.subarray(start, middle), value: page.subarray(middle, middle + page.readUInt32LE(at + 12)) };
      }
    }
  }

  /** With the pages behind it that belong to it. */
  async #page(id: bigint): Promise<Buffer> {
    const at = Number(id) * this.#pageBytes;
    const head = Buffer.alloc(pageHeadBytes);
    const { bytesRead } = await this.#file.read(head, 0, pageHeadBytes, at);
    if (bytesRead < pageHeadBytes || head.readBigUInt64LE(0) !== id) throw new BadSnapshotError(`${this.#path} is damaged: page ${id} is not where it should be`);
    const page = Buffer.allocUnsafeSlow((1 + head.readUInt32LE(12)) * this.#pageBytes);
    await this.#file.read(page, 0, page.length, at);
    return page;
  }
}

function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
