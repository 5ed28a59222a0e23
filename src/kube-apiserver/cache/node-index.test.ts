import assert from "node:assert/strict";
import { test } from "node:test";
import { pods, type Pod } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { Turns } from "../../stdx/turns.ts";
import { StoredForm } from "./cache-entry.ts";
import { WatchCache } from "./watch-cache.ts";

const form = new StoredForm(pods);
const prefix = "/registry/pods/";
const stored = (name: string, node: string, revision: number) => ({
  key: `${prefix}default/${name}`, revision, value: form.encode({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", uid: name }, spec: { nodeName: node, containers: [] } } as KubeObject),
});

test("which pods are on a node is found out once, however many ask meanwhile, and stays right", async () => {
  let read = 0;
  const nodeOf = (object: KubeObject): string => {
    read++;
    return (object as Pod).spec?.nodeName ?? "";
  };
  const cache = new WatchCache({ prefix, form, changesMax: 10, nodeOf }, 1);
  const count = 500;
  cache.load(Array.from({ length: count }, (_, index) => stored(`pod-${index}`, `node-${index % 5}`, index + 2)));
  const names = (node: string): readonly string[] => (cache.entriesOfNode(node) ?? []).map(({ key }) => key.slice("default/".length)).toSorted();
  const turns = new Turns();
  assert.equal(cache.entriesOfNode("node-1"), undefined, "nobody has asked");

  const waiting = Array.from({ length: 16 }, () => cache.whenNodesKnown(turns));
  assert.equal(new Set(waiting).size, 1);
  // Changes go on meanwhile: of pods that were looked at already, and of others.
  for (const [at, name] of ["pod-1", "pod-499"].entries()) {
    const { key, value, revision } = stored(name, "elsewhere", 1000 + at);
    cache.apply({ type: "put", entry: { key, value, revision }, created: false });
  }
  await waiting[0];
  assert.equal(cache.whenNodesKnown(turns), undefined, "nothing is left to wait for");
  assert.deepEqual(names("elsewhere"), ["pod-1", "pod-499"]);
  assert.equal(names("node-1").length, 99);
  assert.equal(names("node-4").length, 99);
  assert.equal(names("node-0").length, 100);
  assert.ok(read <= count + 4, `${read} pods were read`);
});
