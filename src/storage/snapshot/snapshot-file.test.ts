import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../../stdx/random.ts";
import type { Frame } from "./frames.ts";
import { BadSnapshotError } from "./bad-snapshot.ts";
import { openSnapshot, writeSnapshot } from "./snapshot-file.ts";
import { renumbered } from "./state.ts";

const signal = new AbortController().signal;
const folder = (): Disposable & { readonly path: string } => {
  const path = mkdtempSync(join(tmpdir(), "keelson-snapshot-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
};
const entry = (key: string, revision: number, value: string): Frame => ({ is: "entry", entry: { key, revision, value: Buffer.from(value) } });
const sample: readonly Frame[] = [entry("/a", 2, "one"), entry("/b", 9, ""), entry("/c", 4, "three"), entry("/a", 11, "ONE"), { is: "gone", key: "/c", revision: 12 }, entry("/d", 13, "\0four"), { is: "end", revision: 15 }];
async function* inPieces(frames: readonly Frame[], size: number): AsyncGenerator<readonly Frame[]> {
  for (let at = 0; at < frames.length; at += size) yield frames.slice(at, at + size);
}
const options = { signal, unique: "test" };

test("what is written is read again: the last word on each key, at one revision", async () => {
  using place = folder();
  for (const size of [1, 3, 100]) {
    const path = join(place.path, `s${size}`);
    const about = await writeSnapshot(path, inPieces(sample, size), { cluster: "dev" }, options);
    assert.deepEqual(about, { revision: 15, count: 3, labels: { cluster: "dev" } });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await using snapshot = await openSnapshot(path, { signal });
    assert.deepEqual(snapshot.about, about);
    const entries = (await Array.fromAsync(snapshot.entries())).flat().map(({ key, revision, value }) => [key, revision, Buffer.from(value).toString()]);
    assert.deepEqual(entries, [["/b", 9, ""], ["/a", 11, "ONE"], ["/d", 13, "\0four"]]);
    assert.deepEqual(renumbered(snapshot.index, 100), { revisions: new Map([["/b", 101], ["/a", 102], ["/d", 103]]), last: 103 });
  }
});

test("large values come through, whatever the pieces are cut into", async () => {
  using place = folder();
  const path = join(place.path, "s");
  const value = crypto.getRandomValues(Buffer.alloc(60_000));
  const frames: Frame[] = Array.from({ length: 100 }, (_, i) => ({ is: "entry", entry: { key: `/k${i}`, revision: i + 2, value } }));
  await writeSnapshot(path, inPieces([...frames, { is: "end", revision: 101 }], 7), {}, options);
  await using snapshot = await openSnapshot(path, { signal });
  let count = 0;
  for await (const each of snapshot.entries()) for (const { value: read } of each) count += Number(value.equals(read));
  assert.equal(count, 100);
});

test("every truncation and every flipped bit is refused", async () => {
  using place = folder();
  const path = join(place.path, "s");
  await writeSnapshot(path, inPieces(sample, 2), { cluster: "dev" }, options);
  const whole = readFileSync(path);
  const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
  const random = seededRandom(seed);
  const refused = async (bytes: Buffer, what: string): Promise<void> => {
    writeFileSync(path, bytes);
    await assert.rejects(openSnapshot(path, { signal }), BadSnapshotError, `${what}, seed ${seed}`);
  };
  for (let length = 0; length < whole.length; length++) await refused(whole.subarray(0, length), `cut to ${length} bytes`);
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    const bit = Math.floor(random.next() * 8);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
    await refused(bytes, `bit ${bit} of byte ${at} flipped`);
  }
  await refused(Buffer.concat([whole, Buffer.of(0)]), "with a byte more");
  await refused(Buffer.from("#!/bin/sh\necho a program\n"), "something else");
  writeFileSync(path, whole);
  await using _ = await openSnapshot(path, { signal });
});

test("frames that break off leave nothing behind, and no snapshot takes the place of another", async () => {
  using place = folder();
  const path = join(place.path, "s");
  await assert.rejects(writeSnapshot(path, inPieces(sample.slice(0, 4), 2), {}, options), /ends in the middle/);
  await assert.rejects(writeSnapshot(path, inPieces([...sample.slice(0, 3), { is: "failed", message: "the disk is gone" }], 2), {}, options), /the disk is gone/);
  assert.deepEqual(readdirSync(place.path), []);
  await writeSnapshot(path, inPieces(sample, 2), { nth: "1" }, options);
  await assert.rejects(writeSnapshot(path, inPieces(sample, 2), { nth: "2" }, options), /EEXIST/);
  await using kept = await openSnapshot(path, { signal });
  assert.equal(kept.about.labels["nth"], "1");
  assert.deepEqual(readdirSync(place.path), ["s"]);
});
