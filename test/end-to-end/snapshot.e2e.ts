// A cluster's state is put aside while it runs, and put back.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ConfigMap, Pod, PodList } from "../../src/api/generated/core-v1.ts";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { launcher, TestCluster, uniqueName, until } from "../support/cluster.ts";
import { Guardian } from "../support/guardian.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

const sleeper = (name: string): object => ({
  apiVersion: "v1", kind: "Pod", metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "100000"] }] },
});
const deployment = {
  apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" },
  spec: {
    replicas: 2, selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "100000"] }] } },
  },
};
const pods = async (): Promise<readonly Pod[]> => (await cluster.get<PodList>("pods")).items;
const uidsOf = (objects: readonly KubeObject[]): readonly string[] => objects.map(({ metadata: { name, uid } }) => `${name} ${uid}`).toSorted();
const revision = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
const snapshotFile = (name: string): string => join(cluster.folder, "h", "snapshots", cluster.name, `${name}.snapshot`);
const allRunning = (what: string): Promise<readonly Pod[]> => until(what, async () => {
  const all = await pods();
  return all.length === 4 && all.every(({ status, metadata }) => metadata.deletionTimestamp === undefined && status?.phase === "Running" && status.containerStatuses?.every(({ ready }) => ready)) && all;
});
/** UIDs of the pods whose sandboxes the node's containerd runs. */
const sandboxes = async (): Promise<readonly string[]> => {
  const { stdout } = await cluster.onNode(0, "ctr", "-a", join(cluster.nodeFolder(), "containerd", "containerd.sock"), "-n", "k8s.io", "containers", "ls");
  const ids = stdout.split("\n").slice(1).flatMap((line) => line.split(/\s+/)[0] || []);
  const labels = await Promise.all(ids.map(async (id) => (await cluster.onNode(0, "ctr", "-a", join(cluster.nodeFolder(), "containerd", "containerd.sock"), "-n", "k8s.io", "containers", "info", id)).stdout));
  return [...new Set(labels.flatMap((text) => /"io\.kubernetes\.pod\.uid": "([-0-9a-f]+)"/.exec(text)?.[1] ?? []))].toSorted();
};

let saved: { readonly pods: readonly Pod[]; readonly configMap: ConfigMap; readonly objects: readonly KubeObject[] };

test("a snapshot of a running cluster is one file, for its owner alone", async () => {
  await cluster.apply({ apiVersion: "v1", kind: "List", items: [
    sleeper("kept"), sleeper("deleted"), deployment, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { color: "blue" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "password" }, stringData: { value: "first" } },
  ] });
  const running = await allRunning("the first pods run");
  saved = { pods: running, configMap: await cluster.get<ConfigMap>("configmap", "settings"), objects: (await cluster.get<{ readonly items: readonly KubeObject[] }>("configmaps,secrets,pods,deployments,replicasets", "-A")).items };
  const server = cluster.pidOf("server");
  assert.match(await cluster.keelson("snapshot", "save", cluster.name, "before"), new RegExp(`^Snapshot before of cluster ${cluster.name} is at ${snapshotFile("before")}\\.`));
  assert.equal(cluster.pidOf("server"), server);
  assert.equal(statSync(snapshotFile("before")).mode & 0o777, 0o600);
  assert.match((await cluster.tryKeelson("snapshot", "save", cluster.name, "before")).stderr, /has a snapshot before already/);
  assert.match(await cluster.keelson("snapshot", "list"), new RegExp(`^CLUSTER +NAME .*\n${cluster.name} +before +20\\S+Z +\\d+ +\\d+ +0\\.\\d MiB +\\S+ +whole$`, "m"));
  assert.equal((await cluster.tryKeelson("snapshot", "save", cluster.name, "../x")).code, 1);
});

test("what was changed, deleted and made since is undone, and time goes on", async () => {
  await cluster.kubectl("delete", "deployment/web", "pod/deleted", "secret/password", "--timeout=60s");
  await cluster.kubectl("patch", "configmap", "settings", "-p", '{"data":{"color":"red"}}');
  // The key that its Secrets were encrypted with is dropped.
  await cluster.keelson("encryption", "rotate", cluster.name);
  await cluster.apply(sleeper("later"));
  await cluster.ready("later");
  const changed = await cluster.get<ConfigMap>("configmap", "settings");
  const later = await cluster.get<Pod>("pod", "later");
  const keptBefore = await cluster.get<Pod>("pod", "kept");
  const agent = cluster.pidOf(`agent-${cluster.name}-1`);
  const server = cluster.pidOf("server");

  assert.match(await cluster.keelson("snapshot", "restore", cluster.name, "before"), new RegExp(`Cluster ${cluster.name} has the \\d+ objects of snapshot before, at revision \\d+\\.\n$`));
  assert.notEqual(cluster.pidOf("server"), server);
  assert.equal(cluster.pidOf(`agent-${cluster.name}-1`), agent, "agents go on");

  const settings = await cluster.get<ConfigMap>("configmap", "settings");
  assert.deepEqual([settings.data?.["color"], settings.metadata.uid], ["blue", saved.configMap.metadata.uid]);
  assert.ok(revision(settings) > revision(changed), "what was put back is newer than what it replaces");
  assert.equal(await cluster.kubectl("get", "secret", "password", "-o", "jsonpath={.data.value}"), Buffer.from("first").toString("base64"));

  // Whoever comes back with what it knew is told to read anew.
  const { stdout } = await cluster.try(["get", "--raw", `/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${changed.metadata.resourceVersion}&timeoutSeconds=5`]);
  assert.match(stdout, /"type":"ERROR".*"reason":"Expired".*"code":410/);
  assert.match(stdout, /too old resource version: \d+ \(\d+\)/);
  assert.match((await cluster.try(["replace", "-f", "-"], { input: JSON.stringify({ ...changed, data: { color: "green" } }) })).stderr, /the object has been modified/);

  // The node makes it true: what is not in the state ends, what it says runs.
  const running = await allRunning("the pods of the snapshot run");
  assert.deepEqual(uidsOf(running), uidsOf(saved.pods));
  const kept = await cluster.get<Pod>("pod", "kept");
  assert.equal(kept.status?.containerStatuses?.[0]?.containerID, keptBefore.status?.containerStatuses?.[0]?.containerID, "a pod that ran all the time was left alone");
  assert.equal(kept.status?.containerStatuses?.[0]?.restartCount, 0);
  for (const { metadata: { name = "" } } of running) await until(`${name} runs again`, async () => (await cluster.try(["exec", name, "--", "echo", "here"])).stdout === "here\n");
  const again = await until("its new container is told", async () => {
    const found = (await cluster.get<Pod>("pod", "deleted")).status?.containerStatuses?.[0];
    return found && found.containerID !== saved.pods.find(({ metadata }) => metadata.name === "deleted")?.status?.containerStatuses?.[0]?.containerID && found.state?.running !== undefined && found.ready && found;
  });
  assert.deepEqual([again.restartCount, again.lastState?.terminated?.reason], [0, "ContainerStatusUnknown"]);
  await until("containers of what is not in the snapshot are gone", async () => !(await sandboxes()).includes(later.metadata.uid ?? ""));
  assert.deepEqual(await sandboxes(), saved.pods.map(({ metadata: { uid = "" } }) => uid).toSorted());
});

test("the order of revisions is that of before, and all UIDs are", async () => {
  const now = new Map((await cluster.get<{ readonly items: readonly KubeObject[] }>("configmaps,secrets", "-A")).items.map((object) => [object.metadata.uid, revision(object)]));
  const before = saved.objects.filter(({ kind }) => kind === "ConfigMap" || kind === "Secret").toSorted((a, b) => revision(a) - revision(b));
  assert.ok(before.length >= 4);
  const ranks = before.map(({ metadata }) => now.get(metadata.uid) ?? 0);
  assert.deepEqual(ranks, ranks.toSorted((a, b) => a - b));
  assert.ok(ranks.every((rank) => rank > 0));
});

test("controllers, scheduler and kubelet work on", async () => {
  await cluster.kubectl("scale", "deployment", "web", "--replicas=3");
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
  await cluster.kubectl("delete", "pod", "kept", "--timeout=60s");
  await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "fresh" } });
  await until("a new namespace gets what it needs", async () => /default/.test(await cluster.kubectl("get", "serviceaccounts,configmaps", "-n", "fresh", "-o", "name")) && /kube-root-ca/.test(await cluster.kubectl("get", "configmaps", "-n", "fresh", "-o", "name")));
});

test("a damaged snapshot and a foreign one are refused, and nothing is touched", async () => {
  const bytes = readFileSync(snapshotFile("before"));
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 4, bytes.length >> 1);
  writeFileSync(snapshotFile("flipped"), flipped, { mode: 0o600 });
  writeFileSync(snapshotFile("short"), bytes.subarray(0, -100), { mode: 0o600 });
  writeFileSync(snapshotFile("other"), "something else", { mode: 0o600 });
  const server = cluster.pidOf("server");
  for (const [name, message] of [["flipped", /is damaged: its checksum does not fit/], ["short", /is damaged/], ["other", /is no snapshot of keelson/], ["none", /has no snapshot "none"; it has before, flipped, other, short/]] as const) {
    const { code, stderr } = await cluster.tryKeelson("snapshot", "restore", cluster.name, name);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
  assert.equal(cluster.pidOf("server"), server);
  const list = await cluster.tryKeelson("snapshot", "list", cluster.name);
  assert.equal(list.code, 1);
  assert.match(list.stdout, /^\S+ +before .* whole$/m);
  assert.match(list.stdout, /^\S+ +flipped .* DAMAGED$/m);
  assert.equal(await cluster.keelson("snapshot", "delete", cluster.name, "flipped", "short", "other"), ["flipped", "short", "other"].map((name) => `Snapshot ${name} of cluster ${cluster.name} is gone.\n`).join(""));
  assert.equal(await cluster.kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.color}"), "blue");
});

test("a snapshot becomes a cluster of its own, with the keys of its time", async () => {
  const name = uniqueName();
  using _guardian = new Guardian({ command: [launcher, "down", name], folder: cluster.folder, env: cluster.env });
  const told = async (...args: readonly string[]): Promise<string> => (await cluster.try(["--context", `keelson-${name}`, ...args])).stdout;
  try {
    await cluster.keelson("fork", cluster.name, name, "--snapshot", "before");
    assert.equal(await told("get", "configmap", "settings", "-o", "jsonpath={.data.color} {.metadata.uid}"), `blue ${saved.configMap.metadata.uid}`);
    assert.equal(await told("get", "secret", "password", "-o", "jsonpath={.data.value}"), Buffer.from("first").toString("base64"));
    assert.deepEqual((await told("get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.uid}{'\\n'}{end}")).trim().split("\n").toSorted(), saved.pods.map(({ metadata: { uid = "" } }) => uid).toSorted());
  } finally {
    await cluster.keelson("down", name);
  }
  assert.match((await cluster.tryKeelson("fork", cluster.name, name, "--snapshot", "nothing")).stderr, /has no snapshot "nothing"/);
  await cluster.kubectl("config", "use-context", `keelson-${cluster.name}`);
});

test("a cluster that does not run is saved and restored from its file; one whose file is damaged is restored too", async () => {
  const before = await cluster.get<ConfigMap>("configmap", "settings");
  process.kill(cluster.pidOf("server"), "SIGKILL");
  await cluster.keelson("snapshot", "save", cluster.name, "stopped");
  const state = join(cluster.paths.store, "state.db");
  writeFileSync(state, Buffer.alloc(statSync(state).size, "no database"));
  const told = await cluster.keelson("snapshot", "restore", cluster.name, "stopped");
  assert.match(told, /could not be read .* it is kept as .*state\.db\.damaged/s);
  await cluster.keelson("up", cluster.name);
  const settings = await cluster.get<ConfigMap>("configmap", "settings");
  assert.equal(settings.metadata.uid, before.metadata.uid);
  assert.ok(revision(settings) > revision(before) + 1_000_000);
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
});
