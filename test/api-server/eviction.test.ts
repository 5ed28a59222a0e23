import assert from "node:assert/strict";
import { test } from "node:test";
import { pods, type Pod } from "../../src/api/generated/core-v1.ts";
import { poddisruptionbudgets, type PodDisruptionBudget } from "../../src/api/generated/policy-v1.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { startTestServer } from "./fixture.ts";

test("a budget holds evictions back until it allows one", async () => {
  await using started = await startTestServer();
  // Over HTTP the client would try again, as Retry-After asks it to.
  const client = new TypedClient(started.local);
  const made = await client.create<Pod>(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default", labels: { app: "p" } }, spec: { containers: [{ name: "c", image: "nginx" }] } });
  await client.post(pods, { namespace: "default", name: "p" }, "binding", { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "n" } });
  const bound = await client.get(pods, { namespace: "default", name: "p" });
  await client.updateStatus(pods, { ...bound, status: { ...bound.status, phase: "Running", conditions: [{ type: "Ready", status: "True" }] } });
  const budget = await client.create<PodDisruptionBudget>(poddisruptionbudgets, {
    apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "b", namespace: "default" }, spec: { minAvailable: 1, selector: { matchLabels: { app: "p" } } },
  });
  const evict = () => client.post(pods, { namespace: "default", name: "p" }, "eviction", { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p", namespace: "default" } });
  await assert.rejects(evict(), { reason: "TooManyRequests", code: 429, message: "Cannot evict pod as it would violate the pod's disruption budget." });

  const status = (disruptionsAllowed: number) => ({ currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed, observedGeneration: 1 });
  const held = await client.updateStatus(poddisruptionbudgets, { ...budget, status: status(0) });
  await assert.rejects(evict(), (error: { details?: { causes?: readonly { message?: string }[] } }) => error.details?.causes?.[0]?.message === "The disruption budget b needs 1 healthy pods and has 1 currently");
  await client.updateStatus(poddisruptionbudgets, { ...held, status: status(1) });
  await evict();
  const ending = await client.get(pods, { namespace: "default", name: "p" });
  assert.equal(ending.status?.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason, "EvictionByEvictionAPI");
  assert.ok(ending.metadata.deletionTimestamp);
  assert.equal((await client.get(poddisruptionbudgets, { namespace: "default", name: "b" })).status?.disruptionsAllowed, 0);
  assert.ok(made.metadata.uid);
  assert.deepEqual(started.complaints, []);
});
