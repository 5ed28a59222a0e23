import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps, type ConfigMap } from "../api/generated/core-v1.ts";
import { StatusError } from "../apimachinery/status-error.ts";
import { silentLog } from "../stdx/log.ts";
import { seededRandom } from "../stdx/random.ts";
import { Informers } from "./informers.ts";
import { FakeTransport } from "./testing/fake-transport.ts";
import { ManualClock, settle } from "./testing/manual-clock.ts";
import { TypedClient } from "./typed-client.ts";

const configMap = (name: string): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });

function world(streams: boolean) {
  const clock = new ManualClock();
  const transport = new FakeTransport({ clock });
  if (!streams) {
    const watch = transport.watch.bind(transport);
    transport.watch = (request) => {
      if (request.query?.["sendInitialEvents"] !== undefined) throw new StatusError("Invalid", "sendInitialEvents: Forbidden");
      return watch(request);
    };
  }
  const stop = new AbortController();
  const client = new TypedClient(transport);
  const informers = new Informers({ client, clock, random: seededRandom(1), log: silentLog, signal: stop.signal });
  return { clock, transport, stop, client, informers };
}

for (const streams of [true, false]) {
  test(`lists, follows, resumes and starts over (${streams ? "streaming list" : "list and watch"})`, async () => {
    const { clock, transport, stop, client, informers } = world(streams);
    await client.create(configmaps, configMap("a"));
    const informer = informers.of(configmaps);
    assert.equal(informers.of(configmaps), informer);
    await clock.advance(1000);
    assert.ok(informer.hasSynced);
    await informers.whenSynced();
    const names = () => informer.cache.list().map(({ metadata }) => metadata.name ?? "").toSorted().join(" ");
    assert.equal(names(), "a");

    await client.create(configmaps, configMap("b"));
    await settle();
    assert.equal(names(), "a b");

    transport.endWatches();
    await client.create(configmaps, configMap("c"));
    await clock.advance(60_000);
    assert.equal(names(), "a b c");

    transport.endWatches();
    await client.delete(configmaps, { name: "a", namespace: "default" });
    transport.compact();
    await clock.advance(120_000);
    assert.equal(names(), "b c");
    stop.abort();
  });
}

test("own writes are in the cache when the call returns", async () => {
  const { clock, stop, informers } = world(true);
  const { cache } = informers.of(configmaps);
  await clock.advance(0);
  const made = await informers.client.create(configmaps, configMap("a"));
  assert.equal(cache.get("default/a"), made);
  const changed = await informers.client.update(configmaps, { ...made, data: { a: "1" } });
  assert.equal(cache.get("default/a"), changed);
  await informers.client.delete(configmaps, { name: "a", namespace: "default" });
  assert.equal(cache.size, 0);
  await settle();
  assert.equal(cache.size, 0);
  stop.abort();
});
