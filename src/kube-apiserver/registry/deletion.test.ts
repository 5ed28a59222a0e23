import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta } from "../../apimachinery/object.ts";
import { planDeletion, type DeleteOptions } from "./deletion.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");
const graceful = { gracePeriodSeconds: (_: unknown, requested: number | undefined) => requested ?? 30, defaultGarbageCollection: "background" } as const;
const abrupt = { gracePeriodSeconds: () => 0, defaultGarbageCollection: "background" } as const;
const orphaning = { gracePeriodSeconds: () => 0, defaultGarbageCollection: "orphan" } as const;

const told = (metadata: ObjectMeta, options: DeleteOptions, resource: Parameters<typeof planDeletion>[2]): string => {
  const plan = planDeletion({ apiVersion: "v1", kind: "Thing", metadata }, options, resource, nowMs);
  if (plan.is !== "mark") return plan.is;
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [], generation } = plan.object.metadata;
  return ["mark", deletionTimestamp?.slice(14, 19), deletionGracePeriodSeconds, finalizers.join("+"), generation].filter((each) => each !== undefined && each !== "").join(" ");
};

test("what becomes of a delete", () => {
  const ending = (deletionTimestamp: string, deletionGracePeriodSeconds: number): ObjectMeta => ({ deletionTimestamp: `2026-01-01T00:${deletionTimestamp}Z`, deletionGracePeriodSeconds });
  for (const [name, metadata, options, resource, expected] of [
    ["nothing holds it", {}, {}, abrupt, "remove"],
    ["a finalizer holds it", { finalizers: ["a/b"], generation: 1 }, {}, abrupt, "mark 01:00 0 a/b 2"],
    ["it was asked for before", { finalizers: ["a/b"], ...ending("00:30", 0) }, {}, abrupt, "mark 00:30 0 a/b"],
    ["foreground", {}, { propagationPolicy: "Foreground" }, abrupt, "mark 01:00 0 foregroundDeletion"],
    ["orphan", { finalizers: ["a/b"] }, { propagationPolicy: "Orphan" }, abrupt, "mark 01:00 0 a/b+orphan"],
    ["orphan by default", {}, {}, orphaning, "mark 01:00 0 orphan"],
    ["background in spite of the default", {}, { propagationPolicy: "Background" }, orphaning, "remove"],
    ["another policy takes the finalizer away", { finalizers: ["orphan"] }, { propagationPolicy: "Background" }, abrupt, "remove"],
    ["the old way to say it", {}, { orphanDependents: true }, abrupt, "mark 01:00 0 orphan"],
    ["gracefully", { generation: 3 }, {}, graceful, "mark 01:30 30 4"],
    ["gracefully, in a time of one's own", {}, { gracePeriodSeconds: 5 }, graceful, "mark 01:05 5"],
    ["less than nothing is a second", {}, { gracePeriodSeconds: -1 }, graceful, "mark 01:01 1"],
    ["at once", {}, { gracePeriodSeconds: 0 }, graceful, "remove"],
    ["again", ending("01:20", 30), {}, graceful, "pending"],
    ["again, but later", ending("01:20", 30), { gracePeriodSeconds: 60 }, graceful, "pending"],
    ["again, but sooner", ending("01:20", 30), { gracePeriodSeconds: 20 }, graceful, "mark 01:10 20"],
    ["again, and the sooner time is over", ending("01:20", 30), { gracePeriodSeconds: 5 }, graceful, "mark 01:00 1"],
    ["again, and at once", ending("01:20", 30), { gracePeriodSeconds: 0 }, graceful, "remove"],
    ["at once, but held", { finalizers: ["a/b"], ...ending("01:20", 30) }, { gracePeriodSeconds: 0 }, graceful, "mark 01:00 0 a/b"],
  ] as const satisfies readonly (readonly [string, ObjectMeta, DeleteOptions, Parameters<typeof planDeletion>[2], string])[]) {
    assert.equal(told(metadata, options, resource), expected, name);
  }
});
