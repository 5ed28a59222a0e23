import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../api/generated/core-v1.ts";
import { matcherOfLabels } from "../apimachinery/label-selector.ts";
import type { ClusterCache } from "./cache/cluster-cache.ts";
import type { Surroundings } from "./cache/surroundings.ts";
import { diagnosisText } from "./framework/diagnosis.ts";
import { podInfoOf } from "./framework/pod-info.ts";
import { defaultPlugins } from "./plugins/plugins.ts";
import { feasibleNodesWanted, schedulePod } from "./schedule-pod.ts";
import { clusterOf, node, pod, type PodParts } from "./testing/objects.ts";

const attempt = (of: Pod, cluster: ClusterCache, random = () => 0) =>
  schedulePod({ pod: podInfoOf(of), cluster, plugins: defaultPlugins, nominated: () => [], start: 0, random });

interface Case {
  readonly pod: PodParts;
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly surroundings?: Partial<Surroundings>;
  /** The nodes that are left, or the message. */
  readonly expected: readonly string[] | string;
}

const zone = (name: string, value: string) => node(name, { labels: { zone: value } });
const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "a" } } };
const appA = { metadata: { labels: { app: "a" } } };
const appB = { metadata: { labels: { app: "b" } } };
const near = (app: string) => ({ labelSelector: { matchLabels: { app } }, topologyKey: "zone" });
const onNode = (name: string, nodeName: string, parts: PodParts = {}) => pod(name, { nodeName, ...parts, ...(parts.metadata && { metadata: { name, namespace: "default", uid: `uid-${name}`, ...parts.metadata } }) });

const filterCases: Readonly<Record<string, Case>> = {
  "everything fits": { pod: { requests: { cpu: "1" } }, nodes: [node("a"), node("b")], expected: ["a", "b"] },
  "a cordoned node": { pod: {}, nodes: [node("a", { spec: { unschedulable: true } }), node("b")], expected: ["b"] },
  "a cordoned node, tolerated": { pod: { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] }, nodes: [node("a", { spec: { unschedulable: true } })], expected: ["a"] },
  "a taint": { pod: {}, nodes: [node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } })], expected: "0/1 nodes are available: 1 node(s) had untolerated taint(s)." },
  "a taint, tolerated by value": { pod: { tolerations: [{ key: "k", value: "v", effect: "NoSchedule" }] }, nodes: [node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } })], expected: ["a"] },
  "a taint of another value": { pod: { tolerations: [{ key: "k", value: "x" }] }, nodes: [node("a", { spec: { taints: [{ key: "k", value: "v", effect: "NoExecute" }] } })], expected: "0/1 nodes are available: 1 node(s) had untolerated taint(s)." },
  "PreferNoSchedule keeps nobody away": { pod: {}, nodes: [node("a", { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } })], expected: ["a"] },
  "nodeSelector": { pod: { nodeSelector: { disk: "ssd" } }, nodes: [node("a", { labels: { disk: "ssd" } }), node("b")], expected: ["a"] },
  "nodeSelector that matches none": { pod: { nodeSelector: { disk: "ssd" } }, nodes: [node("a")], expected: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector." },
  "required node affinity: terms are alternatives": {
    pod: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: "n", operator: "Gt", values: ["5"] }] }, { matchExpressions: [{ key: "n", operator: "DoesNotExist" }] }, {}] } } } },
    nodes: [node("a", { labels: { n: "7" } }), node("b", { labels: { n: "3" } }), node("c")], expected: ["a", "c"],
  },
  "named node, as DaemonSets have it": {
    pod: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }] } } } },
    nodes: [node("a"), node("b"), node("c")], expected: ["b"],
  },
  "named node that is full": {
    pod: { requests: { cpu: "9" }, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }] } } } },
    nodes: [node("a"), node("b"), node("c")], expected: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  },
  "host ports": { pod: { hostPorts: [{ hostPort: 80 }] }, nodes: [node("a"), node("b")], pods: [onNode("p", "a", { hostPorts: [{ hostPort: 80, hostIP: "127.0.0.1" }] })], expected: ["b"] },
  "host ports of different addresses": { pod: { hostPorts: [{ hostPort: 80, hostIP: "127.0.0.2" }] }, nodes: [node("a")], pods: [onNode("p", "a", { hostPorts: [{ hostPort: 80, hostIP: "127.0.0.1" }] })], expected: ["a"] },
  "host ports of different protocols": { pod: { hostPorts: [{ hostPort: 80, protocol: "UDP" }] }, nodes: [node("a")], pods: [onNode("p", "a", { hostPorts: [{ hostPort: 80 }] })], expected: ["a"] },
  "host port taken": { pod: { hostPorts: [{ hostPort: 80 }] }, nodes: [node("a")], pods: [onNode("p", "a", { hostPorts: [{ hostPort: 80 }] })], expected: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports." },
  "not enough of several resources": {
    pod: { requests: { cpu: "3", memory: "6Gi", "example.com/gpu": "1" } }, nodes: [node("a"), node("b", { allocatable: { "example.com/gpu": "1" } })], pods: [onNode("p", "b", { requests: { cpu: "2", memory: "4Gi" } })],
    expected: "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory.",
  },
  "too many pods": { pod: {}, nodes: [node("a", { allocatable: { pods: "1" } })], pods: [onNode("p", "a")], expected: "0/1 nodes are available: 1 Too many pods." },
  "different reasons": {
    pod: { requests: { cpu: "9" } }, nodes: [node("a"), node("b"), node("c", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } })],
    expected: "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu.",
  },
  "an init container needs the most": {
    pod: { containers: [{ name: "c", resources: { requests: { cpu: "1" } } }], initContainers: [{ name: "i", resources: { requests: { cpu: "5" } } }] },
    nodes: [node("a"), node("b", { allocatable: { cpu: "5" } })], expected: ["b"],
  },
  "a sidecar counts beside containers, overhead on top": {
    pod: { containers: [{ name: "c", resources: { requests: { cpu: "2" } } }], initContainers: [{ name: "i", restartPolicy: "Always", resources: { requests: { cpu: "2" } } }], overhead: { cpu: "500m" } },
    nodes: [node("a"), node("b", { allocatable: { cpu: "4500m" } })], expected: ["b"],
  },
  "topology spread": { pod: { ...appA, topologySpreadConstraints: [spread] }, nodes: [zone("a", "1"), zone("b", "2")], pods: [onNode("p", "a", appA)], expected: ["b"] },
  "topology spread without the label": { pod: { ...appA, topologySpreadConstraints: [spread] }, nodes: [node("a")], expected: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)." },
  "topology spread with too few domains": { pod: { ...appA, topologySpreadConstraints: [{ ...spread, minDomains: 3 }] }, nodes: [zone("a", "1"), zone("b", "2")], pods: [onNode("p", "a", appA), onNode("q", "b", appA)], expected: "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints." },
  "pod affinity": { pod: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("b")] } } }, nodes: [zone("a", "1"), zone("b", "1"), zone("c", "2")], pods: [onNode("p", "a", appB)], expected: ["a", "b"] },
  "pod affinity to itself, first of its kind": { pod: { ...appA, affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("a")] } } }, nodes: [zone("a", "1"), node("b")], expected: ["a"] },
  "pod affinity to nobody": { pod: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("b")] } } }, nodes: [zone("a", "1")], expected: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules." },
  "pod anti-affinity": { pod: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("b")] } } }, nodes: [zone("a", "1"), zone("b", "1"), zone("c", "2")], pods: [onNode("p", "a", appB)], expected: ["c"] },
  "pod anti-affinity of a running pod": {
    pod: appA, nodes: [zone("a", "1")], pods: [onNode("p", "a", { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near("a")] } } })],
    expected: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  },
  "pod affinity across namespaces by their labels": {
    pod: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...near("b"), namespaceSelector: { matchLabels: { team: "x" } } }] } } },
    nodes: [zone("a", "1"), zone("b", "2")], pods: [onNode("p", "b", { metadata: { namespace: "other", labels: { app: "b" } } })],
    surroundings: { namespaceLabels: (name): Readonly<Record<string, string>> => (name === "other" ? { team: "x" } : {}) }, expected: ["b"],
  },
};

for (const [name, { pod: parts, nodes, pods, surroundings, expected }] of Object.entries(filterCases)) {
  test(`filter: ${name}`, () => {
    const subject = pod("subject", parts.metadata ? { ...parts, metadata: { name: "subject", namespace: "default", uid: "uid-subject", ...parts.metadata } } : parts);
    const outcome = attempt(subject, clusterOf(nodes, pods, surroundings));
    assert.deepEqual("node" in outcome ? outcome.feasible.map((each) => each.name) : diagnosisText(outcome), expected);
  });
}

const scoreCases: Readonly<Record<string, Case & { readonly plugin: string; readonly expected: readonly string[] }>> = {
  "least allocated": { plugin: "NodeResourcesFit", pod: { requests: { cpu: "1", memory: "2Gi" } }, nodes: [node("a"), node("b")], pods: [onNode("p", "a", { requests: { cpu: "2", memory: "2Gi" } })], expected: ["a 37", "b 75"] },
  "least allocated, nothing requested": { plugin: "NodeResourcesFit", pod: {}, nodes: [node("a"), node("b")], expected: ["a 97", "b 97"] },
  "balanced": { plugin: "NodeResourcesBalancedAllocation", pod: { requests: { cpu: "2" } }, nodes: [node("a"), node("b")], pods: [onNode("p", "a", { requests: { memory: "4Gi" } })], expected: ["a 87", "b 62"] },
  "preferred node affinity": {
    plugin: "NodeAffinity", pod: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 30, preference: { matchExpressions: [{ key: "x", operator: "Exists" }] } }, { weight: 10, preference: { matchExpressions: [{ key: "y", operator: "Exists" }] } }] } } },
    nodes: [node("a", { labels: { x: "" } }), node("b", { labels: { x: "", y: "" } }), node("c")], expected: ["a 150", "b 200", "c 0"],
  },
  "taints to prefer not": { plugin: "TaintToleration", pod: {}, nodes: [node("a", { spec: { taints: [{ key: "k", effect: "PreferNoSchedule" }] } }), node("b")], expected: ["a 0", "b 300"] },
  "images": { plugin: "ImageLocality", pod: {}, nodes: [node("a", { status: { images: [{ names: ["nginx:latest"], sizeBytes: 1000 * 1024 * 1024 }] } }), node("b")], expected: ["a 48", "b 0"] },
  "preferred pod affinity": {
    plugin: "InterPodAffinity", pod: { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: near("b") }] } } },
    nodes: [zone("a", "1"), zone("b", "2")], pods: [onNode("p", "a", appB)], expected: ["a 200", "b 0"],
  },
  "a running pod's preferred anti-affinity": {
    plugin: "InterPodAffinity", pod: appA, nodes: [zone("a", "1"), zone("b", "2")],
    pods: [onNode("p", "a", { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: near("a") }] } } })], expected: ["a 0", "b 200"],
  },
  "pods of one Service spread by default": {
    plugin: "PodTopologySpread", pod: appA, nodes: [node("a"), node("b")], pods: [onNode("p", "a", appA)], surroundings: { siblingsOf: () => matcherOfLabels({ app: "a" }) }, expected: ["a 132", "b 200"],
  },
};

for (const [name, { plugin, pod: parts, nodes, pods, surroundings, expected }] of Object.entries(scoreCases)) {
  test(`score: ${name}`, () => {
    const subject = pod("subject", parts.metadata ? { ...parts, metadata: { name: "subject", namespace: "default", uid: "uid-subject", ...parts.metadata } } : parts);
    const outcome = attempt(subject, clusterOf(nodes, pods, surroundings));
    assert.ok("node" in outcome && outcome.scoring);
    const scores = outcome.scoring.plugins.find((each) => each.plugin === plugin)?.scores;
    assert.deepEqual(outcome.scoring.nodes.map(({ name: of }, index) => `${of} ${scores?.[index]}`), expected);
  });
}

test("the best total wins, and chance decides between equals", () => {
  const cluster = clusterOf(["a", "b", "c", "d"].map((name) => node(name)), [onNode("p", "a", { requests: { cpu: "3" } })]);
  const chosen = new Map<string, number>();
  let seed = 0;
  for (let i = 0; i < 300; i++) {
    const outcome = attempt(pod("s", { requests: { cpu: "100m" } }), cluster, () => (seed = (seed * 16807 + 11) % 2147483647) / 2147483647);
    if ("node" in outcome) chosen.set(outcome.node.name, (chosen.get(outcome.node.name) ?? 0) + 1);
  }
  assert.deepEqual([...chosen.keys()].toSorted(), ["b", "c", "d"]);
  assert.ok([...chosen.values()].every((count) => count > 60), JSON.stringify([...chosen]));
});

test("how many nodes are looked at", () => {
  for (const [nodes, percentage, expected] of [[10, 0, 10], [99, 0, 99], [100, 0, 100], [1000, 0, 420], [6000, 0, 300], [1000, 1, 100], [5000, 40, 2000]] as const) {
    assert.equal(feasibleNodesWanted(nodes, percentage), expected, `${nodes} nodes`);
  }
});

test("zones take turns in the list of nodes, and pods of a node that is not known yet wait for it", () => {
  const zoned = (name: string, value: string) => node(name, { labels: { "topology.kubernetes.io/zone": value } });
  const cluster = clusterOf([zoned("a1", "a"), zoned("a2", "a"), zoned("b1", "b")], [onNode("early", "late", { requests: { cpu: "1" } })]);
  assert.deepEqual(cluster.nodes.map(({ name }) => name), ["a1", "b1", "a2"]);
  assert.equal(cluster.node("late"), undefined);
  cluster.setNode(zoned("late", "b"));
  assert.equal(cluster.node("late")?.requested["cpu"], 1000);
  cluster.removeNode("a1");
  assert.deepEqual(cluster.nodes.map(({ name }) => name), ["a2", "b1", "late"]);
});

test("room that is promised to a pod of the same or higher priority is not given away, and that pod gets it first", () => {
  const cluster = clusterOf([node("a"), node("b")], [onNode("p", "b", { requests: { cpu: "4" } })]);
  const promised = podInfoOf(pod("promised", { requests: { cpu: "3" }, priority: 10, status: { nominatedNodeName: "a" } }));
  const nominated = (name: string) => (name === "a" ? [promised] : []);
  const place = (of: Pod): string => {
    const outcome = schedulePod({ pod: podInfoOf(of), cluster, plugins: defaultPlugins, nominated, start: 0, random: () => 0 });
    return "node" in outcome ? outcome.node.name : diagnosisText(outcome);
  };
  assert.equal(place(pod("lower", { requests: { cpu: "2" }, priority: 1 })), "0/2 nodes are available: 2 Insufficient cpu.");
  assert.equal(place(pod("higher", { requests: { cpu: "2" }, priority: 11 })), "a");
  assert.equal(place(promised.pod), "a");
  assert.equal(cluster.node("a")?.podCount, 0, "nothing of the trial is left");
});
