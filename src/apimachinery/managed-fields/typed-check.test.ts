import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { decodeFieldSet, encodeFieldSet, pathsOf, pathText } from "./field-set.ts";
import { filterOf } from "./field-filter.ts";
import { reconciledSet } from "./reconcile.ts";
import { Shapes } from "./shape.ts";
import { checkTyped } from "./typed-check.ts";

const text = { is: "scalar", type: "string" } as const;
const ref = (name: string) => ({ is: "ref", name }) as const;
const listOf = (name: string) => ({ is: "list", of: ref(name) }) as const;
const types: Readonly<Record<string, ObjectSchema>> = {
  Kind: {
    name: "Kind",
    fields: {
      text: { type: text }, count: { type: { is: "scalar", type: "integer" } }, flag: { type: { is: "scalar", type: "boolean" } }, port: { type: { is: "special", type: "IntOrString", name: "i" } }, any: { type: { is: "special", type: "JSON", name: "j" } },
      map: { type: { is: "map", of: text } }, words: { type: { is: "list", of: text } }, set: { type: { is: "list", of: text }, listType: "set" }, items: { type: listOf("Item"), listType: "map", listMapKeys: ["name"] },
      whole: { type: listOf("Item") }, selector: { type: ref("Selector") },
    },
  },
  Item: { name: "Item", fields: { name: { type: text }, count: { type: { is: "scalar", type: "integer" } } } },
  Selector: { name: "Selector", atomic: true, fields: { matchLabels: { type: { is: "map", of: text } } } },
};
const schemas: SchemaLookup = { type: (name) => types[name], kind: () => undefined };
const shape = Shapes.of(schemas).object(types["Kind"] as ObjectSchema);

for (const [value, message] of [
  [{ text: 1 }, ".text: expected string, got &value.valueUnstructured{Value:1}"],
  [{ count: "1" }, ".count: expected numeric (int or float), got string"],
  [{ flag: "yes" }, ".flag: expected boolean, got &{yes}"],
  [{ port: {} }, ".port: expected any scalar, got &{map[]}"],
  [{ map: ["a"] }, ".map: expected map, got &{[a]}"],
  [{ map: { a: 1 } }, ".map.a: expected string, got &value.valueUnstructured{Value:1}"],
  [{ words: "a" }, ".words: expected list, got &{a}"],
  [{ words: ["a", 2] }, ".words[1]: expected string, got &value.valueUnstructured{Value:2}"],
  [{ set: ["a", "a"] }, '.set: duplicate entries for key [="a"]'],
  [{ set: [null] }, ".set: element 0: associative list without keys has an element that's an explicit null"],
  [{ items: [{ count: 1 }] }, '.items: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)'],
  [{ items: [{ name: "a" }, { name: "a" }] }, '.items: duplicate entries for key [name="a"]'],
  [{ items: [{ name: "a", nope: 1 }] }, '.items[name="a"].nope: field not declared in schema'],
  [{ whole: [{ nope: 1 }] }, ".whole[0].nope: field not declared in schema"],
  [{ selector: { nope: 1 } }, ".selector.nope: field not declared in schema"],
  [{ text: 1, nope: 1 }, "errors:\n  .text: expected string, got &value.valueUnstructured{Value:1}\n  .nope: field not declared in schema"],
] as const) test(message, () => assert.throws(() => checkTyped(value, shape), { name: "TypedValueError", message }));

test("null fits everywhere, and anything where nothing is known", () => {
  checkTyped({ text: null, count: null, map: null, words: null, items: null, selector: null, any: [1, { a: null }], port: "http" }, shape);
});

const told = (fields: object, change: (set: ReturnType<typeof decodeFieldSet>) => ReturnType<typeof decodeFieldSet>): string[] => pathsOf(change(decodeFieldSet(fields))).map(pathText);

test("what became atomic is owned as a whole", () => {
  const reconciled = (fields: object) => told(fields, (set) => reconciledSet(set, shape));
  assert.deepEqual(reconciled({ "f:selector": { "f:matchLabels": { "f:a": {} } }, "f:map": { "f:a": {} } }), [".selector", ".map.a"]);
  assert.deepEqual(reconciled({ "f:whole": { ".": {}, 'k:{"name":"a"}': { ".": {} } } }), [".whole"]);
  const set = decodeFieldSet({ "f:words": {}, "f:items": { 'k:{"name":"a"}': { ".": {} } }, "f:gone": { "f:x": {} } });
  assert.equal(reconciledSet(set, shape), set);
  assert.deepEqual(encodeFieldSet(reconciledSet(set, shape)), encodeFieldSet(set));
});

test("filters", () => {
  const fields = { "f:status": { "f:a": {} }, "f:spec": { ".": {}, "f:list": { ".": {}, 'k:{"name":"a"}': { ".": {}, "f:in": { "f:x": {} }, "f:out": {} } } }, "f:metadata": { "f:labels": { "f:a": {} }, "f:name": {} } };
  assert.deepEqual(told(fields, filterOf({ without: ["status", "metadata.labels"] })), [".spec", ".metadata.name", ".spec.list", '.spec.list[name="a"]', '.spec.list[name="a"].out', '.spec.list[name="a"].in.x']);
  assert.deepEqual(told(fields, filterOf({ only: ["spec.list.*.in"] })), [".spec", ".spec.list", '.spec.list[name="a"]', '.spec.list[name="a"].in.x']);
});
