import assert from "node:assert/strict";
import { test } from "node:test";
import { hostRules, vethOf } from "./network/plan.ts";
import { isClusterName, planSpec, type ClusterSpec } from "./spec.ts";

const plan = (options: Partial<Parameters<typeof planSpec>[0]> = {}): ClusterSpec => {
  const spec = planSpec({ name: "dev", nodeCount: 3, apiPort: 6443, others: [], isFree: () => true, registryMirrors: {}, nowMs: 0, ...options });
  assert.ok(spec);
  return spec;
};

test("a cluster gets the first index whose networks are free", () => {
  assert.equal(plan().podCidr, "10.128.0.0/16");
  assert.equal(plan({ others: [{ index: 0 }, { index: 1 }] }).index, 2);
  assert.equal(plan({ isFree: (cidr) => cidr !== "10.128.0.0/16" && cidr !== "10.222.1.0/24" }).index, 2);
  assert.equal(planSpec({ name: "dev", nodeCount: 1, apiPort: 1, others: [], isFree: () => false, registryMirrors: {}, nowMs: 0 }), undefined);
});

test("names and addresses of nodes follow from the cluster", () => {
  const spec = plan();
  assert.deepEqual(spec.nodes[2], { name: "dev-3", address: "10.222.0.12", namespace: "keelson-dev-3" });
  for (const node of spec.nodes) assert.ok(vethOf(spec, node).length <= 15);
});

test("what is addressed to a pod or service is never let out", () => {
  const rules = hostRules(plan());
  assert.match(rules, /iifname "keelson0" oifname != "keelson0" reject/);
  assert.match(rules, /ip daddr @inside oifname != \{ "keelson0", "lo" \} reject/);
  assert.match(rules, /elements = \{ 10\.222\.0\.0\/24, 10\.128\.0\.0\/16, 10\.96\.0\.0\/16 \}/);
});

test("cluster names are DNS labels", () => {
  for (const good of ["dev", "a", "a-1"]) assert.ok(isClusterName(good), good);
  for (const bad of ["", "-a", "A", "a_b", "a.b", "x".repeat(33), "../x"]) assert.ok(!isClusterName(bad), bad);
});
