import assert from "node:assert/strict";
import { test } from "node:test";
import { pods } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { StoredForm } from "./cache-entry.ts";
import { ClusterState } from "./cluster-state.ts";
import { recentPast } from "./recent-past.ts";
import { prefixOf } from "./storage-keys.ts";
import type { Store } from "../../storage/store.ts";

const form = new StoredForm(pods);
const keyOf = (name: string): string => `${prefixOf(pods)}a/${name}`;
const pod = (name: string, label: string): KubeObject => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "a", uid: "u", labels: { label } } });

async function write(store: Store, seed: number, writes: number): Promise<void> {
  const random = seededRandom(seed);
  for (let i = 0; i < writes; i++) {
    const name = `p${random.below(12)}`;
    const expected = (await store.get(keyOf(name)))?.revision ?? 0;
    if (expected > 0 && random.next() < 0.3) await store.delete(keyOf(name), { expected });
    else await store.put(keyOf(name), form.encode(pod(name, String(i))), { expected });
  }
}

const text = (entries: readonly { readonly key: string; readonly value: Uint8Array; readonly revision: number }[]): readonly string[] =>
  entries.map(({ key, value, revision }) => `${key}@${revision} ${Buffer.from(value).toString()}`).toSorted();

test("the past is what the store says it was, and its changes lead to the present", async () => {
  const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
  await using store = new MemoryStore();
  await write(store, seed, 1500);
  const present = await store.list("");
  const past = await recentPast(store, present);
  assert.ok(past, `seed ${seed}`);
  assert.deepEqual([past.revision, past.changes.length], [present.revision - 1024, 1024], `seed ${seed}`);
  assert.deepEqual(text(past.entries), text((await store.list("", { revision: past.revision })).entries), `seed ${seed}`);
});

test("where more is forgotten, less is gone back; and where all is, nothing", async () => {
  await using store = new MemoryStore();
  await write(store, 1, 300);
  await store.compact(store.revision - 100);
  assert.equal((await recentPast(store, await store.list("")))?.changes.length, 64);
  await store.compact(store.revision);
  assert.equal(await recentPast(store, await store.list("")), undefined);
});

test("a server that starts again knows what has just happened", async () => {
  await using store = new MemoryStore();
  await write(store, 2, 200);
  const from = store.revision;
  await write(store, 3, 200);
  await using state = await ClusterState.start({ store, types: [pods], log: silentLog });
  assert.equal(state.revision, store.revision);
  const cache = state.cache(pods);
  assert.deepEqual(cache?.entries().map(({ key, revision }) => [key, revision]), (await store.list(prefixOf(pods))).entries.map(({ key, revision }) => [key.slice(prefixOf(pods).length), revision]));
  const told = cache?.since(from) ?? [];
  assert.equal(told.length, 200);
  const { signal } = new AbortController();
  const heard: string[] = [];
  using watch = store.watch(prefixOf(pods), { after: from, signal });
  for await (const change of watch) {
    heard.push(change.type === "delete" ? `DELETED ${change.revision}` : `${change.created ? "ADDED" : "MODIFIED"} ${change.entry.revision}`);
    if (heard.length === 200) break;
  }
  assert.deepEqual(told.map(({ type, revision }) => `${type} ${revision}`), heard);
});
