import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps } from "../../src/api/generated/core-v1.ts";
import { isStatusError } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { Load, namespace } from "../etcd/load.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

test("three members: whichever fails, nothing acknowledged is lost, nothing old is shown, and service resumes by itself", { skip, timeout: 400_000 }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const etcd = stack.use(await EtcdCluster.start(3));
  const servers: TestServer[] = [];
  for (const index of [0, 1]) servers.push(stack.use(await startTestServer({ store: await etcd.open(etcd.location(etcd.names[index])) })));
  const [server] = servers;
  assert.ok(server);
  const { metadata: { resourceVersion = "" } } = await new TypedClient(server.http).list(configmaps, { namespace });
  const load = stack.use(new Load(servers, resourceVersion));
  await load.works(5);

  const during = async (what: string, fail: () => Promise<void> | void): Promise<void> => {
    const began = performance.now();
    await fail();
    await load.works(3);
    t.diagnostic(`${what}: every writer goes on after ${Math.round(performance.now() - began)} ms (${load.writes} writes, ${load.failures} refused so far)`);
    await load.check();
  };
  const followers = async (): Promise<string[]> => {
    const leader = await etcd.leader();
    return etcd.names.filter((name) => name !== leader);
  };

  await t.test("the leader is killed, and comes back", async () => {
    const leader = await etcd.leader();
    await during("leader killed", () => etcd.kill(leader));
    await during("it is back", () => etcd.startMember(leader));
  });
  await t.test("the leader is stopped in the middle of its work, and goes on", async () => {
    const leader = await etcd.leader();
    await during("leader stopped", () => etcd.pause(leader));
    await during("it goes on", () => etcd.resume(leader));
  });
  await t.test("the member that a server reads from is stopped", async () => {
    for (const name of await followers()) {
      await during(`follower ${name} stopped`, () => etcd.pause(name));
      await during("it goes on", () => etcd.resume(name));
    }
  });
  await t.test("without a majority nothing is acknowledged and nothing read; with it everything goes on", async () => {
    const [first = "", second = ""] = await followers();
    etcd.pause(first);
    etcd.pause(second);
    const before = load.writes;
    // Over HTTP the client would try it again and again.
    await assert.rejects(new TypedClient(server.local).list(configmaps, { namespace }), (error) => isStatusError(error, "ServiceUnavailable"));
    t.diagnostic(`${load.writes - before} writes were acknowledged while the majority went away`);
    const then = load.writes;
    await systemClock.sleep(1000, { signal: AbortSignal.timeout(5000) });
    assert.equal(load.writes, then);
    await during("majority back", () => {
      etcd.resume(first);
      etcd.resume(second);
    });
  });
  await load.check();
  assert.ok(load.writes > 100);
});
