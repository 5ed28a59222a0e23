import assert from "node:assert/strict";
import { test } from "node:test";
import { deployments, replicasets, type Deployment } from "../../src/api/generated/apps-v1.ts";
import { leases } from "../../src/api/generated/coordination-v1.ts";
import type { TypedClient } from "../../src/client/typed-client.ts";
import { EtcdCluster } from "../etcd/etcd-cluster.ts";
import { ServerProcesses, skip, timed, type ServerProcess } from "../etcd/server-processes.ts";

const namespace = "default";

test("two keelson servers on one etcd: one leads, and the other takes over", { skip, timeout: 120_000 }, async (t) => {
  await using etcd = await EtcdCluster.start();
  await using servers = new ServerProcesses(etcd.urls);
  const until = <T>(what: string, { said }: ServerProcess, ask: () => Promise<T | undefined>): Promise<T> => timed(what, ask, { said, note: (text) => t.diagnostic(text) });
  const holder = async (client: TypedClient): Promise<string | undefined> => {
    const { spec: lease } = await client.get(leases, { namespace: "kube-system", name: "kube-controller-manager" });
    return lease?.holderIdentity === "" ? undefined : lease?.holderIdentity;
  };
  const deployment = (name: string): Deployment => ({
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace },
    spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "nginx" }] } } },
  });
  const works = async (name: string, server: ServerProcess): Promise<void> => {
    const { client } = server;
    await client.create(deployments, deployment(name));
    await until(`${name}: its replica set is there`, server, async () => (await client.list(replicasets, { namespace })).items.find(({ metadata }) => metadata.labels?.["app"] === name));
    assert.equal((await client.list(replicasets, { namespace })).items.filter(({ metadata }) => metadata.labels?.["app"] === name).length, 1);
  };

  const first = await servers.start();
  const one = await until("the first server leads", first, () => holder(first.client));
  const second = await servers.start();
  await until("the second server answers", second, () => holder(second.client));
  assert.equal(await holder(second.client), one);
  await works("through-the-second", second);

  first.child.kill("SIGTERM");
  const two = await until("handed over after a clean stop", second, async () => {
    const now = await holder(second.client);
    return now === one ? undefined : now;
  });
  await works("after-the-stop", second);

  const third = await servers.start();
  await until("the third server answers", third, () => holder(third.client));
  second.child.kill("SIGKILL");
  await until("handed over after a kill", third, async () => {
    const now = await holder(third.client);
    return now === two ? undefined : now;
  });
  await works("after-the-kill", third);
});
