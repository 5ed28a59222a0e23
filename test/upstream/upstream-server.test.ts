// Upstream's own kube-apiserver and ours on the etcd of the other, one after the other and at the same time. Runs where a developer has one (docs/etcd.md); what it found is in recorded values that every run checks.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { configmaps, namespaces, secrets, services, type ConfigMap, type Secret, type Service } from "../../src/api/generated/core-v1.ts";
import { ipaddresses } from "../../src/api/generated/networking-v1.ts";
import type { KubeObject, ResourceType } from "../../src/apimachinery/object.ts";
import type { TypedClient } from "../../src/client/typed-client.ts";
import { command } from "../../src/stdx/command.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";
import { startTestServer } from "../api-server/fixture.ts";
import { EtcdCluster } from "../etcd/etcd-cluster.ts";
import { ServerProcesses, timed, type ServerProcess } from "../etcd/server-processes.ts";
import { launcher, until } from "../support/cluster.ts";
import { samples } from "./samples.ts";
import { skip, UpstreamServer } from "./upstream-server.ts";

const namespace = "sample";
const types = resources.map(({ type }) => type);
const typeOf = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): ResourceType => {
  const type = types.find((each) => each.kind === kind && apiVersion === (each.group === "" ? each.version : `${each.group}/${each.version}`));
  if (!type) throw new Error(`${apiVersion} ${kind} is not served`);
  return type;
};

/** Each kind's object, and then its status as a controller would write it. */
async function fill(client: TypedClient): Promise<void> {
  for (const { object, status } of samples) {
    const type = typeOf(object);
    const made = await client.create(type, object);
    if (status) await client.update(type, { ...made, status } as KubeObject, { subresource: "status" });
  }
}

/** What one server writes for itself while it runs, and takes back when it ends. */
const ownOf = (id: string): boolean => /^(leases\.\S* kube-system\/apiserver-|endpoints\.\S* default\/kubernetes$|endpointslices\.\S* default\/kubernetes$|events\.\S* nowhere\/)/.test(id);

/** Upstream says in the status of these at once whether they are established, reachable or dangle. */
const settled = /^(customresourcedefinitions|apiservices|flowschemas|prioritylevelconfigurations)\./;

/** Every object of every kind as this server serves it in JSON, by kind and name. */
async function all(client: TypedClient): Promise<ReadonlyMap<string, KubeObject>> {
  const found = new Map<string, KubeObject>();
  for (const type of types) {
    const { items } = await client.list(type, {});
    for (const item of items) found.set(`${type.plural}.${type.group}/${type.version} ${item.metadata.namespace ?? ""}/${item.metadata.name}`, item);
  }
  return new Map([...found].filter(([id]) => !ownOf(id)));
}

/** `before` must be there, and as it was. What the second server added by itself when it started is told. */
function assertKept(before: ReadonlyMap<string, KubeObject>, after: ReadonlyMap<string, KubeObject>, options: { readonly changed?: RegExp } = {}): readonly string[] {
  for (const [id, object] of before) {
    if (options.changed?.test(id) !== true) assert.deepEqual(after.get(id), object, id);
  }
  return [...after.keys()].filter((id) => !before.has(id));
}

interface Place extends AsyncDisposable {
  readonly etcd: EtcdCluster;
  readonly processes: ServerProcesses;
  upstream(...flags: readonly string[]): Promise<UpstreamServer>;
  /** Without controllers, so that nothing happens to what is compared. */
  ours(...flags: readonly string[]): Promise<ServerProcess>;
  end(server: ServerProcess): Promise<void>;
}

async function place(note: (text: string) => void): Promise<Place> {
  const etcd = await EtcdCluster.start();
  const processes = new ServerProcesses(etcd.urls);
  return {
    etcd, processes,
    upstream: async (...flags) => UpstreamServer.start({ etcd: etcd.urls, pki: processes.pki ?? await processes.makePki(), pkiFolder: processes.pkiFolder, flags }),
    ours: async (...flags) => {
      const server = await processes.start("--without", "kube-controller-manager,kube-scheduler", ...flags);
      await timed("ours answers", () => server.client.get(namespaces, { name: "kube-system" }), { note, said: server.said });
      return server;
    },
    end: async ({ child }) => {
      child.kill("SIGTERM");
      await until("our server has ended", () => child.exitCode !== null || child.signalCode !== null);
    },
    async [Symbol.asyncDispose]() {
      await processes[Symbol.asyncDispose]();
      await etcd[Symbol.asyncDispose]();
    },
  };
}

test("what upstream's server has filled, ours serves as it is; what ours writes there, upstream's serves as it is", { skip, timeout: 180_000 }, async (t) => {
  await using at = await place((text) => t.diagnostic(text));
  let theirs = await at.upstream();
  await fill(theirs.client);
  const first = await all(theirs.client);
  await theirs[Symbol.asyncDispose]();

  const ours = await at.ours();
  const seen = await all(ours.client);
  // Ours gives out the rules of aggregated roles when it starts, which upstream leaves to its controllers.
  const added = assertKept(first, seen, { changed: /^clusterroles\.\S* \/(admin|edit|view|sample)$/ });
  t.diagnostic(`${first.size} objects of ${types.length} kinds are equal; added: ${added.join(", ")}`);
  assert.ok(samples.every(({ object: { apiVersion, kind, metadata: { name, namespace: within = "" } } }) => {
    const type = typeOf({ apiVersion, kind });
    return seen.has(`${type.plural}.${type.group}/${type.version} ${within}/${name}`);
  }));

  await ours.client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ours", namespace }, data: { a: "b" } });
  await ours.client.patch(configmaps, { name: "applied", namespace }, "application/apply-patch+yaml", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied", namespace }, data: { k: "v" } }, { fieldManager: "applier" });
  for (const { object } of samples.slice(1)) {
    // Every kind as ours writes it.
    const type = typeOf(object);
    await ours.client.patch(type, { name: object.metadata.name, ...(object.metadata.namespace !== undefined && { namespace: object.metadata.namespace }) }, "application/merge-patch+json", { metadata: { annotations: { touched: "yes" } } });
  }
  await ours.client.delete(secrets, { name: "sample", namespace });
  await ours.client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: "ours", namespace }, spec: { type: "NodePort", ports: [{ port: 80 }] } });
  await ours.client.delete(services, { name: "allocated", namespace });
  const changed = await all(ours.client);
  await at.end(ours);

  theirs = await at.upstream();
  await using _ = theirs;
  const back = await all(theirs.client);
  const theirsAdded = assertKept(changed, back);
  assert.deepEqual([theirsAdded, changed.size], [[], back.size]);
  // They work with it: what is given out stays so, a finalizer of theirs is kept, deletions go through.
  const { spec } = back.get(`services./v1 ${namespace}/ours`) as Service;
  await assert.rejects(theirs.client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: "taken", namespace }, spec: { clusterIP: spec?.clusterIP ?? "", ports: [{ port: 80 }] } }), /provided IP is already allocated/);
  await assert.rejects(theirs.client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: "taken", namespace }, spec: { type: "NodePort", ports: [{ port: 80, nodePort: spec?.ports?.[0]?.nodePort ?? 0 }] } }), /provided port is already allocated/);
  await theirs.client.delete(services, { name: "ours", namespace });
  await assert.rejects(theirs.client.get(ipaddresses, { name: spec?.clusterIP ?? "" }), /not found/);
});

test("both on one etcd at the same time: each hears what the other writes, in order, and no address is given out twice", { skip, timeout: 180_000 }, async (t) => {
  await using at = await place((text) => t.diagnostic(text));
  await using theirs = await at.upstream();
  const ours = await at.ours();
  await theirs.client.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const { metadata: { resourceVersion = "" } } = await ours.client.list(configmaps, { namespace });
  const hears = (client: TypedClient): { readonly stop: AbortController; readonly ended: Promise<readonly string[]> } => {
    const stop = new AbortController();
    const seen: string[] = [];
    return { stop, ended: (async () => {
      try {
        for await (const { type, object } of client.watch(configmaps, { namespace, resourceVersion, signal: stop.signal })) {
          const { metadata } = object as ConfigMap;
          seen.push(`${type} ${metadata.name} ${metadata.resourceVersion}`);
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
      return seen;
    })() };
  };
  const watches = [hears(theirs.client), hears(ours.client)];
  const map = (name: string, data = {}): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data });
  for (let round = 0; round < 20; round++) {
    const [writer, other] = round % 2 === 0 ? [theirs.client, ours.client] : [ours.client, theirs.client];
    const made = await writer.create(configmaps, map(`m${round}`));
    // A write that is acknowledged by one is read from the other.
    const read = await other.get(configmaps, { name: `m${round}`, namespace });
    assert.deepEqual(read, made);
    await other.update(configmaps, { ...read, data: { round: String(round) } });
    await assert.rejects(writer.update(configmaps, { ...made, data: { late: "yes" } }), /the object has been modified/);
    if (round % 3 === 0) await writer.delete(configmaps, { name: `m${round}`, namespace });
  }
  const last = await theirs.client.create(configmaps, map("last"));
  const both = await Promise.all(watches.map(async ({ stop, ended }) => {
    await systemClock.sleep(2_000, { signal: AbortSignal.timeout(5_000) });
    stop.abort();
    return ended;
  }));
  assert.deepEqual(both[0], both[1]);
  assert.equal(both[0]?.at(-1), `ADDED last ${last.metadata.resourceVersion}`);
  assert.equal(both[0]?.length, 20 + 20 + 7 + 1);

  const made = await Promise.all(Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? theirs : ours).client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: `s${index}`, namespace }, spec: { type: "NodePort", ports: [{ port: 80 }] } })));
  const [addresses, ports] = [made.map(({ spec }) => spec?.clusterIP), made.map(({ spec }) => spec?.ports?.[0]?.nodePort)];
  assert.deepEqual([new Set(addresses).size, new Set(ports).size], [60, 60]);
  assertKept(await all(theirs.client), await all(ours.client));
});

test("a state that only ours has filled, in a file, goes into etcd and is served by upstream's", { skip, timeout: 180_000 }, async (t) => {
  await using at = await place((text) => t.diagnostic(text));
  const folder = mkdtempSync(join(tmpdir(), "keelson-upstream-copy-"));
  try {
    const path = join(folder, "state.db");
    const pki = await at.processes.makePki();
    let before: ReadonlyMap<string, KubeObject>;
    {
      await using server = await startTestServer({ store: await openSqliteStore({ path, clock: systemClock, log: silentLog }), pki });
      const { TypedClient: Client } = await import("../../src/client/typed-client.ts");
      const client = new Client(server.http);
      await fill(client);
      before = await all(client);
    }
    await command([launcher, "store", "copy", "--from", `sqlite:${path}`, "--to", `etcd=${at.etcd.urls}`]);
    await using theirs = await at.upstream();
    const after = await all(theirs.client);
    // A copy numbers the changes anew, in their order.
    const unnumbered = (objects: ReadonlyMap<string, KubeObject>) => new Map([...objects].map(([id, { metadata: { resourceVersion: _, ...metadata }, ...rest }]) => [id, { ...rest, metadata } as KubeObject]));
    const unmoved = (id: string): boolean => !settled.test(id);
    const order = (objects: ReadonlyMap<string, KubeObject>) => [...objects].filter(([id]) => before.has(id)).toSorted(([, a], [, b]) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion)).map(([id]) => id);
    const added = assertKept(unnumbered(before), unnumbered(after), { changed: settled });
    assert.deepEqual(order(after).filter(unmoved), order(before).filter(unmoved));
    t.diagnostic(`${before.size} objects are equal; added: ${added.join(", ")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

for (const provider of ["aescbc", "aesgcm", "secretbox"]) {
  test(`Secrets that are encrypted with ${provider} are read by the other, both ways`, { skip, timeout: 120_000 }, async (t) => {
    await using at = await place((text) => t.diagnostic(text));
    const folder = mkdtempSync(join(tmpdir(), "keelson-upstream-keys-"));
    try {
      const file = join(folder, "encryption.json");
      const key = { name: "k1", secret: randomBytes(32).toString("base64") };
      writeFileSync(file, JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources: [{ resources: ["secrets", "configmaps"], providers: [{ [provider]: { keys: [key] } }, { identity: {} }] }] }));
      const secret = (name: string): Secret => ({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, data: { a: Buffer.from(name).toString("base64") } });
      await using theirs = await at.upstream(`--encryption-provider-config=${file}`);
      const ours = await at.ours("--encryption-provider-config", file);
      const made = [await theirs.client.create(secrets, secret("theirs")), await ours.client.create(secrets, secret("ours"))];
      for (const client of [theirs.client, ours.client]) for (const each of made) assert.deepEqual(await client.get(secrets, { name: each.metadata.name ?? "", namespace: "default" }), each);
      await using store = await at.etcd.open();
      for (const { metadata: { name = "" } } of made) {
        const { value = new Uint8Array() } = await store.get(`/registry/secrets/default/${name}`) ?? {};
        assert.equal(Buffer.from(value).subarray(0, 20).toString().startsWith(`k8s:enc:${provider}:`), true, name);
      }
      await theirs.client.update(secrets, { ...made[1], data: { a: "dGhlaXJz" } } as Secret);
      assert.equal((await ours.client.get(secrets, { name: "ours", namespace: "default" })).data?.["a"], "dGhlaXJz");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
