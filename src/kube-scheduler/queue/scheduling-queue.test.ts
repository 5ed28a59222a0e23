import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { ClusterEvent } from "../framework/plugin.ts";
import { defaultPlugins } from "../plugins/plugins.ts";
import { node, podInfo } from "../testing/objects.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";

function setUp(): Disposable & { readonly clock: ManualClock; readonly queue: SchedulingQueue } {
  const clock = new ManualClock();
  const ending = new AbortController();
  return { clock, queue: new SchedulingQueue({ clock, signal: ending.signal, plugins: defaultPlugins }), [Symbol.dispose]: () => ending.abort() };
}
const fit = new Set(["NodeResourcesFit"]);
const bigNode: ClusterEvent = { resource: "Node", previous: undefined, next: node("big") };
const heartbeat: ClusterEvent = { resource: "Node", previous: node("big"), next: node("big") };
const pop = (queue: SchedulingQueue): string | undefined => queue.pop()?.info.key;

test("by priority, then first come, first served", () => {
  using setup = setUp();
  for (const [name, priority] of [["a", 0], ["b", 10], ["c", 0], ["d", 10]] as const) setup.queue.put(podInfo(name, { priority }), true);
  assert.deepEqual([1, 2, 3, 4, 5].map(() => pop(setup.queue)), ["default/b", "default/d", "default/a", "default/c", undefined]);
});

test("an unschedulable pod comes back with the first event that may help, and no other", () => {
  using setup = setUp();
  const { queue } = setup;
  queue.put(podInfo("a", { requests: { cpu: "2" } }), true);
  const taken = queue.pop();
  assert.ok(taken);
  queue.unschedulable(taken, fit);
  for (const event of [heartbeat, { resource: "Service", previous: undefined, next: undefined } as const, { resource: "Node", previous: undefined, next: node("small", { allocatable: { cpu: "1" } }) } as const]) queue.happened(event);
  assert.equal(pop(queue), undefined);
  queue.happened(bigNode);
  assert.equal(queue.sizes.backoff, 1);
  assert.equal(pop(queue), "default/a", "nothing else is to do, so its backoff is cut short");
});

test("while others are to be scheduled, a pod waits its backoff out: 1 s, then twice as long each time, 10 s at most", async () => {
  using setup = setUp();
  const { queue, clock } = setup;
  queue.put(podInfo("a", { requests: { cpu: "2" } }), true);
  for (const seconds of [1, 2, 4, 8, 10, 10]) {
    const taken = queue.pop();
    assert.ok(taken);
    queue.unschedulable(taken, fit);
    queue.happened(bigNode);
    await clock.advance(seconds * 1000 - 1);
    assert.equal(queue.sizes.backoff, 1, `${seconds}`);
    await clock.advance(1);
    assert.equal(queue.sizes.active, 1, `${seconds}`);
  }
});

test("after an error a pod is not tried early", async () => {
  using setup = setUp();
  const { queue, clock } = setup;
  queue.put(podInfo("a"), true);
  const taken = queue.pop();
  assert.ok(taken);
  queue.failed(taken);
  assert.equal(pop(queue), undefined);
  await clock.advance(1000);
  assert.equal(pop(queue), "default/a");
});

test("an unschedulable pod is tried again after five minutes in any case", async () => {
  using setup = setUp();
  const { queue, clock } = setup;
  queue.put(podInfo("a"), true);
  const taken = queue.pop();
  assert.ok(taken);
  queue.unschedulable(taken, fit);
  await clock.advance(299_999);
  assert.equal(pop(queue), undefined);
  await clock.advance(1);
  assert.equal(pop(queue), "default/a");
});

test("gates hold a pod back until it changes; its own change brings an unschedulable pod back", () => {
  using setup = setUp();
  const { queue } = setup;
  queue.put(podInfo("a", { schedulingGates: [{ name: "x" }] }), true);
  queue.happened(bigNode);
  assert.deepEqual([pop(queue), queue.sizes.gated], [undefined, 1]);
  queue.put(podInfo("a"), true);
  const taken = queue.pop();
  assert.equal(taken?.info.key, "default/a");
  queue.unschedulable(taken, fit);
  queue.put(podInfo("a"), false);
  assert.equal(queue.sizes.unschedulable, 1);
  queue.put(podInfo("a", { nodeSelector: { x: "y" } }), true);
  assert.equal(pop(queue), "default/a");
});

test("a deleted pod leaves every place, and a failure that comes late does not bring it back", () => {
  using setup = setUp();
  const { queue } = setup;
  queue.put(podInfo("a"), true);
  const taken = queue.pop();
  assert.ok(taken);
  queue.delete("uid-a");
  queue.unschedulable(taken, fit);
  queue.put(podInfo("b"), true);
  queue.delete("uid-b");
  assert.deepEqual(queue.sizes, { active: 0, backoff: 0, unschedulable: 0, gated: 0, out: 0 });
  assert.equal(pop(queue), undefined);
});
