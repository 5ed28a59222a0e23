import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock, type Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { CompactedError, revisionOfChange, UnavailableError } from "../store.ts";
import { bytes, storeSuite, take, text } from "../suite.ts";
import { RefusedError } from "./refused.ts";
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";

function folder(): Disposable & { readonly path: string } {
  const made = mkdtempSync(join(tmpdir(), "keelson-sqlite-"));
  return { path: join(made, "state.db"), [Symbol.dispose]: () => rmSync(made, { recursive: true }) };
}
const open = (path: string, options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> => openSqliteStore({ path, clock: systemClock, log: silentLog, ...options });

const suiteFolders: Disposable[] = [];
process.once("exit", () => suiteFolders.forEach((each) => each[Symbol.dispose]()));
const suiteStore = async (options: Partial<SqliteStoreOptions>): Promise<SqliteStore> => {
  const place = folder();
  suiteFolders.push(place);
  return open(place.path, options);
};
storeSuite("sqlite", suiteStore);
// Nothing stays in memory, so that watches have to read their past from the file.
storeSuite("sqlite without memory", (options) => suiteStore({ ...options, recentMax: 1 }));

test("sqlite: everything is there after a clean stop, history too", async () => {
  using place = folder();
  {
    await using store = await open(place.path);
    await store.put("/a", bytes("1"), { expected: 0 });
    await store.put("/a", bytes("2"), { expected: 2 });
    await store.put("/b", bytes("1"), { expected: 0 });
    await store.delete("/b", { expected: 4 });
    await store.compact(2);
  }
  assert.equal(statSync(place.path).mode & 0o777, 0o600);
  await using store = await open(place.path);
  assert.equal(store.revision, 5);
  assert.equal(text((await store.get("/a"))?.value), "2");
  assert.equal(text((await store.get("/b", { revision: 4 }))?.value), "1");
  assert.throws(() => store.watch("", { after: 1 }), CompactedError);
  using watch = store.watch("", { after: 2 });
  assert.equal(await store.put("/c", bytes("1"), { expected: 0 }), 6);
  assert.deepEqual((await take(watch, 4)).map(revisionOfChange), [3, 4, 5, 6]);
});

test("sqlite: a revision is never given twice, though its change was the last one and is compacted", async () => {
  using place = folder();
  {
    await using store = await open(place.path);
    await store.put("/a", bytes("1"), { expected: 0 });
    await store.delete("/a", { expected: 2 });
    await store.compact(3);
  }
  await using store = await open(place.path);
  assert.equal(await store.put("/a", bytes("1"), { expected: 0 }), 4);
});

test("sqlite: a second process, and a second store in this one, are refused", async () => {
  using place = folder();
  await using first = await open(place.path);
  await assert.rejects(open(place.path), (error) => error instanceof RefusedError && /in use by another process/.test(error.message));
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../../test/crash/store-writer.ts"), place.path], { stdio: ["ignore", "ignore", "pipe"] });
  const [complaint] = await Promise.all([child.stderr.toArray(), once(child, "exit")]);
  assert.match(complaint.join(""), /in use by another process/);
  assert.equal(await first.put("/a", bytes("1"), { expected: 0 }), 2);
});

test("sqlite: damaged, foreign and newer files are refused with a remedy", async () => {
  const cases: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ["not a database", (path) => writeFileSync(path, "no database at all, only some text that is long enough ".repeat(100)), /damaged.*keelson snapshot restore/],
    ["another program's", (path) => new DatabaseSync(path).exec("CREATE TABLE t (a)"), /another program/],
    ["newer", (path) => new DatabaseSync(path).exec("CREATE TABLE t (a); PRAGMA application_id = 0x4b65656c; PRAGMA user_version = 99"), /schema is 99, this program's 3/],
  ];
  for (const [name, damage, expected] of cases) {
    using place = folder();
    damage(place.path);
    await assert.rejects(open(place.path), (error) => error instanceof RefusedError && expected.test(error.message), name);
  }
});

test("sqlite: damage is found after an unclean stop", async () => {
  using place = folder();
  {
    await using store = await open(place.path);
    for (let i = 0; i < 200; i++) await store.put(`/k${i}`, new Uint8Array(3000), { expected: 0 });
  }
  const file = readFileSync(place.path);
  file.fill(0x5a, 4096 * 3, 4096 * 20);
  writeFileSync(place.path, file);
  writeFileSync(`${place.path}-wal`, "left over");
  await assert.rejects(open(place.path), (error) => error instanceof RefusedError && /damaged/.test(error.message));
});

test("sqlite: a full file refuses writes, serves reads and watches, and goes on when there is room", async () => {
  using place = folder();
  await using store = await open(place.path, { bytesMax: 400 * 1024 });
  const value = new Uint8Array(50_000);
  let revision = await store.put("/a", value, { expected: 0 });
  await assert.rejects(async () => {
    for (;;) revision = await store.put("/a", value, { expected: revision });
  }, (error) => error instanceof UnavailableError && /disk is full/.test(error.message));
  assert.equal(store.revision, revision);
  assert.equal((await store.get("/a"))?.revision, revision);
  using watch = store.watch("", { after: revision });
  await store.compact(revision);
  assert.equal(await store.put("/a", value, { expected: revision }), revision + 1);
  assert.deepEqual((await take(watch, 1)).map(revisionOfChange), [revision + 1]);
});

test("sqlite: compaction runs by the clock, keeps its window and gives space back", async () => {
  using place = folder();
  const ticks: (() => void)[] = [];
  const clock: Clock = {
    // The wall clock may leap as it likes: it is not asked.
    now: () => assert.fail("the store asked for the time of day"),
    sleep: (_, { signal }) => new Promise((resolve, reject) => {
      ticks.push(resolve);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    }),
  };
  const tick = async (): Promise<void> => {
    const count = ticks.length;
    ticks.at(-1)?.();
    while (ticks.length === count) await new Promise(setImmediate);
  };
  await using store = await open(place.path, { clock });
  let revision = 0;
  for (let i = 0; i < 300; i++) revision = await store.put("/a", new Uint8Array(20_000), { expected: revision });
  await tick();
  using past = store.watch("", { after: 1 });
  assert.equal((await take(past, 300)).length, 300, "the window reaches back to the tick before");
  await tick();
  assert.throws(() => store.watch("", { after: revision - 1 }), CompactedError);
  assert.equal((await store.get("/a"))?.revision, revision);
  assert.ok(statSync(place.path).size < 200_000, `${statSync(place.path).size} bytes are left`);
});

test("sqlite: read-only folders and missing rights are named", { skip: process.getuid?.() === 0 }, async () => {
  using place = folder();
  chmodSync(join(place.path, ".."), 0o500);
  await assert.rejects(open(place.path), RefusedError);
  chmodSync(join(place.path, ".."), 0o700);
});

test("sqlite: patient writes wait for others to share their flush with, for their time, or for the end", async () => {
  using place = folder();
  const sleeps: { readonly ms: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, { signal }) => new Promise((resolve, reject) => {
      sleeps.push({ ms, wake: resolve });
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    }),
  };
  const done: string[] = [];
  const put = async (store: SqliteStore, key: string, patienceMs?: number): Promise<void> => {
    const revision = await store.put(key, bytes(key), { expected: 0, ...(patienceMs !== undefined && { patienceMs }) });
    done.push(`${key}@${revision}`);
  };
  {
    await using store = await open(place.path, { clock });
    const [compaction] = sleeps.splice(0);
    assert.equal(compaction?.ms, 5 * 60 * 1000);
    // Another write takes them along, in the order in which they came; reads do not.
    const first = [put(store, "/a", 500), put(store, "/b", 500)];
    assert.equal(await store.get("/a"), undefined);
    assert.deepEqual([done, sleeps.map(({ ms }) => ms)], [[], [500]]);
    await Promise.all([...first, put(store, "/c")]);
    assert.deepEqual(done.splice(0), ["/a@2", "/b@3", "/c@4"]);
    // Their time is over; the least patient one says when.
    const second = [put(store, "/d", 500), put(store, "/e", 20)];
    assert.deepEqual(sleeps.map(({ ms }) => ms), [500, 500, 20]);
    assert.equal(await store.get("/d"), undefined);
    sleeps.at(-1)?.wake();
    await Promise.all(second);
    assert.deepEqual(done.splice(0), ["/d@5", "/e@6"]);
    void put(store, "/f", 500);
  }
  assert.deepEqual(done, ["/f@7"]);
  await using store = await open(place.path);
  assert.equal(store.revision, 7);
});
