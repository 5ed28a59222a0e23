import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "../object.ts";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { createdFields, outlineOf } from "./created-fields.ts";
import { filterOf } from "./field-filter.ts";
import { difference, emptyFieldSet, encodeFieldSet, equalSets, fieldPath, fieldSetOf, union } from "./field-set.ts";
import { Shapes, unknownShape } from "./shape.ts";
import { compareTyped } from "./typed-value.ts";

const text = { is: "scalar", type: "string" } as const;
const integer = { is: "scalar", type: "integer", format: "int32" } as const;
const ref = (name: string) => ({ is: "ref", name }) as const;
const types: Readonly<Record<string, ObjectSchema>> = {
  Web: { name: "Web", fields: { apiVersion: { type: text }, kind: { type: text }, metadata: { type: ref("Meta"), default: {} }, spec: { type: ref("Spec"), default: {} }, status: { type: ref("Status"), default: {} } } },
  Meta: { name: "Meta", fields: { name: { type: text }, labels: { type: { is: "map", of: text } }, finalizers: { type: { is: "list", of: text }, listType: "set" } } },
  Spec: {
    name: "Spec",
    fields: {
      replicas: { type: integer, pointer: true }, selector: { type: ref("Selector") }, hosts: { type: { is: "list", of: text }, required: true }, anything: { type: ref("Unknown") },
      ports: { type: { is: "list", of: ref("Port") }, listType: "map", listMapKeys: ["port", "protocol"] },
    },
  },
  Selector: { name: "Selector", atomic: true, fields: { matchLabels: { type: { is: "map", of: text } } } },
  Port: { name: "Port", fields: { port: { type: integer }, protocol: { type: text, default: "TCP" }, name: { type: text } } },
  Status: { name: "Status", fields: { replicas: { type: integer } } },
};
const schemas: SchemaLookup = { type: (name) => types[name], kind: () => undefined };
const shape = Shapes.of(schemas).object(types["Web"] as ObjectSchema);
const web = (metadata: object, spec: unknown, status?: unknown): KubeObject => ({ apiVersion: "v1", kind: "Web", metadata, spec, ...(status !== undefined && { status }) }) as unknown as KubeObject;

/** Everything that an object has, told without any memory of others. */
const compared = (object: unknown) => {
  const { added, modified } = compareTyped({}, object, shape);
  return union(modified, added);
};

const anything = fc.constantFrom<unknown>(null, "", 0, "text", [], {}, { a: null }, { a: {} }, { a: { b: [1] } }, ["a"], [null]);
const port = fc.record({ port: fc.constantFrom(80, 81), protocol: fc.constantFrom("TCP", "UDP"), name: anything }, { requiredKeys: [] });
const metadata = fc.record({
  name: fc.constantFrom("p", "q"), labels: fc.dictionary(fc.constantFrom("a", "b", "1:a", "}", "a1:b"), fc.constantFrom("1", "2")), finalizers: fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 3 }),
}, { requiredKeys: [] });
const spec = fc.oneof(anything, fc.record({ replicas: anything, selector: anything, hosts: anything, anything, ports: fc.oneof(anything, fc.array(port, { maxLength: 3 })), other: anything }, { requiredKeys: [] }));

test("what is known of an outline is what a comparison of the object itself finds", () => {
  fc.assert(fc.property(metadata, spec, anything, (...parts) => {
    const object = web(...parts);
    assert.ok(equalSets(createdFields(object, shape, emptyFieldSet), compared(object)));
  }), { numRuns: 2_000 }); // What fails is told with its seed.
});

test("objects of one outline share their fieldsV1", () => {
  const fields = (name: string, value: number) => encodeFieldSet(createdFields(web({ name, labels: { app: name } }, { replicas: value, ports: [{ port: 80, name }] }), shape, emptyFieldSet));
  assert.equal(fields("one", 1), fields("two", 2));
});

test("fields that the server owns or resets are left out", () => {
  const stripped = fieldSetOf(fieldPath("metadata"), fieldPath("metadata", "name"));
  const object = web({ name: "p", labels: { a: "b" } }, { replicas: 1 }, { replicas: 2 });
  const set = createdFields(object, shape, stripped, filterOf({ without: ["status"] }));
  assert.ok(equalSets(set, difference(compared({ apiVersion: "v1", kind: "Web", metadata: { labels: { a: "b" } }, spec: { replicas: 1 } }), stripped)));
});

for (const [what, one, other] of [
  ["names cannot pass for structure", { "a": 1, "b": 1 }, { "ax1:b": 1 }],
  ["null is no value", { a: null }, { a: 1 }],
  ["empty is not full", { a: {} }, { a: { b: 1 } }],
  ["a list is no map", { a: [] }, { a: {} }],
] as const) {
  test(`outlines differ: ${what}`, () => assert.notEqual(outlineOf(one, unknownShape), outlineOf(other, unknownShape)));
}
