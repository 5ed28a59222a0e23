import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { barOf, stepLine, timeline } from "./timeline.ts";

const step = (startMs: number, endMs: number, name: string) => ({ trace: "a", component: "kubelet", name, startMs, endMs, attributes: { image: "nginx" } });

test("a step covers its part of the bar, and at least one column", () => {
  assert.equal(barOf(step(0, 100, "a"), 0, 100).trimEnd().length, 32);
  assert.equal(barOf(step(100, 100, "a"), 0, 100).indexOf("█"), 31);
  assert.equal(barOf(step(50, 50, "a"), 50, 0).trim(), "█");
});

test("lines are in order of their start and say what, who, when and how long", () => {
  const lines = timeline([step(1_020, 1_250, "created container"), step(1_000, 1_010, "sandbox")]).map(stripVTControlCharacters);
  assert.match(lines[0] ?? "", /^ +\+0\.0 ms +10\.0 ms .*kubelet +sandbox: image nginx$/);
  assert.match(lines[1] ?? "", /^ +\+20\.0 ms +230 ms .*created container/);
  assert.equal(stripVTControlCharacters(stepLine(step(1_020, 1_250, "started"), 1_000)), "  +20.0 ms  kubelet         started: image nginx (230 ms)");
  assert.deepEqual(timeline([]), []);
});
