import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { allResources } from "./generated/all-resources.ts";
import { resources } from "./all.ts";

/** What is only asked and never stored. */
const notStored: readonly string[] = ["bindings", "componentstatuses"];
const nameOf = ({ group, version, plural }: { readonly group: string; readonly version: string; readonly plural: string }): string => `${group}/${version}/${plural}`;

test("every kind that is on by default and stored has its behaviour", () => {
  const stored = allResources.filter(({ type, onByDefault }) => onByDefault && type.verbs.includes("list") && !notStored.includes(type.plural)).map(({ type }) => nameOf(type));
  assert.deepEqual(resources.map(({ type }) => nameOf(type)).toSorted(), stored.toSorted());
});

test("every subresource that stores the object has a strategy", () => {
  const elsewhere = ["attach", "binding", "eviction", "exec", "log", "portforward", "proxy", "scale", "token"];
  for (const { type, subresources } of resources) {
    const own = Object.keys(type.subresources).filter((name) => !elsewhere.includes(name));
    assert.deepEqual(Object.keys(subresources).toSorted(), own.toSorted(), nameOf(type));
  }
});

test("defaults of an empty object never fail and are idempotent", () => {
  for (const { type, defaults, prepareForCreate } of resources) {
    const once = defaults({ apiVersion: type.version, kind: type.kind, metadata: { name: "a" } });
    assert.equal(defaults(once), once, nameOf(type));
    prepareForCreate(once);
  }
});

test("every kind has a table of good and bad objects", () => {
  const texts = globSync("*/*.test.ts", { cwd: import.meta.dirname }).concat("kinds.test.ts").map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"));
  const kinds = new Set(resources.map(({ type }) => type.kind));
  const without = [...kinds].filter((kind) => !texts.some((text) => text.includes(`["${kind}", `) || new RegExp(`test(?:Creates|Updates)\\(${kind}Resource`, "i").test(text) || text.includes(`kind: "${kind}", metadata`)));
  assert.deepEqual(without, []);
});
