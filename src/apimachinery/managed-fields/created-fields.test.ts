import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { schemas } from "../../api/schemas.ts";
import type { KubeObject } from "../object.ts";
import { createdFields, outlineOf } from "./created-fields.ts";
import { difference, emptyFieldSet, encodeFieldSet, equalSets, fieldPath, fieldSetOf, union } from "./field-set.ts";
import { Shapes, unknownShape } from "./shape.ts";
import { compareTyped } from "./typed-value.ts";

const podSchema = schemas.kind("", "v1", "Pod");
assert.ok(podSchema);
const pod = Shapes.of(schemas).object(podSchema);

/** Everything that an object has, told without any memory of others. */
const compared = (object: unknown) => {
  const { added, modified } = compareTyped({}, object, pod);
  return union(modified, added);
};

const nothing = fc.constantFrom<unknown>(null, "", 0, "text", [], {}, { a: null }, { a: {} }, ["a"], [null]);
const container = fc.record({
  name: fc.constantFrom("a", "b", "a:x", "3:abc"), image: fc.constantFrom("one", "two"), ports: fc.array(fc.record({ containerPort: fc.constantFrom(80, 81), protocol: fc.constantFrom("TCP", "UDP") }, { requiredKeys: [] }), { maxLength: 3 }),
  resources: nothing, env: fc.array(fc.record({ name: fc.constantFrom("X", "Y"), value: nothing }), { maxLength: 3 }),
}, { requiredKeys: ["name"] });
const anyPod = fc.record({
  apiVersion: fc.constant("v1"), kind: fc.constant("Pod"),
  metadata: fc.record({ name: fc.constantFrom("p", "q"), labels: fc.dictionary(fc.constantFrom("a", "b", "1:a", "}"), fc.constantFrom("1", "2")), finalizers: fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 3 }) }, { requiredKeys: [] }),
  spec: fc.oneof(nothing, fc.record({ containers: fc.oneof(nothing, fc.array(container, { maxLength: 3 })), nodeSelector: nothing, tolerations: nothing, securityContext: nothing, volumes: nothing }, { requiredKeys: [] })),
}, { requiredKeys: ["apiVersion", "kind", "metadata"] });

test("what is known of an outline is what a comparison of the object itself finds", () => {
  fc.assert(fc.property(anyPod, (object) => {
    assert.ok(equalSets(createdFields(object as unknown as KubeObject, pod, emptyFieldSet), compared(object)));
  }), { numRuns: 2000, verbose: true });
});

test("objects of one outline share their fieldsV1", () => {
  const fields = (name: string, image: string) => encodeFieldSet(createdFields({ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec: { containers: [{ name: "main", image }] } } as unknown as KubeObject, pod, emptyFieldSet));
  assert.equal(fields("one", "a"), fields("two", "b"));
});

test("fields that the server owns or resets are left out", () => {
  const stripped = fieldSetOf(fieldPath("metadata"), fieldPath("metadata", "name"));
  const object = { metadata: { name: "p", labels: { a: "b" } }, spec: { hostNetwork: true }, status: { phase: "Running" } } as unknown as KubeObject;
  const set = createdFields(object, pod, stripped, fieldSetOf(fieldPath("status")));
  assert.ok(equalSets(set, difference(compared({ metadata: { labels: { a: "b" } }, spec: { hostNetwork: true } }), stripped)));
});

for (const [what, one, other] of [
  ["names cannot pass for structure", { "a": 1, "b": 1 }, { "a1:b": 1 }],
  ["null is no value", { a: null }, { a: 1 }],
  ["empty is not full", { a: {} }, { a: { b: 1 } }],
  ["a list is no map", { a: [] }, { a: {} }],
] as const) {
  test(`outlines differ: ${what}`, () => assert.notEqual(outlineOf(one, unknownShape), outlineOf(other, unknownShape)));
}
