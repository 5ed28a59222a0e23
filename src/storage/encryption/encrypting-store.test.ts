import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { cryptoRandom } from "../../stdx/random.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import type { Store } from "../store.ts";
import { bytes, storeSuite, take, text } from "../suite.ts";
import { EncryptingStore, EncryptionError, type Transformers } from "./encrypting-store.ts";
import { keyedProvider, providerList } from "./providers.ts";
import { identity, type Transformer } from "./transformer.ts";

const key = (first: number) => ({ name: `k${first}`, secret: Uint8Array.from({ length: 32 }, (_, i) => first + i) });
const way = (...providers: readonly ReturnType<typeof keyedProvider>[]): Transformer => providerList([providers[0] ?? { prefix: "", transformer: identity }, ...providers.slice(1)]);
const gcm = (...[first = 1, ...others]: readonly number[]) => keyedProvider("aesgcm", [key(first), ...others.map(key)], cryptoRandom);
const all = (transformer: Transformer): Transformers => ({ of: () => transformer });
const plain = { prefix: "", transformer: identity };

const folders: string[] = [];
process.once("exit", () => folders.forEach((each) => rmSync(each, { recursive: true })));
const sqlite = async (options: { readonly backlogMax?: number; readonly recentMax?: number } = {}): Promise<Store & { readonly folder: string }> => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-encryption-"));
  folders.push(folder);
  return Object.assign(await openSqliteStore({ path: join(folder, "state.db"), clock: systemClock, log: silentLog, ...options }), { folder });
};
/** Answers later, as a key does that has to be asked for. */
const later = (transformer: Transformer): Transformer => ({ encode: (...args) => transformer.encode(...args), decode: async (...args) => transformer.decode(...args) });

storeSuite("encrypted memory", async (options) => new EncryptingStore(new MemoryStore(options), all(way(gcm(1)))));
storeSuite("memory beside encrypted keys", async (options) => new EncryptingStore(new MemoryStore(options), { of: () => undefined }));
storeSuite("encrypted sqlite", async (options) => new EncryptingStore(await sqlite(options), all(way(keyedProvider("secretbox", [key(1)], cryptoRandom)))));
// Watches have to read their past from the file, and so have to decrypt it.
storeSuite("encrypted sqlite without memory", async (options) => new EncryptingStore(await sqlite({ ...options, recentMax: 1 }), all(way(gcm(1)))));
storeSuite("encrypted memory with keys that come later", async (options) => new EncryptingStore(new MemoryStore(options), all(later(way(gcm(1))))));

test("nothing of an encrypted value is in the files, and all of a plain one", async () => {
  const inner = await sqlite();
  await using store = new EncryptingStore(inner, { of: (each) => (each.startsWith("/secrets/") ? way(gcm(1)) : undefined) });
  for (let i = 0; i < 50; i++) {
    await store.put(`/secrets/${i}`, bytes(`{"password":"correct horse ${i}"}`), { expected: 0 });
    await store.put(`/configmaps/${i}`, bytes(`{"greeting":"hello world ${i}"}`), { expected: 0 });
  }
  const files = Buffer.concat(readdirSync(inner.folder).map((name) => readFileSync(join(inner.folder, name))));
  assert.deepEqual([files.includes("correct horse"), files.includes("k8s:enc:aesgcm:v1:k1:"), files.includes("hello world")], [false, true, true]);
  assert.equal(text((await store.get("/secrets/7"))?.value), `{"password":"correct horse 7"}`);
});

test("a value that cannot be read says why, and keeps nobody from reading the others", async () => {
  const inner = new MemoryStore();
  const lost = new EncryptingStore(inner, all(way(gcm(9))));
  const store = new EncryptingStore(inner, { of: (each) => (each.startsWith("/plain/") ? undefined : way(gcm(1))) });
  using watch = store.watch("", { after: 1 });
  await store.put("/a", bytes("a"), { expected: 0 });
  await lost.put("/b", bytes("b"), { expected: 0 });
  await lost.put("/plain/c", bytes("c"), { expected: 0 });
  await store.put("/d", bytes("d"), { expected: 0 });
  const shown = ({ key: at, value, unreadable }: { readonly key: string; readonly value: Uint8Array; readonly unreadable?: Error }) => `${at}=${unreadable ? `!${unreadable.message}` : text(value)}`;
  const wanted = ["/a=a", "/b=!no matching key was found for the provided AES transformer", "/d=d", "/plain/c=!identity transformer tried to read encrypted data"];
  assert.deepEqual((await store.list("")).entries.map(shown), wanted);
  assert.deepEqual((await take(watch, 4)).map((change) => (change.type === "put" ? shown(change.entry) : "")).toSorted(), wanted);
  const single = await store.get("/b");
  assert.deepEqual(single && [shown(single), single.revision, single.value.length], [wanted[1], 3, 0]);
  // It can be replaced and deleted by whoever knows its revision.
  await store.delete("/b", { expected: 3 });
  assert.equal(await store.get("/b"), undefined);
});

test("another key is stale until it is written again, and one rewriting is enough", async () => {
  const inner = new MemoryStore();
  await inner.put("/plain", bytes("plain"), { expected: 0 });
  const before = new EncryptingStore(inner, all(way(gcm(1))));
  for (let i = 0; i < 3; i++) await before.put(`/old/${i}`, bytes(`${i}`), { expected: 0 });
  await new EncryptingStore(inner, all(way(gcm(9)))).put("/lost", bytes("lost"), { expected: 0 });
  const lost = await inner.get("/lost");
  const now = new EncryptingStore(inner, all(way(gcm(2, 1), plain)));
  assert.deepEqual([await now.stale("/old/1"), await now.stale("/plain"), await now.stale("/nothing")], [true, true, false]);
  const { signal } = new AbortController();
  assert.deepEqual([await now.rewriteStale("", { signal }), await now.rewriteStale("", { signal })], [4, 0]);
  assert.deepEqual([await now.stale("/old/1"), await now.stale("/plain")], [false, false]);
  assert.deepEqual(await inner.get("/lost"), lost);
  // Without the old key everything is still there.
  const after = new EncryptingStore(inner, all(way(gcm(2))));
  assert.deepEqual((await after.list("")).entries.map(({ value, unreadable }) => unreadable?.message ?? text(value)), ["no matching key was found for the provided AES transformer", "0", "1", "2", "plain"]);
  assert.equal(new EncryptingStore(inner, { of: () => undefined }).stale("/plain"), false);
});

test("a write that others make while values are rewritten stays", async () => {
  const inner = new MemoryStore();
  await inner.put("/a", bytes("old"), { expected: 0 });
  const racing: Transformer = { ...way(gcm(1), plain) };
  const store: EncryptingStore = new EncryptingStore(inner, all({ encode: racing.encode, decode: async (stored, at) => {
    if (inner.revision === 2) await store.put("/a", bytes("new"), { expected: 2 });
    return racing.decode(stored, at);
  } }));
  assert.equal(await store.rewriteStale("", { signal: new AbortController().signal }), 0);
  assert.equal(text((await store.get("/a"))?.value), "new");
});

test("what cannot be encrypted is not written", async () => {
  const inner = new MemoryStore();
  const store = new EncryptingStore(inner, all({ ...identity, encode: () => { throw new Error("expired"); } }));
  await assert.rejects(store.put("/a", bytes("a"), { expected: 0 }), (error) => error instanceof EncryptionError && error.message === "expired");
  assert.equal(inner.revision, 1);
});
