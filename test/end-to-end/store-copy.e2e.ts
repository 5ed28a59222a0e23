// A cluster grows: its state goes from a file into etcd, its server runs on that, and it comes back.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ConfigMap, Pod } from "../../src/api/generated/core-v1.ts";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { command } from "../../src/stdx/command.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { launcher, TestCluster, until } from "../support/cluster.ts";
import { Running } from "../support/programs.ts";

let cluster: TestCluster;
let etcd: EtcdCluster;
let server: Running | undefined;
before(async () => {
  if (skip !== false) return;
  [cluster, etcd] = await Promise.all([TestCluster.start({ images: ["busybox"] }), EtcdCluster.start()]);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const file = (name: string): string => join(cluster.paths.store, name);
const revision = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
const kinds = "configmaps,secrets,services,pods,deployments,replicasets,serviceaccounts,clusterroles,namespaces";
/** Everything that nobody writes by itself, in the order of its revisions. */
const inOrder = async (): Promise<readonly string[]> => (await cluster.get<{ readonly items: readonly KubeObject[] }>("configmaps,secrets,serviceaccounts,clusterroles,roles", "-A")).items
  .toSorted((a, b) => revision(a) - revision(b)).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name} ${metadata.uid}`);
const uids = async (): Promise<readonly string[]> => (await cluster.get<{ readonly items: readonly KubeObject[] }>(kinds, "-A")).items.map(({ metadata: { uid = "" } }) => uid).toSorted();
const container = async (): Promise<string | undefined> => (await cluster.get<Pod>("pod", "kept")).status?.containerStatuses?.[0]?.containerID;
const stopServer = async (): Promise<void> => {
  const pid = cluster.pidOf("server");
  process.kill(pid, "SIGTERM");
  await until("the server has ended", () => !existsSync(`/proc/${pid}`));
};
const copy = (from: string, to: string, ...flags: readonly string[]) => cluster.tryKeelson("store", "copy", "--from", from, "--to", to, ...flags);

let before1: { readonly order: readonly string[]; readonly uids: readonly string[]; readonly container: string | undefined; readonly latest: ConfigMap };

test("the state of a cluster with running pods is copied into etcd, where its server goes on with it", { skip }, async () => {
  await cluster.kubectl("create", "configmap", "settings", "--from-literal=color=blue");
  await cluster.kubectl("create", "secret", "generic", "password", "--from-literal=value=secret");
  await cluster.kubectl("run", "kept", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "100000");
  await cluster.ready("kept");
  for (const color of ["red", "green"]) await cluster.kubectl("patch", "configmap", "settings", "-p", `{"data":{"color":"${color}"}}`);
  before1 = { order: await inOrder(), uids: await uids(), container: await container(), latest: await cluster.get<ConfigMap>("configmap", "settings") };
  assert.ok(before1.order.length > 50);

  const busy = await copy(`sqlite:${file("state.db")}`, `etcd=${etcd.urls}`);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /is in use by another process: is a server of this cluster running already/);
  await stopServer();
  const { code, stdout, stderr } = await copy(`sqlite:${file("state.db")}`, `etcd=${etcd.urls}`);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\d+ keys were copied in the order of their revisions, after \d+ revisions were used up; etcd=\S+ is at revision \d+\.\n\d+ values are encrypted: a server of the copy needs --encryption-provider-config /);
  assert.match((await copy(`sqlite:${file("state.db")}`, `etcd=${etcd.urls}`)).stderr, /the destination is not empty: it has \d+ keys/);

  server = new Running([launcher, "server", "--cluster", cluster.name, "--state", cluster.paths.root, "--encryption-provider-config", cluster.paths.encryption, "--store", `etcd=${etcd.urls}`], { env: cluster.env });
  await until("the server answers on etcd", async () => (await cluster.try(["get", "--raw", "/readyz"])).stdout === "ok");
  assert.deepEqual(await inOrder(), before1.order);
  assert.deepEqual(await uids(), before1.uids);
  const settings = await cluster.get<ConfigMap>("configmap", "settings");
  assert.equal(settings.data?.["color"], "green");
  assert.ok(revision(settings) > revision(before1.latest));
});

test("who knew the cluster before is told to read anew, and the node goes on", { skip }, async () => {
  const { stdout } = await cluster.try(["get", "--raw", `/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${before1.latest.metadata.resourceVersion}&timeoutSeconds=5`]);
  assert.match(stdout, /"type":"ERROR".*"reason":"Expired"/);
  assert.match((await cluster.try(["replace", "-f", "-"], { input: JSON.stringify(before1.latest) })).stderr, /the object has been modified/);
  assert.equal(await container(), before1.container);
  await cluster.kubectl("run", "second", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "100000");
  await cluster.ready("second");
  assert.equal(await cluster.kubectl("exec", "second", "--", "echo", "here"), "here\n");
  await cluster.kubectl("delete", "pod", "second", "--now", "--timeout=60s");
});

test("it comes back into a file", { skip }, async () => {
  await cluster.kubectl("patch", "configmap", "settings", "-p", '{"data":{"color":"yellow"}}');
  const [order, latest] = [await inOrder(), await cluster.get<ConfigMap>("configmap", "settings")];
  server?.kill("SIGTERM");
  await server?.exitCode();
  const refused = await copy(`etcd=${etcd.urls}`, `sqlite:${file("state.db")}`);
  assert.match(refused.stderr, /the destination is not empty: .*state\.db exists/);
  const { code, stderr } = await copy(`etcd=${etcd.urls}`, `sqlite:${file("back.db")}`);
  assert.equal(code, 0, stderr);
  server = new Running([launcher, "server", "--cluster", cluster.name, "--state", cluster.paths.root, "--encryption-provider-config", cluster.paths.encryption, "--store", `sqlite:${file("back.db")}`], { env: cluster.env });
  await until("the server answers on the file", async () => (await cluster.try(["get", "--raw", "/readyz"])).stdout === "ok");
  assert.deepEqual(await inOrder(), order);
  const settings = await cluster.get<ConfigMap>("configmap", "settings");
  assert.deepEqual([settings.data?.["color"], settings.metadata.uid], ["yellow", latest.metadata.uid]);
  assert.ok(revision(settings) > revision(latest));
  assert.equal(await container(), before1.container);
  const once = await copy(`sqlite:${file("state.db")}`, `sqlite:${file("again.db")}`);
  assert.equal(once.code, 0, once.stderr);
});

test("a server refuses a copy that is not whole", { skip }, async () => {
  server?.kill("SIGTERM");
  await server?.exitCode();
  await command(["etcdctl", `--endpoints=${etcd.urls}`, "put", "/registry/.keelson-copy/unfinished", "from a test"]);
  server = new Running([launcher, "server", "--cluster", cluster.name, "--state", cluster.paths.root, "--encryption-provider-config", cluster.paths.encryption, "--store", `etcd=${etcd.urls}`], { env: cluster.env });
  await server.expect(/the store holds a part of a state only \(from a test\)/);
  assert.equal(await server.exitCode(), 1);
  assert.match((await copy(`sqlite:${file("again.db")}`, `etcd=${etcd.urls}`)).stderr, /holds an unfinished copy \(from a test\): say --restart/);
  const restarted = await copy(`sqlite:${file("again.db")}`, `etcd=${etcd.urls}`, "--restart");
  assert.equal(restarted.code, 0, restarted.stderr);
  await cluster.keelson("up", cluster.name);
});
