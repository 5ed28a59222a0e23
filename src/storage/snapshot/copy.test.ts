import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import { CompactedError, type Store } from "../store.ts";
import { copyIntoStore, CopyRefusedError, type OrderedState } from "./copy.ts";
import { copyIntoFile } from "./copy-to-file.ts";
import { orderedStateOf } from "./store-state.ts";
import { unfinishedCopy } from "./unfinished.ts";

const signal = new AbortController().signal;
const prefix = "/registry/";
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A store with a past: keys that were written often, and some that are gone. */
async function sample(seed: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const random = seededRandom(seed);
  for (let i = 0; i < 200; i++) {
    const key = `${prefix}pods/${random.below(40)}`;
    const expected = (await store.get(key))?.revision ?? 0;
    if (expected > 0 && random.next() < 0.2) await store.delete(key, { expected });
    else await store.put(key, bytes(`value ${i}`), { expected });
  }
  await store.put(`${prefix}masterleases/10.0.0.1`, bytes("lives"), { expected: 0 });
  return store;
}
const leaveOut = (key: string): boolean => key.startsWith(`${prefix}masterleases/`);

const from = (store: Store): Promise<OrderedState> => orderedStateOf(store, { prefix, signal });

/** Keys and values in the order of their revisions. */
async function inOrder(store: Store): Promise<readonly (readonly [string, string])[]> {
  const { entries } = await store.list(prefix);
  return entries.filter(({ key }) => !leaveOut(key)).toSorted((a, b) => a.revision - b.revision).map(({ key, value }) => [key, Buffer.from(value).toString()] as const);
}

test("a copy has every key in the old order, beyond every old revision, and no past", async () => {
  const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
  const source = await sample(seed);
  const target = new MemoryStore();
  const phases = new Set<string>();
  const { count, raised, revision } = await copyIntoStore({ source: await from(source), target, prefix, leaveOut, about: "a test", signal, onProgress: (phase) => phases.add(phase) });
  assert.deepEqual(await inOrder(target), await inOrder(source), `seed ${seed}`);
  assert.equal(count, (await inOrder(source)).length);
  assert.ok(raised >= 190 && raised < 200 + 130, String(raised));
  assert.equal(revision, target.revision);
  assert.deepEqual([...phases], ["raising", "copying", "checking"]);
  for (const { key, revision: at } of (await target.list("")).entries) assert.ok(at > source.revision, key);
  assert.throws(() => target.watch(prefix, { after: source.revision }), CompactedError);
  assert.equal(await unfinishedCopy(target, prefix), undefined);
});

test("a target that is far ahead is not raised; one that is not empty is refused and left as it is", async () => {
  const source = await sample(1);
  const target = new MemoryStore();
  for (let expected = 0; expected < 300; ) expected = await target.put("/elsewhere", bytes(""), { expected });
  const { raised } = await copyIntoStore({ source: await from(source), target, prefix, leaveOut, about: "", signal });
  assert.equal(raised, 0);
  const filled = target.revision;
  await assert.rejects(copyIntoStore({ source: await from(source), target, prefix, about: "", signal }), (error) => error instanceof CopyRefusedError && /is not empty: it has \d+ keys/.test(error.message));
  assert.equal(target.revision, filled);
});

test("a copy that is interrupted at any write is known as such, and can be begun anew", async () => {
  const source = await sample(2);
  const options = { source: await from(source), prefix, leaveOut, about: "from a test", signal };
  let writesMax = 0;
  for (let step = 0; ; step += 7) {
    const target = new MemoryStore();
    const [put, remove] = [target.put.bind(target), target.delete.bind(target)];
    let left = step;
    const spend = (): void => {
      if (left-- <= 0) throw new Error("the power is gone");
    };
    target.put = async (...args) => (spend(), put(...args));
    target.delete = async (...args) => (spend(), remove(...args));
    const done = await copyIntoStore({ ...options, target }).then(() => true, (error: unknown) => {
      assert.match(String(error), /the power is gone/);
      return false;
    });
    [target.put, target.delete] = [put, remove];
    if (done) {
      writesMax = step;
      assert.equal(await unfinishedCopy(target, prefix), undefined);
      break;
    }
    if (step === 0) assert.equal((await target.list("")).entries.length, 0);
    else {
      assert.equal(await unfinishedCopy(target, prefix), "from a test", `after ${step} writes`);
      await assert.rejects(copyIntoStore({ ...options, target }), /holds an unfinished copy \(from a test\): say --restart/);
    }
    await copyIntoStore({ ...options, target, restart: true });
    assert.deepEqual(await inOrder(target), await inOrder(source), `begun anew after ${step} writes`);
    assert.equal((await target.list("")).entries.length, (await inOrder(source)).length);
  }
  assert.ok(writesMax > 200, String(writesMax));
});

test("a store's state is replaced by another one, also after it was interrupted: nothing of the old is left, and every revision is new", async () => {
  const [source, original] = [await from(await sample(4)), await sample(4)];
  for (const step of [0, 1, 5, 20, 30, Infinity]) {
    const target = await sample(5);
    for (let expected = 0, i = 0; i < 300; i++) expected = await target.put(`${prefix}busy`, bytes(String(i)), { expected });
    const old = target.revision;
    const put = target.put.bind(target);
    let left = step;
    target.put = async (...args) => {
      if (left-- <= 0) throw new Error("the power is gone");
      return put(...args);
    };
    const options = { source, target, prefix, leaveOut, mode: "replace" as const, about: "a restore", signal };
    if (step !== Infinity) await assert.rejects(copyIntoStore(options), /the power is gone/);
    assert.equal(await unfinishedCopy(target, prefix), step === 0 || step === Infinity ? undefined : "a restore");
    target.put = put;
    const { raised } = await copyIntoStore(options);
    assert.equal(raised, 0);
    assert.deepEqual(await inOrder(target), await inOrder(original));
    for (const { key, revision } of (await target.list(prefix)).entries) assert.ok(leaveOut(key) || revision > old, key);
    assert.throws(() => target.watch(prefix, { after: old }), CompactedError);
    assert.equal(await unfinishedCopy(target, prefix), undefined);
  }
});

test("encrypted values are not copied to where their keys have other names", async () => {
  const source = new MemoryStore();
  await source.put(`${prefix}secrets/a`, bytes("k8s:enc:aesgcm:v1:k:xyz"), { expected: 0 });
  await copyIntoStore({ source: await from(source), target: new MemoryStore(), prefix, about: "", signal });
  await assert.rejects(copyIntoStore({ source: await from(source), target: new MemoryStore(), prefix, about: "", renames: true, signal }), /is encrypted and bound to its name/);
});

test("a file is made of a store, and a store of that file, without a difference", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-copy-"));
  try {
    const source = await sample(3);
    const path = join(folder, "copy.db");
    const { count, revision } = await copyIntoFile({ source, path, prefix, leaveOut, signal });
    assert.deepEqual(readdirSync(folder), ["copy.db"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(copyIntoFile({ source, path, prefix, signal }), /EEXIST/);
    assert.deepEqual(readdirSync(folder), ["copy.db"]);
    await using file = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    assert.deepEqual(await inOrder(file), await inOrder(source));
    assert.deepEqual([count, revision], [(await inOrder(source)).length, file.revision]);
    for (const { key, revision: at } of (await file.list("")).entries) assert.ok(at > source.revision, key);
    const back = new MemoryStore();
    await copyIntoStore({ source: await from(file), target: back, prefix, about: "", signal });
    assert.deepEqual(await inOrder(back), await inOrder(source));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
