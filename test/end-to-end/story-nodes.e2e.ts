// The story, line 10: three nodes; pods spread and reach each other; a node is drained; a node is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Node, Pod, PodList } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
let nodes: readonly string[];
before(async () => {
  // Signs of life come every 10 s; upstream waits for 50 s of silence.
  cluster = await TestCluster.start({ nodes: 3, images: ["busybox", "nginx"], flags: ["--node-monitor-grace-period", "20s"] });
  nodes = [1, 2, 3].map((i) => `${cluster.name}-${i}`);
});
after(() => cluster?.[Symbol.asyncDispose]());

const runningPods = async (selector: string): Promise<readonly Pod[]> =>
  (await cluster.get<PodList>("pods", "-l", selector)).items.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === "Running" && (status.containerStatuses ?? []).every(({ ready }) => ready));
const readyOf = async (node: string): Promise<string> => (await cluster.get<Node>("node", node)).status?.conditions?.find(({ type }) => type === "Ready")?.status ?? "";
const taintsOf = async (node: string): Promise<readonly string[]> => ((await cluster.get<Node>("node", node)).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);

test("10. three nodes are Ready, each with addresses and a range of its own", async () => {
  const table = await cluster.kubectl("get", "nodes", "-o", "wide");
  assert.equal(table.match(/ Ready +<none> +\S+ +v1\.36\.\d+\S* +10\.222\.\d+\.1[012] +<none> .*containerd:\/\/1\./g)?.length, 3, table);
  const ranges = new Set((await cluster.get<{ readonly items: readonly Node[] }>("nodes")).items.map(({ spec }) => spec?.podCIDR));
  assert.equal(ranges.size, 3);
});

test("10. pods spread over the nodes, and reach each other by address", async () => {
  await cluster.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=6");
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  const pods = await runningPods("app=web");
  const perNode = nodes.map((node) => pods.filter(({ spec }) => spec?.nodeName === node).length);
  assert.deepEqual(perNode, [2, 2, 2]);
  for (const node of nodes) {
    await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: `from-${node}`, labels: { role: "client" } }, spec: { nodeName: node, terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "1000"] }] } });
  }
  for (const node of nodes) {
    await cluster.ready(`from-${node}`);
    for (const { metadata, status } of pods) assert.match(await cluster.kubectl("exec", `from-${node}`, "--", "timeout", "10", "wget", "-qO-", `http://${status?.podIP}/`), /Welcome to nginx!/, `${node} to ${metadata.name}`);
  }
});

test("10. draining a node moves its pods and nothing else", async () => {
  const [drained = ""] = nodes;
  await cluster.kubectl("delete", "pods", "-l", "role=client", "--now");
  const before = await runningPods("app=web");
  const staying = before.filter(({ spec }) => spec?.nodeName !== drained).map(({ metadata }) => metadata.uid ?? "");
  assert.equal(staying.length, 4);
  // What nobody would make again, what belongs to the node, and what a budget protects stays until somebody insists.
  const sleeper = { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "1000"] }] };
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "alone" }, spec: { nodeName: drained, ...sleeper } });
  await cluster.apply({ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "everywhere" }, spec: { selector: { matchLabels: { app: "everywhere" } }, template: { metadata: { labels: { app: "everywhere" } }, spec: sleeper } } });
  await cluster.kubectl("rollout", "status", "daemonset/everywhere", "--timeout=90s");
  await cluster.apply({ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "all-of-them" }, spec: { minAvailable: 6, selector: { matchLabels: { app: "web" } } } });
  await until("the budget counts", async () => (await cluster.kubectl("get", "pdb", "all-of-them", "-o", "jsonpath={.status.currentHealthy} {.status.disruptionsAllowed}")) === "6 0");
  const refused = await cluster.try(["drain", drained, "--timeout=5s"]);
  assert.match(refused.stderr, /cannot delete DaemonSet-managed Pods \(use --ignore-daemonsets to ignore\): default\/everywhere-/);
  assert.match(refused.stderr, /cannot delete Pods that declare no controller \(use --force to override\): default\/alone/);
  await cluster.kubectl("delete", "pod", "alone", "--now");
  const kept = await cluster.try(["drain", drained, "--ignore-daemonsets", "--timeout=2s"]);
  assert.match(kept.stderr, /Cannot evict pod as it would violate the pod's disruption budget\./);
  assert.deepEqual((await runningPods("app=web")).map(({ metadata }) => metadata.uid ?? "").toSorted(), before.map(({ metadata }) => metadata.uid ?? "").toSorted());
  await cluster.kubectl("delete", "pdb", "all-of-them");
  const printed = await cluster.kubectl("drain", drained, "--ignore-daemonsets", "--timeout=120s");
  assert.match(printed, new RegExp(`^node/${drained} (cordoned|drained)$`, "m"));
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  const after = await until("six pods run elsewhere", async () => {
    const pods = await runningPods("app=web");
    return pods.length === 6 && pods;
  });
  assert.ok(after.every(({ spec }) => spec?.nodeName !== drained));
  const uids = new Set(after.map(({ metadata }) => metadata.uid));
  for (const uid of staying) assert.ok(uids.has(uid), "a pod of another node was moved");
  assert.match(await cluster.kubectl("get", "node", drained), / Ready,SchedulingDisabled /);
  assert.equal((await runningPods("app=everywhere")).length, 3);
  await cluster.kubectl("delete", "daemonset", "everywhere");
  await cluster.kubectl("uncordon", drained);
});

test("10. a node whose agent is killed becomes NotReady, and its pods are evicted after their toleration", async () => {
  const lost = nodes[1] ?? "";
  // Two pods that wait shortly, and one that waits for 300 s, as every pod does by default.
  const pinned = (name: string, tolerations: readonly object[]) => ({
    apiVersion: "v1", kind: "Pod", metadata: { name },
    spec: { nodeName: lost, terminationGracePeriodSeconds: 1, tolerations, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "1000"] }] },
  });
  const shortly = ["not-ready", "unreachable"].map((what) => ({ key: `node.kubernetes.io/${what}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 2 }));
  await cluster.apply(pinned("hasty", shortly));
  await cluster.apply(pinned("patient", []));
  await cluster.ready("hasty");
  await cluster.ready("patient");
  process.kill(cluster.pidOf(`agent-${lost}`), "SIGKILL");

  await until("the node is NotReady", async () => (await readyOf(lost)) === "Unknown", { msMax: 150_000 });
  assert.match(await cluster.kubectl("get", "node", lost), / NotReady /);
  await until("it is tainted", async () => {
    const taints = await taintsOf(lost);
    return taints.includes("node.kubernetes.io/unreachable:NoSchedule") && taints.includes("node.kubernetes.io/unreachable:NoExecute");
  });
  await until("the hasty pod is being deleted", async () => (await cluster.get<Pod>("pod", "hasty")).metadata.deletionTimestamp !== undefined);
  const patient = await cluster.get<Pod>("pod", "patient");
  assert.equal(patient.metadata.deletionTimestamp, undefined);
  assert.equal(patient.status?.conditions?.find(({ type }) => type === "Ready")?.status, "False", "its readiness is unknown, so nobody is sent there");

  await cluster.keelson("up", cluster.name);
  await until("the node is Ready again", async () => (await readyOf(lost)) === "True");
  await until("the taints are gone", async () => (await taintsOf(lost)).length === 0);
  await until("the hasty pod is gone", async () => /NotFound/.test((await cluster.try(["get", "pod", "hasty"])).stderr));
  await cluster.ready("patient");
  assert.equal((await cluster.get<Pod>("pod", "patient")).status?.containerStatuses?.[0]?.restartCount, 0);
});

test("a node that was taken for lost says so itself when it is not", async () => {
  const [taken = ""] = nodes;
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "steady" }, spec: { nodeName: taken, terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "1000"] }] } });
  await cluster.ready("steady");
  const lost = { status: { conditions: [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." }] } };
  await cluster.kubectl("patch", "node", taken, "--subresource=status", "--type=strategic", "-p", JSON.stringify(lost));
  await until("it is tainted", async () => (await taintsOf(taken)).includes("node.kubernetes.io/unreachable:NoSchedule"));
  await until("the node is Ready again", async () => (await readyOf(taken)) === "True", { msMax: 40_000 });
  await until("the taints are gone", async () => (await taintsOf(taken)).length === 0);
  // While it was silent its pods counted as not ready; the same containers are again.
  await cluster.kubectl("wait", "pod/steady", "--for=condition=Ready", "--timeout=40s");
  assert.equal((await cluster.get<Pod>("pod", "steady")).status?.containerStatuses?.[0]?.restartCount, 0);
  await cluster.kubectl("delete", "pod", "steady", "--now");
});

test("a cluster grows: up --nodes 4", async () => {
  await cluster.keelson("up", cluster.name, "--nodes", "4");
  assert.equal((await cluster.kubectl("get", "nodes", "-o", "name")).trim().split("\n").length, 4);
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "newest" }, spec: { nodeName: `${cluster.name}-4`, terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", command: ["sleep", "1000"] }] } });
  await cluster.ready("newest");
  const [web] = await runningPods("app=web");
  assert.match(await cluster.kubectl("exec", "newest", "--", "timeout", "10", "wget", "-qO-", `http://${web?.status?.podIP}/`), /Welcome to nginx!/);
  assert.match((await cluster.tryKeelson("up", cluster.name, "--nodes", "2")).stderr, /has 4 nodes, more than 2/);
});
