import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodDisruptionBudget } from "../../api/generated/policy-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";
import { defaultPlugins } from "../plugins/plugins.ts";
import { filtersFor } from "../schedule-pod.ts";
import { clusterOf, node, pod, podInfo } from "../testing/objects.ts";
import { dryRun, isCandidate, pickCandidate, type Candidate } from "./plan.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");
const running = (name: string, nodeName: string, cpu: string, priority: number, app = name): Pod =>
  pod(name, { nodeName, requests: { cpu }, priority, metadata: { name, namespace: "default", uid: `uid-${name}`, labels: { app } } });
const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: app, namespace: "default" }, spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

const cases: Readonly<Record<string, { readonly pods: readonly Pod[]; readonly cpu?: string; readonly budgets?: readonly PodDisruptionBudget[]; readonly expected: string }>> = {
  "the least important goes": { pods: [running("low", "n", "2", 1), running("mid", "n", "2", 5)], expected: "low" },
  "as many as needed": { pods: [running("low", "n", "1", 1), running("mid", "n", "1", 5), running("high", "n", "2", 50)], expected: "mid low" },
  "nobody of the same priority": { pods: [running("same", "n", "4", 10)], expected: "No preemption victims found for incoming pod" },
  "not enough even without them": { pods: [running("low", "n", "1", 1), running("high", "n", "3", 50)], expected: "Insufficient cpu" },
  "rather one that a budget allows": { pods: [running("guarded", "n", "2", 1), running("free", "n", "2", 5)], budgets: [budget("guarded", 0)], expected: "free" },
  "one that a budget forbids, when it must be": { pods: [running("guarded", "n", "4", 1)], budgets: [budget("guarded", 0)], expected: "guarded (1 violations)" },
};

for (const [name, { pods, budgets = [], expected }] of Object.entries(cases)) {
  test(`victims: ${name}`, () => {
    const cluster = clusterOf([node("n")], pods);
    const [info] = cluster.nodes;
    assert.ok(info);
    const subject = podInfo("subject", { requests: { cpu: "2" }, priority: 10 });
    const filters = filtersFor(subject, cluster, defaultPlugins);
    assert.ok(!("reasons" in filters));
    const before = JSON.stringify([info.requested, [...info.pods].map(({ uid }) => uid).toSorted()]);
    const outcome = dryRun(info, { pod: subject, filters, nominated: () => [], budgets, nowMs });
    const shown = isCandidate(outcome)
      ? `${outcome.victims.map((victim) => victim.pod.metadata.name).join(" ")}${outcome.budgetViolations > 0 ? ` (${outcome.budgetViolations} violations)` : ""}`
      : outcome.reasons.join(", ");
    assert.equal(shown, expected);
    assert.equal(JSON.stringify([info.requested, [...info.pods].map(({ uid }) => uid).toSorted()]), before, "the node is as before");
  });
}

test("which node is freed", () => {
  const victim = (priority: number, startTime = "2025-01-01T00:00:00Z") => podInfo("v", { priority, status: { startTime } });
  const candidate = (name: string, victims: Candidate["victims"], budgetViolations = 0): Candidate => ({ node: name, victims, budgetViolations });
  const pick = (...candidates: readonly Candidate[]) => pickCandidate(candidates, nowMs)?.node;
  assert.equal(pick(candidate("a", [victim(1)], 1), candidate("b", [victim(9)])), "b", "fewest broken budgets");
  assert.equal(pick(candidate("a", [victim(9)]), candidate("b", [victim(5), victim(5)])), "b", "least important victims");
  assert.equal(pick(candidate("a", [victim(5), victim(5)]), candidate("b", [victim(5), victim(1)])), "b", "smallest sum");
  assert.equal(pick(candidate("a", [victim(0), victim(-2147483648)]), candidate("b", [victim(0)])), "b", "fewest victims");
  assert.equal(pick(candidate("a", [victim(5)]), candidate("b", [victim(5, "2025-06-01T00:00:00Z")])), "b", "those that started last");
  assert.equal(pick(), undefined);
});
