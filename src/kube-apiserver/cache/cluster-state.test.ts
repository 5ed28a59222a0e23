import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps, pods } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { silentLog } from "../../stdx/log.ts";
import { StoredForm } from "./cache-entry.ts";
import { ClusterState } from "./cluster-state.ts";
import { prefixOf } from "./storage-keys.ts";
import type { CacheEvent } from "./cache-event.ts";

const form = new StoredForm(pods);
const pod = (namespace: string, name: string, nodeName = ""): KubeObject & { readonly spec: { readonly nodeName: string } } =>
  ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace, uid: "u" }, spec: { nodeName } });
const keyIn = (namespace: string, name: string) => `${prefixOf(pods)}${namespace}/${name}`;

async function start() {
  const store = new MemoryStore();
  await store.put(keyIn("b", "old"), form.encode(pod("b", "old")), { expected: 0 });
  const state = await ClusterState.start({ store, types: [pods, configmaps], log: silentLog });
  const cache = state.cache(pods);
  assert.ok(cache);
  const put = async (object: KubeObject) => {
    const { namespace = "", name = "" } = object.metadata;
    const revision = await store.put(keyIn(namespace, name), form.encode(object), { expected: cache.get(`${namespace}/${name}`)?.revision ?? 0 });
    await state.caughtUp(revision);
    return revision;
  };
  return { store, state, cache, put };
}

test("entries come in key order, and their bytes carry the revision", async () => {
  const { state, cache, put } = await start();
  await using _ = state;
  for (const [namespace, name] of [["c", "x"], ["a", "y"], ["b", "a"], ["a", "b"], ["ab", "z"]] as const) await put(pod(namespace, name));
  assert.deepEqual(cache.entries().map(({ key }) => key), ["a/b", "a/y", "ab/z", "b/a", "b/old", "c/x"]);
  assert.deepEqual(cache.entries("a").map(({ key }) => key), ["a/b", "a/y"]);
  assert.deepEqual(cache.entries("nope"), []);
  const entry = cache.get("a/b");
  assert.ok(entry);
  assert.deepEqual(JSON.parse(entry.jsonLine.toString()), { ...pod("a", "b"), metadata: { ...pod("a", "b").metadata, resourceVersion: String(entry.revision) } });
  assert.deepEqual(JSON.parse(`{${entry.jsonItem.toString()}`), { metadata: entry.object.metadata, spec: { nodeName: "" } });
});

test("listeners hear what concerns them, and the past is known as far back as it is kept", async () => {
  const { store, state, cache, put } = await start();
  await using _ = state;
  const heard: Record<string, string[]> = {};
  const listen = (who: string, scope: Parameters<typeof cache.listen>[0]) => cache.listen(scope, ({ type, entry }: CacheEvent) => void (heard[who] ??= []).push(`${type} ${entry.key}`));
  const all = listen("all", {});
  listen("namespace", { namespace: "a" });
  listen("name", { key: "a/x" });
  listen("node", { node: "n1" });
  const from = state.revision;
  await put(pod("a", "x"));
  await put(pod("a", "x", "n1"));
  await put(pod("a", "y", "n2"));
  await put(pod("b", "z", "n1"));
  all[Symbol.dispose]();
  await state.caughtUp(await store.delete(keyIn("b", "z"), { expected: cache.get("b/z")?.revision ?? 0 }));
  assert.deepEqual(heard, {
    all: ["ADDED a/x", "MODIFIED a/x", "ADDED a/y", "ADDED b/z"],
    namespace: ["ADDED a/x", "MODIFIED a/x", "ADDED a/y"],
    name: ["ADDED a/x", "MODIFIED a/x"],
    node: ["MODIFIED a/x", "ADDED b/z", "DELETED b/z"],
  });
  assert.equal(cache.since(from)?.length, 5);
  assert.deepEqual(cache.since(state.revision), []);
  assert.equal(cache.since(0), undefined, "what happened before the store began is not known");
});

test("what is about to be stored needs not be parsed when it comes back", async () => {
  const { store, state, cache } = await start();
  await using _ = state;
  const object = pod("a", "mine");
  const bytes = form.encode(object);
  const done = cache.expect("a/mine", bytes, object);
  await state.caughtUp(await store.put(keyIn("a", "mine"), bytes, { expected: 0 }));
  done();
  const entry = cache.get("a/mine") ?? assert.fail();
  assert.equal((entry.object as typeof object).spec, object.spec, "the very same");
});
