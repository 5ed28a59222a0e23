import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../object.ts";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { applyPatch, type ApplyOptions } from "./apply.ts";
import { filterOf } from "./field-filter.ts";
import { recordUpdate } from "./field-manager.ts";
import { decodeFieldSet, encodeFieldSet, pathsOf, pathText } from "./field-set.ts";

const text = { is: "scalar", type: "string" } as const;
const integer = { is: "scalar", type: "integer", format: "int32" } as const;
const ref = (name: string) => ({ is: "ref", name }) as const;
const struct = (name: string) => ({ type: ref(name), default: {} });
const types: Readonly<Record<string, ObjectSchema>> = {
  Web: { name: "Web", fields: { apiVersion: { type: text }, kind: { type: text }, metadata: struct("Meta"), spec: struct("Spec"), status: struct("Status") } },
  Meta: {
    name: "Meta",
    fields: {
      name: { type: text }, namespace: { type: text }, uid: { type: text }, resourceVersion: { type: text }, labels: { type: { is: "map", of: text } }, annotations: { type: { is: "map", of: text } },
      finalizers: { type: { is: "list", of: text }, listType: "set" },
    },
  },
  Spec: {
    name: "Spec",
    fields: {
      replicas: { type: integer, pointer: true }, selector: { type: ref("Selector") }, hosts: { type: { is: "list", of: text } },
      ports: { type: { is: "list", of: ref("Port") }, listType: "map", listMapKeys: ["port", "protocol"] },
    },
  },
  Selector: { name: "Selector", atomic: true, fields: { matchLabels: { type: { is: "map", of: text } } } },
  Port: { name: "Port", fields: { port: { type: integer }, protocol: { type: text, default: "TCP" }, name: { type: text } } },
  Status: { name: "Status", fields: { replicas: { type: integer } } },
};
const schemas: SchemaLookup = { type: (name) => types[name], kind: () => undefined };
const common = { apiVersion: "v1", schema: types["Web"], schemas, now: Date.parse("2026-01-01T00:00:00Z") };

interface Web extends KubeObject { readonly spec?: unknown; readonly status?: unknown }
const web = (spec: unknown, metadata: KubeObject["metadata"] = {}, status?: unknown): Web => ({ apiVersion: "v1", kind: "Web", metadata: { name: "a", namespace: "d", ...metadata }, spec, ...(status !== undefined && { status }) });
const stored = (object: Web): Web => ({ ...object, metadata: { uid: "u", resourceVersion: "1", ...object.metadata } });
const owned = ({ metadata }: KubeObject) => Object.fromEntries((metadata.managedFields ?? []).map(({ manager = "", operation = "", subresource = "", fieldsV1 }) =>
  [`${manager}/${operation}${subresource === "" ? "" : `/${subresource}`}`, pathsOf(decodeFieldSet(fieldsV1)).map(pathText)]));
const apply = (live: Web | undefined, manager: string, spec: unknown, options: Partial<ApplyOptions> = {}) => {
  const result = applyPatch({ ...common, live, manager, patch: web(spec), force: false, ...options });
  return { ...result, object: stored(result.object as Web) };
};

test("a create gives everything to its manager, an update what it changes", () => {
  const created = stored(recordUpdate({ ...common, manager: "m1", live: undefined, next: web({ replicas: 1, selector: { matchLabels: { a: "b" } }, hosts: ["x"], ports: [{ port: 80 }] }, { labels: { a: "b" }, finalizers: ["f"] }) }));
  assert.deepEqual(created.metadata.managedFields?.[0], {
    manager: "m1", operation: "Update", apiVersion: "v1", time: "2026-01-01T00:00:00Z", fieldsType: "FieldsV1",
    fieldsV1: {
      "f:metadata": { "f:finalizers": { ".": {}, 'v:"f"': {} }, "f:labels": { ".": {}, "f:a": {} } },
      "f:spec": { "f:hosts": {}, "f:ports": { ".": {}, 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {} } }, "f:replicas": {}, "f:selector": {} },
    },
  });
  const updated = recordUpdate({ ...common, manager: "m2", live: created, next: { ...created, spec: { ...(created.spec as object), replicas: 2, hosts: undefined } } });
  assert.deepEqual(owned(updated)["m2/Update"], [".spec.replicas"]);
  assert.ok(!owned(updated)["m1/Update"]?.some((path) => path === ".spec.replicas" || path === ".spec.hosts"));
  const status = recordUpdate({ ...common, manager: "m2", subresource: "status", live: updated, next: { ...updated, status: { replicas: 1 } } });
  assert.deepEqual(owned(status)["m2/Update/status"], [".status.replicas"]);
});

test("an update without a change keeps the entries, and the object", () => {
  const live = stored(recordUpdate({ ...common, manager: "m1", live: undefined, next: web({ replicas: 1 }) }));
  const same = { ...live, metadata: { ...live.metadata, resourceVersion: "2" } };
  assert.equal(recordUpdate({ ...common, manager: "m2", live, next: same }), same);
  const sentWithout = { ...live, metadata: { ...live.metadata } };
  delete (sentWithout.metadata as { managedFields?: unknown }).managedFields;
  assert.equal(recordUpdate({ ...common, manager: "m2", live, next: sentWithout }).metadata.managedFields, live.metadata.managedFields);
});

test("clients may reset managed fields; an untracked object stays untracked", () => {
  const live = stored(recordUpdate({ ...common, manager: "m1", live: undefined, next: web({ replicas: 1 }) }));
  const reset = recordUpdate({ ...common, manager: "m2", live, next: { ...live, metadata: { ...live.metadata, managedFields: [{}] } } });
  assert.equal(reset.metadata.managedFields, undefined);
  assert.equal(recordUpdate({ ...common, manager: "m2", live: stored(reset), next: { ...stored(reset), spec: { replicas: 9 } } }).metadata.managedFields, undefined);
});

test("fields that a strategy resets are nobody's", () => {
  const created = recordUpdate({ ...common, manager: "m", live: undefined, next: web({ replicas: 1 }, {}, { replicas: 1 }), tracked: filterOf({ without: ["status"] }) });
  assert.deepEqual(owned(created)["m/Update"], [".spec.replicas"]);
});

test("no more than ten owners by update are kept apart", () => {
  let live = stored(recordUpdate({ ...common, manager: "m0", live: undefined, next: web({ hosts: [] }, { labels: { l0: "0" } }) }));
  for (let index = 1; index < 15; index++) {
    live = recordUpdate({ ...common, now: common.now + index * 1000, manager: `m${index}`, live, next: { ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, [`l${index}`]: "x" } } } });
  }
  assert.equal(live.metadata.managedFields?.length, 10);
  assert.ok(owned(live)["ancient-changes/Update"]?.includes(".metadata.labels.l1"));
});

test("apply owns what it says, and removes what it no longer says", () => {
  const first = apply(undefined, "one", { replicas: 1, ports: [{ port: 80, name: "web" }, { port: 81 }], hosts: ["x"] });
  assert.deepEqual(owned(first.object)["one/Apply"], [
    ".spec.hosts", ".spec.replicas", '.spec.ports[port=80,protocol="TCP"]', '.spec.ports[port=81,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].name', '.spec.ports[port=80,protocol="TCP"].port', '.spec.ports[port=81,protocol="TCP"].port',
  ]);
  const second = apply(first.object, "one", { ports: [{ port: 80 }] });
  assert.deepEqual(second.object.spec, { ports: [{ port: 80 }] });
  assert.equal(apply(second.object, "one", { ports: [{ port: 80 }] }).changed, false);
});

test("what another manager owns is kept when one stops applying it", () => {
  const first = apply(undefined, "one", { replicas: 1, ports: [{ port: 80, name: "web" }] });
  const both = apply(first.object, "two", { replicas: 1 });
  assert.equal(both.changed, false);
  const one = apply(both.object, "one", { ports: [{ port: 80, name: "web" }] });
  assert.deepEqual(one.object.spec, { replicas: 1, ports: [{ port: 80, name: "web" }] });
  assert.deepEqual(Object.keys(owned(one.object)).toSorted(), ["one/Apply", "two/Apply"]);
});

test("conflicts", () => {
  const created = stored(recordUpdate({ ...common, manager: "kubectl-client-side-apply", live: undefined, next: web({ replicas: 1, hosts: ["x"] }) }));
  assert.throws(() => apply(created, "me", { replicas: 2 }), {
    code: 409, reason: "Conflict", message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .spec.replicas',
    details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "kubectl-client-side-apply" using v1', field: ".spec.replicas" }] },
  });
  assert.throws(() => apply(created, "me", { replicas: 2, hosts: ["y"] }), { message: 'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using v1:\n- .spec.hosts\n- .spec.replicas' });
  const forced = apply(created, "me", { replicas: 2 }, { force: true });
  assert.deepEqual(owned(forced.object), { "me/Apply": [".spec.replicas"], "kubectl-client-side-apply/Update": [".spec.hosts"] });
  const equalValue = apply(created, "me", { replicas: 1 });
  assert.deepEqual(owned(equalValue.object)["me/Apply"], [".spec.replicas"]);
});

test("kubectl may take over what client-side apply left", () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(web({ replicas: 1 })) };
  const created = stored(recordUpdate({ ...common, manager: "kubectl-client-side-apply", live: undefined, next: web({ replicas: 1 }, { annotations }) }));
  const taken = apply(created, "kubectl", { replicas: 3 });
  assert.deepEqual(taken.object.spec, { replicas: 3 });
  assert.match(taken.object.metadata.annotations?.["kubectl.kubernetes.io/last-applied-configuration"] ?? "", /"replicas":3/);
  assert.throws(() => apply(created, "other", { replicas: 3 }), { code: 409 });
});

test("an untracked object gets a first owner when it is applied to", () => {
  const live = stored(web({ replicas: 1, hosts: ["x"] }));
  assert.deepEqual(owned(apply(live, "me", { replicas: 1 }).object), { "me/Apply": [".spec.replicas"], "before-first-apply/Update": [".spec.hosts", ".spec.replicas"] });
});

test("bad configurations", () => {
  for (const [spec, message] of [
    [{ nope: 1 }, "failed to create typed patch object (d/a; /v1, Kind=Web): .spec.nope: field not declared in schema"],
    [{ ports: {} }, "failed to create typed patch object (d/a; /v1, Kind=Web): .spec.ports: expected list, got &{map[]}"],
    [{ ports: [{ port: 80 }, { port: 80 }] }, 'failed to create typed patch object (d/a; /v1, Kind=Web): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]'],
  ] as const) assert.throws(() => apply(undefined, "me", spec), { code: 400, message });
  assert.throws(() => apply(undefined, "me", {}, { patch: web({}, { managedFields: [] }) }), { code: 400, message: "metadata.managedFields must be nil" });
  assert.throws(() => apply(undefined, "me", {}, { patch: { ...web({}), apiVersion: "v2" } }), { code: 400 });
});

test("kinds without a schema", () => {
  const options = { schema: undefined };
  const first = apply(undefined, "one", { a: { b: 1 }, list: [1] }, options);
  assert.deepEqual(owned(first.object)["one/Apply"], [".spec", ".spec.a", ".spec.list", ".spec.a.b"]);
  const second = apply(first.object, "one", { a: { c: 1 }, list: [2] }, options);
  assert.deepEqual(second.object.spec, { a: { c: 1 }, list: [2] });
});

test("sets are read and written alike", () => {
  const fields = { "f:spec": { ".": {}, 'k:{"name":"x"}': { ".": {}, "f:a": {} }, "i:1": {} } };
  assert.deepEqual(encodeFieldSet(decodeFieldSet(structuredClone(fields))), fields);
  assert.throws(() => decodeFieldSet({ x: {} }), /unknown path element/);
});
