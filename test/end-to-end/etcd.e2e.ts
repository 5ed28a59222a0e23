import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { openStore } from "../../src/storage/open-store.ts";
import { CompactedError, keyOfChange, revisionOfChange, UnavailableError, type Change, type Store } from "../../src/storage/store.ts";
import { bytes, storeSuite, take, text } from "../../src/storage/suite.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { command } from "../../src/stdx/command.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { EtcdCluster, skip, type EtcdClusterOptions } from "../etcd/etcd-cluster.ts";
import { newerEtcd, newerSkip } from "../etcd/newer-etcd.ts";

/** One empty etcd per test; closing the store ends it. */
const openEmpty = (options: EtcdClusterOptions) => async ({ backlogMax }: { readonly backlogMax: number }): Promise<Store> => {
  const etcd = await EtcdCluster.start(1, options);
  const store = await etcd.open({ backlogMax }).catch(async (error: unknown) => {
    await etcd[Symbol.asyncDispose]();
    throw error;
  });
  const close = store[Symbol.asyncDispose].bind(store);
  store[Symbol.asyncDispose] = async () => {
    await close();
    await etcd[Symbol.asyncDispose]();
  };
  return store;
};

if (skip === false) storeSuite("etcd 3.4", openEmpty({}));
else test("etcd 3.4", { skip }, () => undefined);
if (newerSkip === false) storeSuite("etcd 3.5 or later", openEmpty({ program: newerEtcd }));
else test("etcd 3.5 or later", { skip: newerSkip }, () => undefined);

test("what others write is seen: progress past changes elsewhere, and the latest revision", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using one = await etcd.open();
  await using two = await etcd.open();
  const progress: number[] = [];
  const reached = Promise.withResolvers<void>();
  using watch = one.watch("/registry/", { after: 1, onProgress: (revision) => {
    progress.push(revision);
    if (revision === 4) reached.resolve();
  } });
  const changes = take(watch, 2);
  assert.equal(await two.put("/registry/a", bytes("1"), { expected: 0 }), 2);
  assert.equal(await one.latest(), 2);
  await two.put("/elsewhere/a", bytes("1"), { expected: 0 });
  await command(["etcdctl", `--endpoints=${etcd.urls}`, "put", "unrelated", "x"]);
  await reached.promise;
  await two.delete("/registry/a", { expected: 2 });
  assert.deepEqual((await changes).map(({ type }) => type), ["put", "delete"]);
  assert.deepEqual(progress.filter((revision) => revision < 4 && revision !== 3), []);
  assert.equal(await one.latest(), 5);
});

test("a watch goes on where it was after its member has been away", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open();
  using watch = store.watch("/", { after: 1 });
  const all = (async () => {
    const changes: Change[] = [];
    for await (const change of watch) {
      changes.push(change);
      if (keyOfChange(change) === "/d") break;
    }
    return changes;
  })();
  await store.put("/a", bytes("1"), { expected: 0 });
  await store.put("/b", bytes("1"), { expected: 0 });
  await etcd.kill("m0");
  const writing = store.put("/c", bytes("1"), { expected: 0 });
  etcd.startMember("m0");
  // Between may lie what is written when an answer is lost.
  const third = await writing;
  assert.ok(third >= 4);
  const fourth = await store.put("/d", bytes("1"), { expected: 0 });
  assert.deepEqual((await all).filter((change) => !keyOfChange(change).startsWith("/registry/")).map((change) => `${keyOfChange(change)}@${revisionOfChange(change)}`), ["/a@2", "/b@3", `/c@${third}`, `/d@${fourth}`]);
});

test("a watch that lies behind what is forgotten fails, and says so", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using one = await etcd.open();
  await using two = await etcd.open();
  for (let i = 0; i < 5; i++) await one.put(`/k${i}`, bytes(""), { expected: 0 });
  await one.compact(5);
  await one.compact(3);
  using late = two.watch("/", { after: 4 });
  await assert.rejects(take(late, 1), CompactedError);
  assert.throws(() => two.watch("/", { after: 4 }), CompactedError, "from then on it is known");
  using just = two.watch("/", { after: 5 });
  assert.equal((await take(just, 1)).length, 1);
});

test("of several servers one compacts, and both know", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using one = await etcd.open({ compactEveryMs: 40 });
  await using two = await etcd.open({ compactEveryMs: 40 });
  await one.put("/k", bytes("old"), { expected: 0 });
  const until = systemClock.now() + 20_000;
  for (;;) {
    try {
      assert.equal(text((await two.get("/k", { revision: 2 }))?.value), "old");
    } catch (error) {
      assert.ok(error instanceof CompactedError);
      break;
    }
    assert.ok(systemClock.now() < until, "nothing was compacted");
  }
  assert.equal(text((await two.get("/k"))?.value), "old");
});

test("an etcd that does not answer is said to be unavailable", { skip, timeout: 60_000 }, async () => {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open({ patienceMs: 2_500 });
  etcd.pause("m0");
  await assert.rejects(store.get("/k"), UnavailableError);
  etcd.resume("m0");
  assert.equal(await store.get("/k"), undefined);
});

test("etcd is reached with a client's certificate, and not without", { skip, timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-pki-"));
  try {
    const { ca, apiServer, admin } = await ensurePki(folder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
    const file = (name: string, pem: string): string => {
      writeFileSync(join(folder, name), pem, { mode: 0o600 });
      return join(folder, name);
    };
    const etcdCaFile = file("etcd-ca.pem", ca.certificatePem);
    await using etcd = await EtcdCluster.start(1, { tls: { ca: etcdCaFile, certificate: file("etcd.pem", apiServer.certificatePem), key: file("etcd-key.pem", apiServer.privateKeyPem) } });
    const location = { store: `etcd=${etcd.urls}`, etcdCaFile };
    const own = { clock: systemClock, log: silentLog };
    await using store = await openStore({ ...location, etcdCertFile: file("client.pem", admin.certificatePem), etcdKeyFile: file("client-key.pem", admin.privateKeyPem) }, own);
    await store.put("/secret", bytes("x"), { expected: 0 });
    await assert.rejects(openStore(location, { ...own, patienceMs: 1_000 }), UnavailableError);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
