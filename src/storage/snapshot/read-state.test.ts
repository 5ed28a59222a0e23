import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import { writeSqliteFile } from "../sqlite/loader.ts";
import { CompactedError, ConflictError, type Entry, type Revision, type Store } from "../store.ts";
import type { Frame } from "./frames.ts";
import { readState } from "./read-state.ts";
import { renumbered, StateIndex } from "./state.ts";

const signal = new AbortController().signal;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();

async function read(store: Store, options: { readonly prefix?: string; readonly pageBytes?: number; readonly between?: () => Promise<void> } = {}): Promise<{ readonly revision: Revision; readonly entries: readonly (readonly [string, Revision, string])[]; readonly index: StateIndex; readonly kept: readonly Entry[] }> {
  const index = new StateIndex();
  const row: (readonly Frame[])[] = [];
  for await (const each of readState(store, { signal, ...options })) {
    index.add(each);
    row.push(each);
    await options.between?.();
  }
  const kept = (await Array.fromAsync(index.entriesOf((async function* () { yield* row; })()))).flat();
  return { revision: index.revision, index, kept, entries: kept.map(({ key, revision, value }) => [key, revision, text(value)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}

const stateAt = async (store: Store, revision: Revision): Promise<unknown> => (await store.list("", { revision })).entries.map(({ key, revision: at, value }) => [key, at, text(value)]);

/** Writes and deletes at random, for as long as somebody reads. */
async function churn(store: Store, seed: number, writes: number): Promise<void> {
  const random = seededRandom(seed);
  for (let i = 0; i < writes; i++) {
    const key = `/k${String(Math.floor(random.next() * 300)).padStart(3, "0")}`;
    const expected = (await store.get(key))?.revision ?? 0;
    try {
      if (expected > 0 && random.next() < 0.3) await store.delete(key, { expected });
      else await store.put(key, bytes(`${seed}-${i}`.repeat(1 + Math.floor(random.next() * 40))), { expected });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

const stores: Readonly<Record<string, (path: string) => Promise<Store>>> = {
  memory: async () => new MemoryStore(),
  sqlite: (path) => openSqliteStore({ path, clock: systemClock, log: silentLog }),
};
for (const [name, open] of Object.entries(stores)) {
  test(`${name}: a state that is read while others write is that of one revision`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "keelson-state-"));
    try {
      await using store = await open(join(folder, "state.db"));
      const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
      assert.deepEqual((await read(store)).entries, []);
      await churn(store, seed, 250);
      const quiet = await read(store);
      assert.deepEqual([quiet.revision, quiet.entries], [store.revision, await stateAt(store, store.revision)], `seed ${seed}`);

      let round = 0;
      const writing = [churn(store, seed + 1, 120), churn(store, seed + 2, 120)];
      const { revision, entries } = await read(store, { pageBytes: 1000, between: () => churn(store, seed + 10 + round++, 3) });
      assert.deepEqual(entries, await stateAt(store, revision), `seed ${seed}`);
      assert.ok(revision > quiet.revision, "it is the state at its end, not at its beginning");
      await Promise.all(writing);

      await store.put("/other/x", bytes("1"), { expected: 0 });
      assert.deepEqual((await read(store, { prefix: "/other/" })).entries.map(([key]) => key), ["/other/x"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("a store that is made of a state has it under later revisions, in the same order, and no past", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-state-"));
  try {
    const source = new MemoryStore();
    for (const key of ["/c", "/a", "/b", "/gone"]) await source.put(key, bytes(key), { expected: 0 });
    await source.put("/a", bytes("/a again"), { expected: 3 });
    await source.delete("/gone", { expected: 5 });
    const { index, kept } = await read(source);
    const { revisions, last } = renumbered(index, 1_000);
    const path = join(folder, "state.db");
    async function* entries(): AsyncGenerator<readonly Entry[]> {
      yield kept.map((entry) => ({ ...entry, revision: revisions.get(entry.key) ?? 0 }));
    }
    assert.equal(await writeSqliteFile(path, entries(), last), 3);

    await using store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    assert.equal(store.revision, 1_003);
    assert.deepEqual((await store.list("")).entries.map(({ key, revision, value }) => [key, revision, text(value)]), [["/a", 1_003, "/a again"], ["/b", 1_002, "/b"], ["/c", 1_001, "/c"]]);
    for (const after of [2, 7, 1_001, 1_002]) assert.throws(() => store.watch("", { after }), CompactedError, String(after));
    await assert.rejects(store.list("", { revision: 6 }), CompactedError);
    assert.equal(await store.put("/a", bytes("new"), { expected: 1_003 }), 1_004);
    assert.equal(text((await store.get("/a", { revision: 1_003 }))?.value ?? bytes("")), "/a again", "what is replaced from now on is history");
    await store.compact(1_004);
    assert.deepEqual((await store.list("")).entries.map(({ key }) => key), ["/a", "/b", "/c"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
