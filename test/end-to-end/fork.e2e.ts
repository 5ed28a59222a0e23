// A second cluster that begins with the state of another, and lives beside it.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ConfigMap, Endpoints, Node, Pod } from "../../src/api/generated/core-v1.ts";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { containerdPaths } from "../../src/cri/containerd/config.ts";
import { pathsOf, readSpec, type ClusterSpec } from "../../src/cluster/spec.ts";
import { launcher, TestCluster, uniqueName, until } from "../support/cluster.ts";
import { Guardian } from "../support/guardian.ts";
import { leftovers } from "../support/leftovers.ts";
import { runProgram, type Ended } from "../support/programs.ts";

const name = uniqueName();
const onlyHere = "example.test/only-here:1";
let cluster: TestCluster;
let guardian: Guardian | undefined;
let relay: Server | undefined;
let fork: ClusterSpec | undefined;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"], nodes: 2 });
});
after(async () => {
  relay?.close();
  const spec = fork ?? readSpec(pathsOf(join(cluster.folder, "h"), name));
  if (spec) {
    const down = await cluster.tryKeelson("down", name);
    assert.equal(down.code, 0, down.stderr);
    assert.deepEqual(await leftovers(spec, pathsOf(join(cluster.folder, "h"), name).root), []);
    guardian?.[Symbol.dispose]();
  }
  await cluster?.[Symbol.asyncDispose]();
});

const kubectl = (context: string, args: readonly string[], input?: string): Promise<Ended> =>
  runProgram([cluster.kubectlPath, "--context", `keelson-${context}`, ...args], { env: cluster.env, ...(input !== undefined && { input }) });
async function told(context: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(context, args);
  assert.equal(code, 0, `kubectl ${args.join(" ")} in ${context}: ${stderr}`);
  return stdout;
}
async function objects<T extends KubeObject>(context: string, ...args: readonly string[]): Promise<readonly T[]> {
  return (JSON.parse(await told(context, "get", ...args, "-o", "json")) as { readonly items: readonly T[] }).items;
}
const uidsOf = (all: readonly KubeObject[]): readonly string[] => all.map(({ metadata }) => `${metadata.namespace}/${metadata.name} ${metadata.uid}`).toSorted();
const containersOf = (all: readonly Pod[]): readonly string[] => all.map(({ metadata, status }) => `${metadata.name} ${status?.containerStatuses?.[0]?.containerID}`).toSorted();

/** Images come from this machine, which each cluster knows under an address of its own. */
async function relayRegistry(spec: ClusterSpec): Promise<void> {
  const [url = ""] = spec.registryMirrors["*"] ?? [];
  const port = Number(new URL(url.replace("//host:", "//127.0.0.1:")).port);
  await until("the fork has its bridge", async () => (await runProgram(["ip", "-4", "-o", "address", "show", "dev", spec.bridge])).stdout.includes(spec.gateway), { msMax: 20_000 });
  relay = createServer((socket) => {
    const other = connect({ host: cluster.spec.gateway, port });
    socket.on("error", () => other.destroy()).pipe(other);
    other.on("error", () => socket.destroy()).pipe(socket);
  }).listen(port, spec.gateway);
}

const box = (command: string, labels: object): object => ({
  metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", command] }] },
});
const web = box("mkdir /www; echo here > /www/index.html; exec httpd -f -p 8080 -h /www", { app: "web" });

test("a cluster with running pods is forked while it runs", async () => {
  await cluster.apply({ apiVersion: "v1", kind: "List", items: [
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: web } },
    { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] } },
    { ...box("sleep 100000", { app: "client" }), apiVersion: "v1", kind: "Pod", metadata: { name: "client" } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "done" }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["true"] }] } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { color: "blue" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "password" }, stringData: { value: "secret" } },
  ] });
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=90s");
  await cluster.ready("client");
  // An image that no registry has: somebody brought it to this node.
  const { spec: { nodeName = "" } = {} } = await cluster.get<Pod>("pod", "client");
  const { socket } = containerdPaths(cluster.paths.node(nodeName));
  const tagged = await runProgram(["ctr", "-a", socket, "-n", "k8s.io", "images", "tag", "docker.io/library/busybox:latest", onlyHere]);
  assert.equal(tagged.code, 0, tagged.stderr);
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "local" }, spec: { nodeName, terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: onlyHere, imagePullPolicy: "Never", command: ["sleep", "100000"] }] } });
  await cluster.ready("local");
  await until("a pod has ended", async () => (await cluster.get<Pod>("pod", "done")).status?.phase === "Succeeded");
  const before = await objects<Pod>(cluster.name, "pods");
  const server = cluster.pidOf("server");

  const paths = pathsOf(join(cluster.folder, "h"), name);
  guardian = new Guardian({ command: [launcher, "down", name], folder: cluster.folder, env: cluster.env });
  const forking = cluster.keelson("fork", cluster.name, name);
  await Promise.race([forking, until("the fork is planned", () => existsSync(paths.spec), { msMax: 30_000 })]);
  fork = readSpec(paths);
  assert.ok(fork);
  await Promise.all([relayRegistry(fork), forking]);
  assert.doesNotMatch(await forking, /not carried/);
  assert.match(await forking, new RegExp(`^Cluster ${name} is up after [\\d.]+s, with the state of ${cluster.name}\\.`));

  assert.equal(cluster.pidOf("server"), server);
  assert.deepEqual(containersOf(await objects<Pod>(cluster.name, "pods")), containersOf(before), "nothing happened to the first");
  assert.deepEqual(readdirSync(paths.store).filter((file) => file.includes("snapshot") || file.includes("next")), []);
});

test("the fork's pods run on its own nodes, under its own addresses", async () => {
  assert.ok(fork);
  const { podCidr, nodeCidr } = fork;
  const inside = (cidr: string, length: number) => new RegExp(`^${cidr.split(".").slice(0, length).join("\\.")}\\.`);
  const nodes = await objects<Node>(name, "nodes");
  assert.deepEqual(uidsOf(nodes), uidsOf(await objects<Node>(cluster.name, "nodes")));
  for (const { status, spec } of nodes) {
    assert.match(status?.addresses?.[0]?.address ?? "", inside(nodeCidr, 3));
    assert.match(spec?.podCIDR ?? "", inside(podCidr, 2));
  }
  assert.equal(new Set(nodes.map(({ spec }) => spec?.podCIDR)).size, 2);
  const running = await until("the pods run in the fork as well", async () => {
    const all = await objects<Pod>(name, "pods");
    return all.every(({ status, metadata }) => (metadata.name === "done" ? status?.phase === "Succeeded" : status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True"))) && all;
  });
  assert.deepEqual(uidsOf(running), uidsOf(await objects<Pod>(cluster.name, "pods")));
  for (const { metadata, status } of running.filter((pod) => pod.metadata.name !== "done")) {
    assert.match(status?.podIP ?? "", inside(podCidr, 2), metadata.name ?? "");
    assert.match(status?.hostIP ?? "", inside(nodeCidr, 3), metadata.name ?? "");
    assert.equal(status?.containerStatuses?.[0]?.restartCount, 0);
    assert.equal(status?.containerStatuses?.[0]?.lastState?.terminated, undefined);
  }
  const api = JSON.parse(await told(name, "get", "endpoints", "kubernetes", "-o", "json")) as Endpoints;
  assert.deepEqual(api.subsets?.[0]?.addresses?.map(({ ip }) => ip), [fork.gateway]);
  await until("the service leads to the fork's pods", async () => (await kubectl(name, ["exec", "client", "--", "timeout", "5", "wget", "-qO-", "http://web/"])).stdout === "here\n");
  const web = JSON.parse(await told(name, "get", "endpoints", "web", "-o", "json")) as Endpoints;
  for (const { ip } of web.subsets?.[0]?.addresses ?? []) assert.match(ip, inside(podCidr, 2));
  const first = (await objects<KubeObject & { readonly lastTimestamp?: string; readonly metadata: { readonly creationTimestamp?: string } }>(name, "events", "-A")).map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ""));
  assert.ok(first.every((made) => made >= Date.parse(fork?.createdAt ?? "") - 1000), "events of the other cluster stayed there");
});

test("the fork has its own identity: no certificate and no token of one is good for the other", async () => {
  const caOf = async (context: string): Promise<string> => (JSON.parse(await told(context, "get", "configmap", "kube-root-ca.crt", "-o", "json")) as ConfigMap).data?.["ca.crt"] ?? "";
  assert.notEqual(await caOf(name), await caOf(cluster.name));
  assert.equal(await told(name, "exec", "client", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"), await caOf(name));
  const token = await told(name, "exec", "client", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token");
  // Of a kubeconfig only the server and its authority are taken.
  const asked = async (context: string) => runProgram([cluster.kubectlPath, "--kubeconfig=/dev/null", "--insecure-skip-tls-verify", `--server=https://127.0.0.1:${context === name ? fork?.apiPort : cluster.spec.apiPort}`, `--token=${token}`, "auth", "whoami"], { env: cluster.env });
  assert.match((await asked(name)).stdout, /system:serviceaccount:default:default/);
  assert.match((await asked(cluster.name)).stderr, /Unauthorized|must be logged in/);
  assert.equal(await told(name, "get", "secret", "password", "-o", "jsonpath={.data.value}"), Buffer.from("secret").toString("base64"));
});

test("what is done to one is not done to the other", async () => {
  const before = containersOf(await objects<Pod>(cluster.name, "pods"));
  await told(name, "patch", "configmap", "settings", "-p", '{"data":{"color":"red"}}');
  await told(name, "delete", "deployment", "web", "--timeout=60s");
  await told(cluster.name, "create", "namespace", "only-here");
  assert.equal(await told(cluster.name, "get", "configmap", "settings", "-o", "jsonpath={.data.color}"), "blue");
  assert.equal(await told(name, "get", "configmap", "settings", "-o", "jsonpath={.data.color}"), "red");
  assert.match((await kubectl(name, ["get", "namespace", "only-here"])).stderr, /NotFound/);
  await until("the fork's pods are gone", async () => (await objects<Pod>(name, "pods")).length === 3);
  assert.deepEqual(containersOf(await objects<Pod>(cluster.name, "pods")), before);
  assert.equal(await told(cluster.name, "exec", "client", "--", "timeout", "5", "wget", "-qO-", "http://web/"), "here\n");
  await told(name, "run", "new", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "1000");
  await told(name, "wait", "pod/new", "--for=condition=Ready", "--timeout=60s");
});

test("a fork is a cluster as any other: it is started again, and its nodes keep their names", async () => {
  assert.ok(fork);
  const up = await cluster.keelson("up", name);
  assert.match(up, new RegExp(`^Cluster ${name} is up after`));
  assert.deepEqual(readSpec(pathsOf(join(cluster.folder, "h"), name))?.nodes, fork.nodes);
  assert.match((await cluster.tryKeelson("fork", cluster.name, name)).stderr, /there is a cluster \S+ already/);
  assert.match((await cluster.tryKeelson("fork", "nobody", "x")).stderr, /there is no cluster "nobody"/);
});
