import assert from "node:assert/strict";
import { test } from "node:test";
import { leases } from "../api/generated/coordination-v1.ts";
import { silentLog } from "../stdx/log.ts";
import { seededRandom } from "../stdx/random.ts";
import { aborted } from "../stdx/abort.ts";
import { LeadershipLostError, runAsLeader } from "./leader-election.ts";
import { FakeTransport } from "./testing/fake-transport.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { TypedClient } from "./typed-client.ts";

function world() {
  const clock = new ManualClock();
  let broken = false;
  const transport = new FakeTransport({ clock, onRequest: () => {
    if (broken) throw new Error("broken");
  } });
  const client = new TypedClient(transport);
  const led: string[] = [];
  const start = (identity: string) => {
    const stop = new AbortController();
    const ended = runAsLeader({ client, clock, random: seededRandom(1), log: silentLog, namespace: "kube-system", name: "kcm", identity, signal: stop.signal }, async (signal) => {
      led.push(`+${identity}`);
      await aborted(signal);
      led.push(`-${identity}`);
    });
    ended.catch(() => undefined);
    return { stop, ended };
  };
  return { clock, client, led, start, break: () => { broken = true; } };
}

test("one leads; another takes over at once when the lease is given back", async () => {
  const { clock, client, led, start } = world();
  const a = start("a");
  await clock.advance(0);
  const b = start("b");
  await clock.advance(60_000);
  assert.deepEqual(led, ["+a"]);
  a.stop.abort();
  await clock.advance(5_000);
  assert.deepEqual(led, ["+a", "-a", "+b"]);
  const lease = await client.get(leases, { namespace: "kube-system", name: "kcm" });
  assert.equal(lease.spec?.leaseTransitions, 1);
  b.stop.abort();
});

test("a leader that cannot renew stops before anybody else may start", async () => {
  const { clock, led, start, ...world_ } = world();
  const a = start("a");
  await clock.advance(0);
  world_.break();
  await clock.advance(14_000);
  assert.deepEqual(led, ["+a", "-a"]);
  await assert.rejects(a.ended, LeadershipLostError);
});
