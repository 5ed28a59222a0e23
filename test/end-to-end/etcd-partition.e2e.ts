// Three members in network namespaces of their own, which are cut off from everybody or from each other only, killed and stopped.
import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps } from "../../src/api/generated/core-v1.ts";
import { isStatusError } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import type { EtcdStore } from "../../src/storage/etcd/etcd-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { Histories } from "../etcd/histories.ts";
import { Load, namespace } from "../etcd/load.ts";
import { newerEtcd, newerSkip } from "../etcd/newer-etcd.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

const skipped = skip === false && process.getuid?.() !== 0 ? "network namespaces are made as root" : skip;

type Fault = readonly [what: string, apply: () => Promise<void> | void];

/** One member after the other fails in one way and comes back. Which one is decided when it is its turn. */
function faults(etcd: EtcdCluster): readonly (() => Promise<readonly [Fault, Fault]>)[] {
  const { network } = etcd;
  const leader = (): Promise<string> => etcd.leader();
  const follower = async (): Promise<string> => {
    const leads = await leader();
    return etcd.names.find((name) => name !== leads) ?? "";
  };
  const cut = (name: string, role: string) => [[`the ${role} cut off`, () => network.cut(name)], ["mended", () => network.mend(name)]] as const;
  const cutFromPeers = (name: string, role: string) => [[`the ${role} cut off from its peers only`, () => network.cutFromPeers(name)], ["mended", () => network.mendToPeers(name)]] as const;
  return [
    async () => cut(await leader(), "leader"),
    async () => cut(await follower(), "follower"),
    async () => cutFromPeers(await leader(), "leader"),
    async () => cutFromPeers(await follower(), "follower"),
    async () => {
      const name = await leader();
      return [["the leader killed", () => etcd.kill(name)], ["started again", () => etcd.startMember(name)]];
    },
    async () => {
      const name = await leader();
      return [["the leader stopped", () => etcd.pause(name)], ["it goes on", () => etcd.resume(name)]];
    },
    // One of them is the member that a server reads from.
    ...[0, 1].map((index) => async () => {
      const leads = await leader();
      const name = etcd.names.filter((each) => each !== leads)[index] ?? "";
      return [[`follower ${name} stopped`, () => etcd.pause(name)], ["it goes on", () => etcd.resume(name)]] as const;
    }),
  ];
}

test("API servers on members of which any fails: nothing acknowledged is lost, nothing old is shown, no watch misses anything", { skip: skipped, timeout: 400_000 }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await EtcdCluster.start(3, { networked: true }));
  const servers: TestServer[] = [];
  for (const index of [0, 1]) servers.push(stack.use(await startTestServer({ store: await etcd.open(etcd.location(etcd.names[index])) })));
  const [server] = servers;
  assert.ok(server);
  const { metadata: { resourceVersion = "" } } = await new TypedClient(server.http).list(configmaps, { namespace });
  const load = stack.use(new Load(servers, resourceVersion));
  await load.works(5);
  const during = async (what: string, apply: () => Promise<void> | void): Promise<void> => {
    const began = performance.now();
    await apply();
    await load.works(3);
    t.diagnostic(`${what}: every writer goes on after ${Math.round(performance.now() - began)} ms (${load.writes} writes, ${load.failures} refused so far)`);
    await load.check();
  };
  for (const next of faults(etcd)) for (const [what, apply] of await next()) await during(what, apply);

  // Without a majority nothing is acknowledged and nothing read.
  const leads = await etcd.leader();
  const others = etcd.names.filter((name) => name !== leads);
  for (const name of others) etcd.pause(name);
  // Over HTTP the client would try it again and again.
  await assert.rejects(new TypedClient(server.local).list(configmaps, { namespace }), (error) => isStatusError(error, "ServiceUnavailable"));
  const then = load.writes;
  await systemClock.sleep(1000, { signal: AbortSignal.timeout(5000) });
  assert.equal(load.writes, then);
  await during("the majority is back", () => others.forEach((name) => etcd.resume(name)));
  assert.ok(load.writes > 100);
  for (const { complaints } of servers) assert.deepEqual(complaints, []);
});

test("histories of clients of members that are cut off are linearizable", { skip: skipped, timeout: 300_000 }, async (t) => {
  const seed = Number(process.env["KEELSON_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  t.diagnostic(`KEELSON_SEED=${seed}`);
  await using stack = new AsyncDisposableStack();
  // The other test's etcd is Debian's.
  const etcd = stack.use(await EtcdCluster.start(3, { networked: true, ...(newerSkip === false && { program: newerEtcd }) }));
  const stores: EtcdStore[] = [];
  for (const name of etcd.names) stores.push(stack.use(await etcd.open({ ...etcd.location(name), patienceMs: 4_000 })));
  const histories = stack.use(new Histories(stores, seed));
  await histories.works(5);
  for (const next of faults(etcd)) {
    for (const [what, apply] of await next()) {
      const began = performance.now();
      await apply();
      await histories.works(5);
      t.diagnostic(`${what}: every client goes on after ${Math.round(performance.now() - began)} ms`);
    }
  }
  const { operations, lost, lostButDone } = await histories.check();
  t.diagnostic(`${operations} operations, ${histories.unavailable} refused, ${lost} writes without an answer, of which ${lostButDone} were done`);
  assert.ok(operations > 300);
});
