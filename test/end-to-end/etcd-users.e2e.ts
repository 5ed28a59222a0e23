// A user of etcd who may read and write the cluster's keys, and no others.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configmaps } from "../../src/api/generated/core-v1.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { command } from "../../src/stdx/command.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { openEtcdStore } from "../../src/storage/etcd/etcd-store.ts";
import { etcdOptions, openStore } from "../../src/storage/open-store.ts";
import { CompactedError, keyOfChange, type Store } from "../../src/storage/store.ts";
import { bytes } from "../../src/storage/suite.ts";
import { startTestServer } from "../api-server/fixture.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";

const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-users-"));
const file = (name: string): string => join(folder, name);
const resources = new AsyncDisposableStack();
let etcd: EtcdCluster;
before(async () => {
  if (skip !== false) return;
  const { ca, apiServer, admin } = await ensurePki(folder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
  const pems = { "etcd-ca.pem": ca.certificatePem, "etcd.pem": apiServer.certificatePem, "etcd-key.pem": apiServer.privateKeyPem, "client.pem": admin.certificatePem, "client-key.pem": admin.privateKeyPem };
  for (const [name, pem] of Object.entries(pems)) writeFileSync(file(name), pem, { mode: 0o600 });
  etcd = resources.use(await EtcdCluster.start(1, { tls: { ca: file("etcd-ca.pem"), certificate: file("etcd.pem"), key: file("etcd-key.pem") } }));
  // etcd takes the name in a client's certificate for its user.
  for (const words of [
    ["user", "add", "root:secret"], ["user", "grant-role", "root", "root"], ["user", "add", "kubernetes-admin", "--no-password"],
    ["role", "add", "cluster"], ["role", "grant-permission", "cluster", "readwrite", "--prefix=true", "/registry/"], ["user", "grant-role", "kubernetes-admin", "cluster"], ["auth", "enable"],
  ]) await etcdctl(...words);
});
after(async () => {
  await resources.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

const etcdctl = (...words: readonly string[]): Promise<unknown> =>
  command(["etcdctl", `--endpoints=${etcd.urls}`, `--cacert=${file("etcd-ca.pem")}`, `--cert=${file("client.pem")}`, `--key=${file("client-key.pem")}`, ...words]);
const elsewhere = (value: string): Promise<unknown> => etcdctl("--user=root:secret", "put", "/elsewhere/key", value);
const location = () => ({ store: `etcd=${etcd.urls}`, etcdCaFile: file("etcd-ca.pem"), etcdCertFile: file("client.pem"), etcdKeyFile: file("client-key.pem") });
const open = (): Promise<Store> => openStore(location(), { clock: systemClock, log: silentLog });

test("such a user's watches miss nothing, and reach each revision that is asked for, though others write elsewhere", { skip, timeout: 60_000 }, async () => {
  await assert.rejects(etcdctl("put", "/elsewhere/key", "x"), /permission denied/, "the user is limited");
  await using one = await open();
  await using two = await open();
  let [reached, wake] = [0, (): void => undefined];
  using watch = one.watch("/registry/pods/", { after: one.revision, onProgress: (revision) => {
    reached = Math.max(reached, revision);
    wake();
  } });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const change of watch) seen.push(keyOfChange(change));
  })();
  const catchUp = async (revision: number): Promise<void> => {
    while (reached < revision) await new Promise<void>((resolve) => (wake = resolve));
  };
  for (let i = 0; i < 5; i++) {
    await two.put(`/registry/pods/a/${i}`, bytes("x"), { expected: 0 });
    await elsewhere(String(i));
    await catchUp((await one.latest?.()) ?? Infinity);
    assert.equal(seen.length, i + 1, "everything before the latest revision has come by then");
  }
  const at = one.revision;
  for (let i = 0; i < 3; i++) assert.equal(await one.latest?.(), at, "nothing is written where nothing has changed");
  watch[Symbol.dispose]();
  await reading;
});

test("servers of a cluster with such a user read what is written, and see it on watches", { skip, timeout: 60_000 }, async () => {
  await using one = await startTestServer({ store: await open() });
  await using two = await startTestServer({ store: await open(), pki: one.pki });
  const [first, second] = [new TypedClient(one.http), new TypedClient(two.http)];
  using watch = second.watch(configmaps, { namespace: "default", resourceVersion: "0", signal: AbortSignal.timeout(30_000) });
  for (let i = 0; i < 3; i++) {
    await elsewhere(`again ${i}`);
    await first.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `map-${i}`, namespace: "default" } });
    await elsewhere(`and again ${i}`);
    assert.equal((await second.list(configmaps, { namespace: "default" })).items.filter(({ metadata }) => metadata.name?.startsWith("map-")).length, i + 1);
  }
  const names: string[] = [];
  for await (const { type, object } of watch) {
    if (type === "ADDED" && object.metadata.name?.startsWith("map-")) names.push(object.metadata.name);
    if (names.length === 3) break;
  }
  assert.deepEqual(names, ["map-0", "map-1", "map-2"]);
  for (const { complaints } of [one, two]) assert.deepEqual(complaints, []);
});

test("its history is compacted, though the key over which servers agree is not to be written", { skip, timeout: 60_000 }, async () => {
  await using store = await openEtcdStore({ ...await etcdOptions(location()), clock: systemClock, log: silentLog, compactEveryMs: 200 });
  const key = "/registry/pods/a/compacted";
  const old = await store.put(key, bytes("1"), { expected: 0 });
  await store.put(key, bytes("2"), { expected: old });
  for (;;) {
    const before = await store.get(key, { revision: old }).catch((error: unknown) => {
      assert.ok(error instanceof CompactedError, String(error));
    });
    if (!before) return;
    await systemClock.sleep(50, { signal: AbortSignal.timeout(60_000) });
  }
});
