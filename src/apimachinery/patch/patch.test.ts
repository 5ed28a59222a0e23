import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { applyJsonPatch, patchWithJsonPatch, type JsonPatchOperation } from "./json-patch.ts";
import type { JsonObject } from "./json-value.ts";
import { applyMergePatch, createThreeWayMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch, createThreeWayStrategicMergePatch, createTwoWayStrategicMergePatch } from "./strategic-merge-patch.ts";

test("JSON patch", () => {
  const document = { a: { b: [1, 2, 3] }, "x/y": 1, "t~": 2 };
  for (const [operations, expected] of [
    [[{ op: "add", path: "/a/b/-", value: 4 }], { ...document, a: { b: [1, 2, 3, 4] } }],
    [[{ op: "add", path: "/a/b/0", value: 0 }], { ...document, a: { b: [0, 1, 2, 3] } }],
    [[{ op: "remove", path: "/x~1y" }, { op: "remove", path: "/t~0" }], { a: { b: [1, 2, 3] } }],
    [[{ op: "replace", path: "/a", value: null }], { ...document, a: null }],
    [[{ op: "move", from: "/a/b/0", path: "/first" }], { ...document, a: { b: [2, 3] }, first: 1 }],
    [[{ op: "copy", from: "/a/b", path: "/c" }, { op: "add", path: "/c/-", value: 9 }], { ...document, c: [1, 2, 3, 9] }],
    [[{ op: "test", path: "/a/b/1", value: 2 }, { op: "test", path: "/none", value: null }], document],
  ] as const satisfies readonly (readonly [readonly JsonPatchOperation[], unknown])[]) assert.deepEqual(applyJsonPatch(document, operations), expected);
  for (const [operation, message] of [
    [{ op: "add", path: "/n/x", value: 1 }, 'add operation does not apply: doc is missing path: "/n/x": missing value'],
    [{ op: "remove", path: "/n" }, "error in remove for path: '/n': Unable to remove nonexistent key: n: missing value"],
    [{ op: "replace", path: "/n", value: 1 }, "replace operation does not apply: doc is missing key: /n: missing value"],
    [{ op: "test", path: "/x~1y", value: 2 }, "testing value /x~1y failed: test failed"],
    [{ op: "add", path: "/a/b/9", value: 2 }, "error in add for path: '/a/b/9': Unable to access invalid index: 9: invalid index referenced"],
    [{ op: "frob", path: "/a" }, "Unexpected kind: frob"],
  ] as const) assert.throws(() => applyJsonPatch(document, [operation]), { message });
  assert.throws(() => patchWithJsonPatch(document, [{ op: "remove", path: "/n" }]), { code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request" });
  assert.throws(() => patchWithJsonPatch(document, {}), { code: 400 });
  assert.throws(() => patchWithJsonPatch(document, Array(10_001).fill({ op: "test", path: "/a" })), { code: 413 });
  // Twenty doublings of a kilobyte would be a gigabyte.
  const doublings = Array.from({ length: 20 }, (_, index) => ({ op: "copy", from: "/a", path: `/a/${index}` }));
  assert.throws(() => applyJsonPatch({ a: { text: "x".repeat(1024) } }, doublings), { message: /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/ });
  assert.deepEqual(document, { a: { b: [1, 2, 3] }, "x/y": 1, "t~": 2 });
});

test("merge patch", () => {
  for (const [target, patch, expected] of [
    [{ a: 1, b: { c: 1, d: 2 } }, { b: { c: null }, e: 5 }, { a: 1, b: { d: 2 }, e: 5 }],
    [{ a: [1] }, { a: [2] }, { a: [2] }], [{ a: 1 }, { a: { b: null, c: 1 } }, { a: { c: 1 } }], [1, { a: 1 }, { a: 1 }],
  ] as const) assert.deepEqual(applyMergePatch(target, patch), expected);
  assert.deepEqual(createThreeWayMergePatch({ a: 1, b: 1 }, { a: 2 }, { a: 1, b: 1, c: 1 }), { a: 2, b: null });
});

const text = { is: "scalar", type: "string" } as const;
const ref = (name: string) => ({ is: "ref", name }) as const;
const listOf = (name: string) => ({ is: "list", of: ref(name) }) as const;
const types: Readonly<Record<string, ObjectSchema>> = {
  Pod: { name: "Pod", fields: { metadata: { type: ref("Meta") }, spec: { type: ref("Spec") } } },
  Meta: { name: "Meta", fields: { labels: { type: { is: "map", of: text } }, finalizers: { type: { is: "list", of: text }, patchStrategy: "merge" } } },
  Spec: {
    name: "Spec",
    fields: {
      containers: { type: listOf("Container"), patchStrategy: "merge", patchMergeKey: "name" }, volumes: { type: listOf("Volume"), patchStrategy: "merge,retainKeys", patchMergeKey: "name" },
      strategy: { type: ref("Strategy"), patchStrategy: "retainKeys" }, hosts: { type: { is: "list", of: text } },
    },
  },
  Container: { name: "Container", fields: { name: { type: text }, image: { type: text }, args: { type: { is: "list", of: text } }, env: { type: listOf("Env"), patchStrategy: "merge", patchMergeKey: "name" } } },
  Env: { name: "Env", fields: { name: { type: text }, value: { type: text } } },
  Volume: { name: "Volume", fields: { name: { type: text }, emptyDir: { type: ref("Empty") }, secret: { type: ref("Empty") } } },
  Empty: { name: "Empty", fields: {} },
  Strategy: { name: "Strategy", fields: { type: { type: text }, rolling: { type: ref("Empty") } } },
};
const schemas: SchemaLookup = { type: (name) => types[name], kind: () => undefined };
const pod = types["Pod"] ?? assert.fail();
const live = {
  metadata: { labels: { app: "web" }, finalizers: ["a", "b"] },
  spec: { containers: [{ name: "c1", image: "i1", args: ["x"], env: [{ name: "A", value: "1" }, { name: "B", value: "2" }] }, { name: "c2", image: "i2" }], strategy: { type: "Rolling", rolling: {} }, hosts: ["h1"] },
};

test("strategic merge patch", () => {
  const spec = live.spec;
  const [c1, c2] = spec.containers;
  for (const [patch, expected] of [
    [{ spec: { containers: [{ name: "c2", image: "new" }] } }, { ...live, spec: { ...spec, containers: [c1, { name: "c2", image: "new" }] } }],
    [{ spec: { containers: [{ name: "c3" }] } }, { ...live, spec: { ...spec, containers: [{ name: "c3" }, c1, c2].toSorted((a, b) => (a?.name === "c3" ? 0 : 1) - (b?.name === "c3" ? 0 : 1)) } }],
    [{ spec: { containers: [{ name: "c1", $patch: "delete" }] } }, { ...live, spec: { ...spec, containers: [c2] } }],
    [{ spec: { containers: [{ $patch: "replace" }, { name: "only" }] } }, { ...live, spec: { ...spec, containers: [{ name: "only" }] } }],
    [{ spec: { hosts: ["h2"] } }, { ...live, spec: { ...spec, hosts: ["h2"] } }],
    [{ metadata: { finalizers: ["c"] } }, { ...live, metadata: { ...live.metadata, finalizers: ["c", "a", "b"] } }],
    [{ metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } }, { ...live, metadata: { ...live.metadata, finalizers: ["b"] } }],
    [{ metadata: { labels: { app: null, x: "y" } } }, { ...live, metadata: { ...live.metadata, labels: { x: "y" } } }],
    [{ spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } }, { ...live, spec: { ...spec, strategy: { type: "Recreate" } } }],
    [{ spec: { strategy: { $patch: "replace", type: "X" } } }, { ...live, spec: { ...spec, strategy: { type: "X" } } }],
    [{ spec: { "$setElementOrder/containers": [{ name: "c2" }, { name: "c1" }] } }, { ...live, spec: { ...spec, containers: [c2, c1] } }],
    [{ spec: { "$setElementOrder/containers": [{ name: "c0" }, { name: "c1" }], containers: [{ name: "c0" }] } }, { ...live, spec: { ...spec, containers: [{ name: "c0" }, c1, c2] } }],
  ] as const) assert.deepEqual(applyStrategicMergePatch(live, patch, pod, schemas), expected, JSON.stringify(patch));
  for (const [patch, code, message] of [
    [{ spec: { containers: [{ image: "x" }] } }, 400, "map: map[image:x] does not contain declared merge key: name"],
    [{ spec: { strategy: { $retainKeys: ["a"], type: "x" } } }, 400, "invalid patch format of retainKeys"],
    [{ spec: { $patch: "frob" } }, 400, "unknown patch type: frob in map: map[$patch:frob]"],
    ["x", 400, "invalid JSON document"],
  ] as const) assert.throws(() => applyStrategicMergePatch(live, patch, pod, schemas), { code, message });
});

test("strategic merge patches are found and lead where they should", () => {
  const variants: readonly JsonObject[] = [
    live, { metadata: {} }, { spec: { containers: [{ name: "c2", image: "i2" }, { name: "c1", image: "i9", env: [{ name: "B", value: "2" }] }], hosts: [] } },
    { metadata: { finalizers: ["b", "c"], labels: {} }, spec: { containers: [{ name: "c3" }], strategy: { type: "Recreate" } } },
    { spec: { containers: [{ name: "c1", image: "i1" }], volumes: [{ name: "v", emptyDir: {} }] } }, { spec: { containers: [{ name: "c1" }], volumes: [{ name: "v", secret: {} }] } },
  ];
  for (const from of variants) for (const to of variants) {
    const patch = createTwoWayStrategicMergePatch(from, to, pod, schemas);
    const result = applyStrategicMergePatch(from, patch, pod, schemas);
    assert.deepEqual(createTwoWayStrategicMergePatch(result, to, pod, schemas), {}, JSON.stringify({ from, to, patch, result }));
  }
  assert.deepEqual(
    createTwoWayStrategicMergePatch({ spec: { containers: [{ name: "a", image: "1" }] } }, { spec: { containers: [{ name: "a", image: "2" }] } }, pod, schemas),
    { spec: { "$setElementOrder/containers": [{ name: "a" }], containers: [{ name: "a", image: "2" }] } },
  );
});

test("three-way patches leave alone what others added", () => {
  const last = { spec: { containers: [{ name: "a", image: "1" }, { name: "b", image: "1" }] }, metadata: { labels: { old: "1", keep: "1" } } };
  const now = { spec: { containers: [{ name: "a", image: "2" }] }, metadata: { labels: { keep: "1" } } };
  const current = { spec: { containers: [{ name: "a", image: "1", args: ["x"] }, { name: "b", image: "1" }, { name: "injected" }] }, metadata: { labels: { old: "1", keep: "1", other: "1" } } };
  const patch = createThreeWayStrategicMergePatch(last, now, current, pod, schemas);
  assert.deepEqual(patch, {
    metadata: { labels: { old: null } },
    spec: { "$setElementOrder/containers": [{ name: "a" }], containers: [{ name: "a", image: "2" }, { $patch: "delete", name: "b" }] },
  });
  assert.deepEqual(applyStrategicMergePatch(current, patch, pod, schemas), {
    spec: { containers: [{ name: "a", image: "2", args: ["x"] }, { name: "injected" }] }, metadata: { labels: { keep: "1", other: "1" } },
  });
});
