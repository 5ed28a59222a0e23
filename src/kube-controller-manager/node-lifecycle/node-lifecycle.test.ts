import assert from "node:assert/strict";
import { test } from "node:test";
import { leases, type Lease } from "../../api/generated/coordination-v1.ts";
import { events, nodes, pods, type Node, type Toleration } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { formatMicroTime } from "../../apimachinery/time.ts";
import { nodeIpamController } from "../node-ipam/node-ipam.ts";
import { nextFree } from "../node-ipam/plan.ts";
import { taintEvictionController } from "../taint-eviction/taint-eviction.ts";
import { toleratedMs } from "../taint-eviction/plan.ts";
import { World } from "../testing/world.ts";
import { nodeLifecycleController } from "./node-lifecycle.ts";
import { evictionIntervalMs } from "./plan.ts";

const node = (name: string): Node => ({
  apiVersion: "v1", kind: "Node", metadata: { name, labels: { "kubernetes.io/os": "linux" } }, spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
  status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] },
});
const seconds = 1000;

async function beat(world: World, name: string): Promise<void> {
  const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace: "kube-node-lease" }, spec: { renewTime: formatMicroTime(world.clock.now()) } };
  const known = await world.client.get(leases, { name, namespace: "kube-node-lease" }).catch(() => undefined);
  if (known) await world.client.update(leases, { ...known, ...(lease.spec && { spec: lease.spec }) });
  else await world.client.create(leases, lease);
}
const taints = async (world: World, name: string) => ((await world.client.get(nodes, { name })).spec?.taints ?? []).map(({ key, effect }) => `${key.split("/")[1]}:${effect}`).join(" ");

test("a node that falls silent is unreachable after 50 s, its pods are not ready at once and evicted when they tolerate it no longer", async () => {
  using world = new World([nodeLifecycleController(), taintEvictionController()]);
  for (const name of ["a", "b"]) await world.client.create(nodes, node(name));
  const tolerations = ["not-ready", "unreachable"].map((key): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  await world.client.create(pods, {
    apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, spec: { nodeName: "b", containers: [], tolerations }, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  });
  await world.pass();
  assert.equal(await taints(world, "b"), "");
  assert.equal((await world.client.get(nodes, { name: "b" })).metadata.labels?.["beta.kubernetes.io/os"], "linux");

  const live = async (forMs: number, ...names: readonly string[]) => {
    for (let passed = 0; passed < forMs; passed += 10 * seconds) {
      for (const name of names) await beat(world, name);
      await world.pass(10 * seconds);
    }
  };
  await live(100 * seconds, "a", "b");
  assert.equal(await taints(world, "b"), "");
  await live(30 * seconds, "a");
  assert.equal(await taints(world, "b"), "");
  await live(30 * seconds, "a");
  assert.equal(await taints(world, "b"), "unreachable:NoSchedule unreachable:NoExecute");
  assert.equal((await world.client.get(nodes, { name: "b" })).status?.conditions?.[0]?.reason, "NodeStatusUnknown");
  const at = { name: "p", namespace: "default" };
  assert.equal((await world.client.get(pods, at)).status?.conditions?.[0]?.status, "False");

  await live(270 * seconds, "a");
  assert.equal((await world.client.get(pods, at)).metadata.deletionTimestamp, undefined);
  await live(30 * seconds, "a");
  const evicted = await world.client.get(pods, at);
  assert.ok(evicted.metadata.deletionTimestamp);
  assert.equal(evicted.status?.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason, "DeletionByTaintManager");
  const texts = (await world.client.list(events)).items.map(({ message }) => message);
  for (const text of ["Registered Node b in Controller", "Node b status is now: NodeNotReady", "Node is not ready", "Marking for deletion Pod default/p"]) assert.ok(texts.includes(text), text);

  const back = await world.client.get(nodes, { name: "b" });
  await world.client.updateStatus(nodes, { ...back, status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "later" }] } });
  await world.pass();
  assert.equal(await taints(world, "b"), "");
  assert.deepEqual(world.errors, []);
});

test("when no node is ready, nothing is evicted", async () => {
  using world = new World([nodeLifecycleController()]);
  await world.client.create(nodes, node("a"));
  await world.pass(120 * seconds);
  assert.equal(await taints(world, "a"), "unreachable:NoSchedule");
});

test("cordoning taints", async () => {
  using world = new World([nodeLifecycleController()]);
  const made = await world.client.create(nodes, node("a"));
  await world.client.update(nodes, { ...made, spec: { unschedulable: true } });
  await world.pass();
  assert.equal(await taints(world, "a"), "unschedulable:NoSchedule");
  await world.client.delete(nodes, { name: "a" });
  await world.pass();
  await assert.rejects(world.client.get(nodes, { name: "a" }), isNotFound);
});

test("how fast nodes are given up", () => {
  assert.equal(evictionIntervalMs({ ready: 9, notReady: 1 }), 10_000);
  assert.equal(evictionIntervalMs({ ready: 1, notReady: 3 }), undefined);
  assert.equal(evictionIntervalMs({ ready: 30, notReady: 70 }), 100_000);
});

test("how long a pod may stay", () => {
  const taint = { key: "k", value: "v", effect: "NoExecute" };
  const cases: readonly [readonly Toleration[], number][] = [
    [[], 0],
    [[{ operator: "Exists" }], Infinity],
    [[{ key: "k", operator: "Equal", value: "v", tolerationSeconds: 5 }], 5000],
    [[{ key: "k", value: "other" }], 0],
    [[{ key: "k", operator: "Exists", effect: "NoSchedule" }], 0],
    [[{ key: "k", operator: "Exists", tolerationSeconds: -1 }], 0],
    [[{ operator: "Exists" }, { key: "k", operator: "Exists", tolerationSeconds: 7 }], 7000],
  ];
  for (const [tolerations, expected] of cases) assert.equal(toleratedMs({ apiVersion: "v1", kind: "Pod", metadata: {}, spec: { containers: [], tolerations } }, [taint]), expected, JSON.stringify(tolerations));
});

test("every node gets its own part of the pod addresses", async () => {
  const cidr = { cidr: "10.244.0.0/22", nodeMaskSize: 24 };
  using world = new World([nodeIpamController([cidr])]);
  for (let each = 0; each < 5; each++) await world.client.create(nodes, node(`n${each}`));
  await world.pass(100);
  assert.deepEqual((await world.client.list(nodes)).items.map(({ spec }) => spec?.podCIDR), ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24", undefined]);
  await world.client.delete(nodes, { name: "n1" });
  await world.pass(2_000_000);
  assert.equal((await world.client.get(nodes, { name: "n4" })).spec?.podCIDR, "10.244.1.0/24");
  assert.equal(nextFree(cidr, ["10.244.0.0/23"]), "10.244.2.0/24");
  assert.equal(nextFree({ cidr: "fd00::/56", nodeMaskSize: 64 }, ["fd00::/64"]), "fd00:0:0:1::/64");
});
