import assert from "node:assert/strict";
import { test } from "node:test";
import type { ManagedFieldsEntry } from "../object.ts";
import { fieldPath } from "./field-set.ts";
import { entriesAfterScale, entriesOfScale } from "./scale-owners.ts";

const resource = { apiVersion: "apps/v1", versions: ["apps/v1beta1", "apps/v1"], replicas: fieldPath("spec", "replicas") };
/** "me Update apps/v1 scale: replicas,selector" */
function entry(text: string): ManagedFieldsEntry {
  const [who = "", what = ""] = text.split(": ");
  const [manager = "", operation = "", apiVersion = "", subresource] = who.split(" ");
  return { manager, operation: operation as "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1: { "f:spec": Object.fromEntries(what.split(",").map((each) => [`f:${each}`, {}])) }, ...(subresource !== undefined && { subresource }) };
}
const told = (entries: readonly ManagedFieldsEntry[] | undefined): string[] => (entries ?? []).map(({ manager, operation, apiVersion, subresource, fieldsV1 }) =>
  `${[manager, operation, apiVersion, ...(subresource === undefined ? [] : [subresource])].join(" ")}: ${Object.keys((fieldsV1 as Record<"f:spec", object>)["f:spec"]).map((each) => each.slice(2)).join(",")}`);

test("a Scale belongs to those who own the number of replicas", () => {
  assert.deepEqual(told(entriesOfScale(["a Apply apps/v1: replicas,selector", "b Update apps/v1: selector", "c Update apps/v10: replicas", "d Update apps/v1beta1 scale: replicas"].map(entry), resource)),
    ["a Apply autoscaling/v1: replicas", "d Update autoscaling/v1 scale: replicas"]);
  assert.equal(entriesOfScale(undefined, resource), undefined);
});

for (const [what, before, scale, after] of [
  ["nothing changed", ["a Apply apps/v1: replicas,selector"], ["a Apply autoscaling/v1: replicas"], ["a Apply apps/v1: replicas,selector"]],
  ["an owner by update keeps what it wrote", ["a Update apps/v1: replicas,selector"], ["a Update autoscaling/v1: replicas"], ["a Update apps/v1: replicas,selector"]],
  ["the number is taken", ["a Apply apps/v1: replicas,selector"], ["s Update autoscaling/v1 scale: replicas"], ["a Apply apps/v1: selector", "s Update apps/v1 scale: replicas"]],
  ["all is taken", ["a Apply apps/v1: replicas"], ["s Update autoscaling/v1 scale: replicas"], ["s Update apps/v1 scale: replicas"]],
  ["the number is shared", ["a Apply apps/v1: replicas"], ["a Apply autoscaling/v1: replicas", "s Apply autoscaling/v1 scale: replicas"], ["a Apply apps/v1: replicas", "s Apply apps/v1 scale: replicas"]],
  ["the same manager, applied first", ["a Apply apps/v1: replicas,selector"], ["a Update autoscaling/v1 scale: replicas"], ["a Apply apps/v1: selector", "a Update apps/v1 scale: replicas"]],
  ["the same manager, updated first", ["a Update apps/v1: replicas,selector"], ["a Apply autoscaling/v1 scale: replicas"], ["a Apply apps/v1 scale: replicas", "a Update apps/v1: selector"]],
  ["an unknown version is dropped", ["a Apply apps/v10: selector"], ["s Update autoscaling/v1 scale: replicas"], ["s Update apps/v1 scale: replicas"]],
  ["what else a Scale has is nobody's", ["a Apply apps/v1: selector"], ["s Update autoscaling/v1 scale: other"], ["a Apply apps/v1: selector"]],
] as const) test(what, () => assert.deepEqual(told(entriesAfterScale(before.map(entry), scale.map(entry), resource)), after));
