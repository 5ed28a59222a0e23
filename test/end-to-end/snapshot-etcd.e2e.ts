// A cluster whose state lies in etcd: its snapshots are etcd's own, and are put back into the etcd that runs.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ConfigMap, Pod } from "../../src/api/generated/core-v1.ts";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { command } from "../../src/stdx/command.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { TestCluster, until } from "../support/cluster.ts";

const prefix = "/clusters/one";
let cluster: TestCluster;
let etcd: EtcdCluster;
before(async () => {
  if (skip !== false) return;
  etcd = await EtcdCluster.start();
  await command(["etcdctl", `--endpoints=${etcd.urls}`, "put", "/clusters/two/configmaps/default/x", "another cluster's"]);
  cluster = await TestCluster.start({ images: ["busybox"], flags: ["--store", `etcd=${etcd.urls}`, "--etcd-prefix", prefix] });
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

const snapshotFile = (name: string): string => join(cluster.folder, "h", "snapshots", cluster.name, `${name}.etcd.db`);
const revision = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
const inOrder = async (): Promise<readonly string[]> => (await cluster.get<{ readonly items: readonly KubeObject[] }>("configmaps,secrets,serviceaccounts,clusterroles,roles", "-A")).items
  .toSorted((a, b) => revision(a) - revision(b)).map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name} ${metadata.uid}`);

test("etcd makes the snapshot, and its own tools read it", { skip }, async () => {
  await cluster.kubectl("create", "configmap", "settings", "--from-literal=color=blue");
  for (const name of ["kept", "deleted"]) await cluster.kubectl("run", name, "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "100000");
  await Promise.all(["kept", "deleted"].map((name) => cluster.ready(name)));
  await cluster.keelson("snapshot", "save", cluster.name, "before");
  assert.equal(statSync(snapshotFile("before")).mode & 0o777, 0o600);
  const status = JSON.parse(await command(["env", "ETCDCTL_API=3", "etcdctl", "snapshot", "status", snapshotFile("before"), "-w", "json"])) as { readonly revision: number; readonly totalKey: number };
  const [listed] = JSON.parse(await cluster.keelson("snapshot", "list", cluster.name, "-o", "json")) as readonly { readonly kind: string; readonly about: { readonly revision: number; readonly count: number } }[];
  assert.equal(listed?.kind, "etcd");
  assert.equal(listed.about.revision, status.revision);
  assert.ok(listed.about.count > 100 && listed.about.count <= status.totalKey, `${listed.about.count} of ${status.totalKey}`);
});

test("it is put back into the etcd that runs: objects, UIDs and their order are those of before, under later revisions", { skip }, async () => {
  const [order, uids] = [await inOrder(), new Map((await cluster.get<{ readonly items: readonly Pod[] }>("pods")).items.map(({ metadata }) => [metadata.name, metadata.uid]))];
  const kept = await cluster.get<Pod>("pod", "kept");
  await cluster.kubectl("patch", "configmap", "settings", "-p", '{"data":{"color":"red"}}');
  await cluster.kubectl("delete", "pod", "deleted", "--now", "--timeout=60s");
  await cluster.kubectl("create", "configmap", "later");
  const changed = await cluster.get<ConfigMap>("configmap", "settings");

  await cluster.keelson("snapshot", "restore", cluster.name, "before");
  const settings = await cluster.get<ConfigMap>("configmap", "settings");
  assert.equal(settings.data?.["color"], "blue");
  assert.ok(revision(settings) > revision(changed));
  assert.deepEqual(await inOrder(), order);
  const { stdout } = await cluster.try(["get", "--raw", `/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=${changed.metadata.resourceVersion}&timeoutSeconds=5`]);
  assert.match(stdout, /"type":"ERROR".*"reason":"Expired"/);
  await until("the deleted pod runs again", async () => (await cluster.try(["exec", "deleted", "--", "echo", "here"])).stdout === "here\n");
  assert.deepEqual(new Map((await cluster.get<{ readonly items: readonly Pod[] }>("pods")).items.map(({ metadata }) => [metadata.name, metadata.uid])), uids);
  assert.equal((await cluster.get<Pod>("pod", "kept")).status?.containerStatuses?.[0]?.containerID, kept.status?.containerStatuses?.[0]?.containerID);
  assert.match(await command(["etcdctl", `--endpoints=${etcd.urls}`, "get", "/clusters/two/configmaps/default/x"]), /another cluster's/);
  await cluster.kubectl("run", "new", "--image=busybox", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "100000");
  await cluster.ready("new");
});

test("a damaged one is refused", { skip }, async () => {
  const bytes = readFileSync(snapshotFile("before"));
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 4, bytes.length >> 1);
  writeFileSync(snapshotFile("flipped"), flipped, { mode: 0o600 });
  const server = cluster.pidOf("server");
  assert.match((await cluster.tryKeelson("snapshot", "restore", cluster.name, "flipped")).stderr, /is damaged: its checksum does not fit its content/);
  assert.equal(cluster.pidOf("server"), server);
  assert.match((await cluster.tryKeelson("snapshot", "list", cluster.name)).stdout, /^\S+ +flipped .* DAMAGED$/m);
});
