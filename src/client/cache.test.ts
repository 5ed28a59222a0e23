import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../apimachinery/object.ts";
import { Cache } from "./cache.ts";

const pod = (name: string, uid: string, resourceVersion: number, owner?: string): KubeObject => ({
  apiVersion: "v1", kind: "Pod",
  metadata: { name, namespace: "default", uid, resourceVersion: String(resourceVersion), ...(owner !== undefined && { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }] }) },
});
const shown = (cache: Cache<KubeObject>) => cache.list().map(({ metadata }) => `${metadata.name}/${metadata.uid}@${metadata.resourceVersion}`).join(" ");

interface Case { readonly name: string; readonly run: (cache: Cache<KubeObject>) => void; readonly holds: string }
const cases: readonly Case[] = [
  { name: "a noted write is there at once", run: (cache) => { cache.replace([], "5"); cache.noteWrite(pod("a", "1", 6)); }, holds: "a/1@6" },
  { name: "the watch telling the same again changes nothing", run: (cache) => { cache.replace([], "5"); cache.noteWrite(pod("a", "1", 6)); cache.apply("ADDED", pod("a", "1", 6)); }, holds: "a/1@6" },
  { name: "a note never goes back", run: (cache) => { cache.replace([pod("a", "1", 5)], "5"); cache.noteWrite(pod("a", "1", 8)); cache.apply("MODIFIED", pod("a", "1", 7)); }, holds: "a/1@8" },
  { name: "a note that comes after the object's end is ignored", run: (cache) => { cache.replace([], "5"); cache.apply("ADDED", pod("a", "1", 6)); cache.apply("DELETED", pod("a", "1", 7)); cache.noteWrite(pod("a", "1", 6)); }, holds: "" },
  { name: "a new list keeps what was written after it", run: (cache) => { cache.replace([], "5"); cache.noteWrite(pod("a", "1", 9)); cache.replace([pod("b", "2", 7)], "8"); }, holds: "a/1@9 b/2@7" },
  { name: "a new list removes what it no longer has", run: (cache) => { cache.replace([pod("a", "1", 5)], "5"); cache.replace([], "8"); }, holds: "" },
  { name: "a noted deletion hides the object from late news of it", run: (cache) => { cache.replace([pod("a", "1", 5)], "5"); cache.noteDelete("default/a", "1"); cache.apply("MODIFIED", pod("a", "1", 6)); }, holds: "" },
  { name: "the next object of that name is shown", run: (cache) => { cache.replace([pod("a", "1", 5)], "5"); cache.noteDelete("default/a", "1"); cache.noteWrite(pod("a", "2", 8)); cache.apply("DELETED", pod("a", "1", 7)); }, holds: "a/2@8" },
];

for (const { name, run, holds } of cases) {
  test(name, () => {
    const cache = new Cache<KubeObject>();
    run(cache);
    assert.equal(shown(cache), holds);
  });
}

test("indexes follow changes", () => {
  const cache = new Cache<KubeObject>();
  cache.replace([pod("a", "1", 1, "x"), pod("b", "2", 2, "x")], "2");
  assert.equal(cache.controlledBy("x").length, 2);
  cache.apply("MODIFIED", pod("a", "1", 3));
  cache.apply("ADDED", pod("c", "3", 4, "x"));
  assert.deepEqual(cache.controlledBy("x").map(({ metadata }) => metadata.name), ["b", "c"]);
  assert.equal(cache.inNamespace("default").length, 3);
});

test("listeners get what is there and then each change, with what was before", () => {
  const cache = new Cache<KubeObject>();
  cache.replace([pod("a", "1", 1)], "1");
  const seen: string[] = [];
  const listener = cache.onChange(({ previous, next }) => seen.push(`${previous?.metadata.resourceVersion ?? "-"}>${next?.metadata.resourceVersion ?? "-"}`));
  cache.apply("MODIFIED", pod("a", "1", 2));
  cache.apply("MODIFIED", pod("a", "2", 4));
  cache.apply("DELETED", pod("a", "2", 5));
  listener[Symbol.dispose]();
  cache.apply("ADDED", pod("b", "3", 6));
  assert.deepEqual(seen, ["->1", "1>2", "2>-", "->4", "5>-"]);
});

test("what is noted while a new list is taken in bit by bit is no more and no less than after it", async () => {
  const cache = new Cache<KubeObject>();
  const count = 2_000;
  cache.replace(Array.from({ length: count }, (_, number) => pod(`old-${number}`, `o${number}`, number + 1)), String(count));
  const listed = Array.from({ length: count }, (_, number) => pod(`new-${number}`, `n${number}`, count + number + 1));
  const taken = cache.replaceInTurns(listed, "10000");
  let turns = 0;
  const ended = taken.then(() => (turns = -turns));
  while (turns >= 0) {
    turns++;
    cache.noteWrite(pod(`old-${turns}`, `o${turns}`, 5_000 + turns)); // It had ended by the time of the list.
    cache.noteWrite(pod(`later-${turns}`, `l${turns}`, 20_000 + turns));
    cache.noteDelete(`default/new-${turns}`, `n${turns}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await ended;
  const names = new Set(cache.list().map(({ metadata }) => metadata.name));
  const noted = cache.list().filter(({ metadata }) => metadata.name?.startsWith("later-")).length;
  assert.ok(noted > 4, `${noted} turns`);
  assert.deepEqual([...names].filter((name) => name?.startsWith("old-")), []);
  const hidden = Array.from({ length: noted }, (_, turn) => `new-${turn + 1}`).filter((name) => !names.has(name)).length;
  assert.equal(names.size, count - hidden + noted);
  assert.ok(hidden > 0);
});
