import assert from "node:assert/strict";
import { test } from "node:test";
import { ConflictError, type Store } from "../../storage/store.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { systemClock } from "../../stdx/clock.ts";
import { measuredStore } from "./measured-store.ts";
import { Metrics } from "../metrics.ts";

const resourceOf = () => ({ group: "", resource: "pods" });

test("what the store is asked for is counted, and what it could not do", async () => {
  const metrics = new Metrics();
  await using store = measuredStore(new MemoryStore(), { metrics, clock: systemClock, resourceOf });
  const revision = await store.put("/registry/pods/a", new Uint8Array([1]), { expected: 0 });
  await assert.rejects(store.put("/registry/pods/a", new Uint8Array([2]), { expected: 0 }), ConflictError);
  await store.put("/registry/pods/a", new Uint8Array([3]), { expected: revision });
  await assert.rejects(store.list("/registry/pods/", { revision: 1000 }));
  const text = metrics.text([]);
  for (const line of ['etcd_requests_total{group="",operation="create",resource="pods"} 2', 'etcd_requests_total{group="",operation="update",resource="pods"} 1', 'etcd_request_errors_total{group="",operation="list",resource="pods"} 1']) {
    assert.ok(text.includes(line), line);
  }
  assert.ok(!text.includes('etcd_request_errors_total{group="",operation="create"'));
});

test("what the store has is there, what it has not is missing", async () => {
  await using plain = new MemoryStore();
  const clock = systemClock;
  const bare = measuredStore(plain, { metrics: new Metrics(), clock, resourceOf });
  assert.deepEqual([bare.latest, bare.expires, bare.placeOf, bare.stale, bare.revision], [undefined, undefined, undefined, undefined, plain.revision]);
  const rich: Store = Object.assign(Object.create(plain) as Store, { latest: () => Promise.resolve(7), expires: true, placeOf: (key: string) => `x${key}`, stale: () => Promise.resolve(true) });
  const wrapped = measuredStore(rich, { metrics: new Metrics(), clock, resourceOf });
  assert.deepEqual([await wrapped.latest?.(), wrapped.expires, wrapped.placeOf?.("a"), await wrapped.stale?.("a")], [7, true, "xa", true]);
});
