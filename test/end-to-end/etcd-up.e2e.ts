// `keelson up --store etcd=…`: a cluster whose state lies in etcd, over TLS, under a prefix of its own.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ConfigMap, Endpoints, Pod } from "../../src/api/generated/core-v1.ts";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { Store } from "../../src/storage/store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { command } from "../../src/stdx/command.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { freePort, runKeelson, TestCluster, until } from "../support/cluster.ts";

const prefix = "/clusters/one";

test("a cluster on etcd: made, started again, taken down, gone on with, deleted, grown into", { skip, timeout: 300_000 }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-up-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { ca, apiServer, admin } = await ensurePki(join(folder, "pki"), { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
  const file = (name: string, pem: string): string => {
    writeFileSync(join(folder, name), pem, { mode: 0o600 });
    return join(folder, name);
  };
  const [caFile, certFile, keyFile] = [file("ca.pem", ca.certificatePem), file("client.pem", admin.certificatePem), file("client-key.pem", admin.privateKeyPem)];
  const etcd = stack.use(await EtcdCluster.start(1, { tls: { ca: caFile, certificate: file("server.pem", apiServer.certificatePem), key: file("server-key.pem", apiServer.privateKeyPem) } }));
  const store = stack.use(await openStore({ store: `etcd=${etcd.urls}`, etcdCaFile: caFile, etcdCertFile: certFile, etcdKeyFile: keyFile }, { clock: systemClock, log: silentLog }));
  await store.put("/registry/pods/default/others", Buffer.from("another cluster's"), { expected: 0 });
  const flags = ["--store", `etcd=${etcd.urls}`, "--etcd-cafile", caFile, "--etcd-certfile", certFile, "--etcd-keyfile", keyFile, "--etcd-prefix", prefix];
  const cluster = stack.use(await TestCluster.start({ flags }));
  const { name } = cluster;

  await t.test("its objects lie under its prefix, and nowhere else", async () => {
    await cluster.kubectl("run", "here", "--image=busybox", "--restart=Always", "--image-pull-policy=IfNotPresent", "--command", "--", "sleep", "1000000");
    await cluster.ready("here");
    assert.ok(await store.get(`${prefix}/pods/default/here`));
    assert.deepEqual((await store.list("/registry/")).entries.map(({ key }) => key), ["/registry/pods/default/others"]);
    assert.equal(await cluster.kubectl("get", "pods", "-o", "name"), "pod/here\n");
  });
  await t.test("events end by a lease of etcd, and the server keeps one for itself", async () => {
    const leased = async (key: string): Promise<boolean> => {
      const said = await command(["etcdctl", `--endpoints=${etcd.urls}`, "--cacert", caFile, "--cert", certFile, "--key", keyFile, "get", "--prefix", "-w", "json", key]);
      const { kvs = [] } = JSON.parse(said) as { readonly kvs?: readonly { readonly lease?: number }[] };
      assert.ok(kvs.length > 0, `nothing under ${key}`);
      return kvs.every(({ lease = 0 }) => lease !== 0);
    };
    assert.ok(await leased(`${prefix}/events/default/`));
    assert.ok(await leased(`${prefix}/masterleases/${cluster.spec.gateway}`));
    assert.ok(!(await leased(`${prefix}/pods/default/`)));
    const { subsets } = await cluster.get<Endpoints>("endpoints", "kubernetes");
    assert.deepEqual(subsets?.map(({ addresses }) => addresses?.map(({ ip }) => ip)), [[cluster.spec.gateway]]);
  });
  await t.test("a server that was killed is started again on it", async () => {
    const { metadata: { uid } } = await cluster.get<Pod>("pod", "here");
    process.kill(cluster.pidOf("server"), "SIGKILL");
    await cluster.keelson("up", name);
    assert.equal((await cluster.get<Pod>("pod", "here")).metadata.uid, uid);
  });
  await t.test("what would mix up clusters is refused, and says what to do", async () => {
    const refused = async (said: RegExp, ...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await cluster.tryKeelson("up", ...args);
      assert.equal(code, 1, stderr);
      assert.match(stderr, said);
    };
    await refused(/etcd holds \d+ keys of another cluster under \/clusters\/one[^]*--etcd-prefix \/registry\/NAME, or say --adopt/, "another", ...flags);
    await refused(/lies under \/clusters\/one in etcd, not under \/registry/, name, ...flags.slice(0, -2));
    await refused(/etcd cannot be used at http:\/\/127\.0\.0\.1:1:/, "another", "--store", "etcd=http://127.0.0.1:1");
    assert.match((await cluster.tryKeelson("up", "another", "--etcd-prefix", "/x")).stderr, /--etcd-prefix says something about etcd, which --store/);
    assert.doesNotMatch(await command(["ip", "-details", "link", "show", "type", "bridge"]), /cluster:another/, "what was planned for it is taken back");
  });

  const again = async (...more: readonly string[]): Promise<void> => {
    const { code, stderr } = await runKeelson(cluster.folder, ["up", name, "--offline", "--api-port", String(await freePort()), ...flags, ...more]);
    assert.equal(code, 0, stderr);
  };
  await t.test("taken down, its state stays; --adopt goes on with it", async () => {
    await cluster.kubectl("delete", "pod", "here", "--now");
    await cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b");
    assert.match(await cluster.keelson("down", name), /Its state stays in etcd, under \/clusters\/one at https:/);
    assert.equal((await servers(store)).length, 0, "a server that ends takes its lease along");
    await again("--adopt");
    assert.equal((await cluster.get<ConfigMap>("configmap", "kept")).data?.["a"], "b");
    assert.deepEqual(await until("the server is in the endpoints again", async () => (await cluster.get<Endpoints>("endpoints", "kubernetes")).subsets?.[0]?.addresses?.map(({ ip }) => ip)), [cluster.spec.gateway]);
  });
  await t.test("--delete-state deletes it, and nobody else's", async () => {
    await cluster.keelson("down", name, "--delete-state");
    assert.deepEqual((await store.list("/")).entries.map(({ key }) => key), ["/registry/pods/default/others"]);
    await again();
    assert.equal(await cluster.kubectl("get", "configmap", "kept", "--ignore-not-found"), "");
    await cluster.keelson("down", name, "--delete-state");
  });
  await t.test("a cluster with a file grows into etcd", async () => {
    const { code, stderr } = await runKeelson(cluster.folder, ["up", name, "--offline", "--api-port", String(await freePort())]);
    assert.equal(code, 0, stderr);
    await cluster.kubectl("create", "configmap", "grown", "--from-literal=a=b");
    const uid = await cluster.kubectl("get", "configmap", "grown", "-o", "jsonpath={.metadata.uid}");
    const moving = ["up", name, ...flags, "--adopt"];
    assert.match((await cluster.tryKeelson(...moving)).stderr, /the server of \S+ still runs on its file/);
    const pid = cluster.pidOf("server");
    process.kill(pid, "SIGTERM");
    await until("the server has ended", () => !existsSync(`/proc/${pid}`));
    assert.match((await cluster.tryKeelson(...moving)).stderr, /etcd holds nothing under \/clusters\/one/);
    await cluster.keelson("store", "copy", "--from", `sqlite:${join(cluster.paths.store, "state.db")}`, "--to", ...flags.slice(1));
    await cluster.keelson(...moving);
    assert.equal(await cluster.kubectl("get", "configmap", "grown", "-o", "jsonpath={.metadata.uid}"), uid);
    await cluster.kubectl("create", "configmap", "there", "--from-literal=a=b");
    assert.ok(await store.get(`${prefix}/configmaps/default/there`));
  });
});

const servers = async (store: Store): Promise<readonly string[]> => (await store.list(`${prefix}/masterleases/`)).entries.map(({ key }) => key);
