import assert from "node:assert/strict";
import { test } from "node:test";
import { controllerrevisions, daemonsets, type DaemonSet } from "../../api/generated/apps-v1.ts";
import { nodes, pods, type Node } from "../../api/generated/core-v1.ts";
import { poddisruptionbudgets } from "../../api/generated/policy-v1.ts";
import { disruptionController } from "../disruption/disruption.ts";
import { World } from "../testing/world.ts";
import { daemonSetController } from "./daemonset.ts";
import { nodeOf } from "./plan.ts";

const node = (name: string, more: Partial<Node["spec"]> & { readonly labels?: Record<string, string> } = {}): Node =>
  ({ apiVersion: "v1", kind: "Node", metadata: { name, labels: more.labels ?? {} }, spec: { ...(more.taints && { taints: more.taints }) } });
const daemon = (image: string): DaemonSet => ({
  apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "d", namespace: "default" },
  spec: { selector: { matchLabels: { d: "d" } }, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } }, template: { metadata: { labels: { d: "d" } }, spec: { containers: [{ name: "c", image }], nodeSelector: { os: "linux" } } } },
});
const at = { name: "d", namespace: "default" };
const shown = async (world: World) => (await world.client.list(pods)).items.filter(({ metadata }) => !metadata.deletionTimestamp).map((pod) => `${nodeOf(pod)}:${pod.spec?.containers[0]?.image}`).toSorted().join(" ");

test("one on each node that fits, also on nodes that are not ready; updated one by one", async () => {
  using world = new World([daemonSetController]);
  const linux = { labels: { os: "linux" } };
  for (const each of [node("a", linux), node("b", { ...linux, taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }] }), node("c", { ...linux, taints: [{ key: "own", effect: "NoSchedule" }] }), node("w")]) await world.client.create(nodes, each);
  await world.client.create(daemonsets, daemon("1"));
  await world.pass(100);
  assert.equal(await shown(world), "a:1 b:1");
  await world.kubelet();
  await world.client.create(nodes, node("e", linux));
  await world.pass(100);
  await world.kubelet();
  assert.equal(await shown(world), "a:1 b:1 e:1");
  const { status } = await world.client.get(daemonsets, at);
  assert.deepEqual(status, { currentNumberScheduled: 3, numberMisscheduled: 0, desiredNumberScheduled: 3, numberReady: 3, observedGeneration: 1, updatedNumberScheduled: 3, numberAvailable: 3 });

  const made = await world.client.get(daemonsets, at);
  await world.client.update(daemonsets, { ...made, ...(daemon("2").spec && { spec: daemon("2").spec as NonNullable<DaemonSet["spec"]> }) });
  await world.pass(100);
  assert.equal((await world.client.list(pods)).items.filter((pod) => pod.status?.phase === "Running").length, 2);
  for (let round = 0; round < 6; round++) {
    await world.pass(100);
    await world.kubelet();
  }
  assert.equal(await shown(world), "a:2 b:2 e:2");
  assert.equal((await world.client.list(controllerrevisions)).items.length, 2);
  assert.deepEqual(world.errors, []);
});

test("a budget says how many may go", async () => {
  using world = new World([disruptionController]);
  for (const name of ["a", "b", "c"]) await world.client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", labels: { app: "x" } }, spec: { containers: [] } });
  await world.client.create(poddisruptionbudgets, { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "p", namespace: "default" }, spec: { minAvailable: 2, selector: { matchLabels: { app: "x" } } } });
  await world.pass();
  await world.kubelet();
  const { status } = await world.client.get(poddisruptionbudgets, { name: "p", namespace: "default" });
  assert.deepEqual([status?.currentHealthy, status?.desiredHealthy, status?.expectedPods, status?.disruptionsAllowed, status?.conditions?.[0]?.reason], [3, 2, 3, 1, "SufficientPods"]);
});
