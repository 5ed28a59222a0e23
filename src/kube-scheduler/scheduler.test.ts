import assert from "node:assert/strict";
import { test } from "node:test";
import { events, nodes, pods, type Node, type Pod } from "../api/generated/core-v1.ts";
import { conflict } from "../apimachinery/status-error.ts";
import { EventRecorder } from "../client/event-recorder.ts";
import { Informers } from "../client/informers.ts";
import { FakeTransport } from "../client/testing/fake-transport.ts";
import { ManualClock, settle } from "../client/testing/manual-clock.ts";
import { TypedClient } from "../client/typed-client.ts";
import { silentLog } from "../stdx/log.ts";
import { seededRandom } from "../stdx/random.ts";
import { StepRing, Tracer } from "../stdx/steps.ts";
import { runScheduler } from "./scheduler.ts";
import { node, pod, type PodParts } from "./testing/objects.ts";

/** A scheduler on an API server in memory, where bindings work. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly steps = new StepRing({ stepsMax: 10_000 });
  readonly #ending = new AbortController();
  readonly #transport: FakeTransport;
  readonly client: TypedClient;
  readonly #running: Promise<void>;
  /** What the next bindings are refused with. */
  readonly refusals: Error[] = [];

  constructor() {
    this.#transport = new FakeTransport({
      clock: this.clock,
      onPost: async (request) => {
        const refusal = this.refusals.shift();
        if (refusal) throw refusal;
        const { target } = request.body as { readonly target: { readonly name: string } };
        const { subresource: _, body: __, ...named } = request;
        return this.#transport.request({ ...named, verb: "patch", patchType: "application/merge-patch+json", body: { spec: { nodeName: target.name } } });
      },
    });
    this.client = new TypedClient(this.#transport);
    const { clock, client, steps } = this;
    const { signal } = this.#ending;
    const informers = new Informers({ client, clock, random: seededRandom(1), log: silentLog, signal });
    this.#running = runScheduler({
      informers, clock, random: seededRandom(1), log: silentLog, signal,
      tracer: new Tracer({ component: "kube-scheduler", steps, clock }), events: new EventRecorder({ client, clock, log: silentLog, component: "default-scheduler", signal }),
    });
  }

  async node(made: Node): Promise<Node> {
    const created = await this.client.create(nodes, made);
    return this.client.updateStatus(nodes, { ...created, status: made.status ?? {} });
  }
  pod(name: string, parts?: PodParts): Promise<Pod> {
    return this.client.create(pods, pod(name, parts));
  }
  async placeOf(name: string): Promise<string | undefined> {
    await settle();
    return (await this.client.get(pods, { name, namespace: "default" })).spec?.nodeName;
  }
  async eventsOf(name: string): Promise<string[]> {
    await settle();
    return (await this.client.list(events)).items.filter(({ involvedObject }) => involvedObject.name === name).map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }
}

test("a pod is bound, with its event and its steps", async () => {
  await using world = new World();
  await world.node(node("a"));
  await world.node(node("b", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } }));
  await world.node(node("c"));
  const { metadata: { uid = "" } } = await world.pod("web");
  assert.ok(["a", "c"].includes((await world.placeOf("web")) ?? ""));
  assert.match((await world.eventsOf("web"))[0] ?? "", /^Normal Scheduled Successfully assigned default\/web to [ac]$/);
  const steps = world.steps.of(uid.replaceAll("-", ""));
  assert.deepEqual(steps.map(({ name }) => name), ["queued", "filtered nodes", "scored nodes", "bound to node"]);
  assert.equal(steps[1]?.attributes["rejected.b"], "TaintToleration: node(s) had untolerated taint(s)");
  assert.match(String(steps[2]?.attributes["score.a"]), /^\d+ \(TaintToleration 300, NodeResourcesFit 97\)$/);
  assert.equal(steps[3]?.attributes["bound"], true);
});

test("a pod that fits nowhere says why, and is scheduled as soon as its obstacle goes, without time passing", async () => {
  await using world = new World();
  const [a] = [await world.node(node("a", { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } })), await world.node(node("b", { allocatable: { cpu: "1" } }))];
  await world.pod("web", { requests: { cpu: "2" } });
  assert.equal(await world.placeOf("web"), undefined);
  const text = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
  assert.deepEqual(await world.eventsOf("web"), [`Warning FailedScheduling ${text}`]);
  const [condition] = (await world.client.get(pods, { name: "web", namespace: "default" })).status?.conditions ?? [];
  assert.deepEqual([condition?.type, condition?.status, condition?.reason, condition?.message], ["PodScheduled", "False", "Unschedulable", text]);
  await world.client.update(nodes, { ...a, spec: {} });
  assert.equal(await world.placeOf("web"), "a");
});

const obstacles: Readonly<Record<string, { readonly pod: PodParts; readonly node: Node; readonly remove: (world: World, node: Node) => Promise<unknown> }>> = {
  "a missing label": { pod: { nodeSelector: { disk: "ssd" } }, node: node("a"), remove: ({ client }, { metadata, ...rest }) => client.update(nodes, { ...rest, metadata: { ...metadata, labels: { disk: "ssd" } } }) },
  "a cordon": { pod: {}, node: node("a", { spec: { unschedulable: true } }), remove: ({ client }, known) => client.update(nodes, { ...known, spec: {} }) },
  "no resources": { pod: { requests: { cpu: "6" } }, node: node("a"), remove: ({ client }, known) => client.updateStatus(nodes, { ...known, status: { allocatable: { cpu: "8", memory: "8Gi", pods: "10" } } }) },
  "another pod": { pod: { requests: { cpu: "3" } }, node: node("a"), remove: ({ client }) => client.delete(pods, { name: "holder", namespace: "default" }, { gracePeriodSeconds: 0 }) },
  "a host port": { pod: { hostPorts: [{ hostPort: 80 }] }, node: node("a"), remove: ({ client }) => client.delete(pods, { name: "holder", namespace: "default" }, { gracePeriodSeconds: 0 }) },
  "a new node": { pod: { nodeSelector: { disk: "ssd" } }, node: node("b"), remove: (world) => world.node(node("a", { labels: { disk: "ssd" } })) },
};
for (const [name, { pod: parts, node: made, remove }] of Object.entries(obstacles)) {
  test(`obstacle: ${name}`, async () => {
    await using world = new World();
    const known = await world.node(made);
    await world.pod("holder", { requests: { cpu: "2" }, hostPorts: [{ hostPort: 80 }] });
    await settle();
    await world.pod("web", parts);
    assert.equal(await world.placeOf("web"), undefined);
    await remove(world, known);
    assert.equal(await world.placeOf("web"), "a");
  });
}

test("without nodes, and with other schedulers' pods", async () => {
  await using world = new World();
  await world.pod("web");
  await world.pod("other", { schedulerName: "mine" });
  assert.deepEqual(await world.eventsOf("web"), ["Warning FailedScheduling no nodes available to schedule pods"]);
  await world.node(node("a"));
  assert.equal(await world.placeOf("web"), "a");
  assert.equal(await world.placeOf("other"), undefined);
});

test("a refused binding gives the room back and is tried again", async () => {
  await using world = new World();
  await world.node(node("a"));
  world.refusals.push(conflict({ group: "", resource: "pods" }, "web", "no"));
  await world.pod("web", { requests: { cpu: "3" } });
  assert.equal(await world.placeOf("web"), undefined);
  assert.match((await world.eventsOf("web"))[0] ?? "", /^Warning FailedScheduling running Bind plugin "DefaultBinder": Operation cannot be fulfilled/);
  await world.clock.advance(1000);
  assert.equal(await world.placeOf("web"), "a");
});

test("pods that ended make room; assumed pods take it at once", async () => {
  await using world = new World();
  await world.node(node("a"));
  const [first] = [await world.pod("one", { requests: { cpu: "3" } }), await world.pod("two", { requests: { cpu: "3" } })];
  assert.deepEqual([await world.placeOf("one"), await world.placeOf("two")], ["a", undefined]);
  await world.client.updateStatus(pods, { ...(await world.client.get(pods, { name: "one", namespace: "default" })), status: { phase: "Succeeded" } });
  assert.equal(await world.placeOf("two"), "a");
  assert.ok(first);
});

test("a pod of higher priority gets the room of a lower one", async () => {
  await using world = new World();
  await world.node(node("a"));
  await world.pod("low", { requests: { cpu: "3" }, priority: 1 });
  await settle();
  await world.pod("high", { requests: { cpu: "3" }, priority: 100 });
  await settle();
  const high = await world.client.get(pods, { name: "high", namespace: "default" });
  assert.equal(high.status?.nominatedNodeName, "a");
  const low = await world.client.get(pods, { name: "low", namespace: "default" });
  assert.ok(low.metadata.deletionTimestamp);
  assert.deepEqual(low.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]), [["DisruptionTarget", "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"]]);
  assert.match((await world.eventsOf("low")).at(-1) ?? "", /^Normal Preempted Preempted by pod .* on node a$/);
  // The room is kept for it, though another pod would fit for the moment.
  await world.client.delete(pods, { name: "low", namespace: "default" }, { gracePeriodSeconds: 0 });
  assert.equal(await world.placeOf("high"), "a");
});

test("pods of a ReplicaSet-less deployment of one size spread evenly", async () => {
  await using world = new World();
  for (const name of ["a", "b", "c"]) await world.node(node(name));
  await Promise.all(Array.from({ length: 9 }, (_, i) => world.pod(`p${i}`, { requests: { cpu: "100m", memory: "64Mi" } })));
  const places = await Promise.all(Array.from({ length: 9 }, (_, i) => world.placeOf(`p${i}`)));
  assert.deepEqual(["a", "b", "c"].map((name) => places.filter((place) => place === name).length), [3, 3, 3]);
});
