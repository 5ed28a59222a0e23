// The story, line 9: obstacles to scheduling, told in events, and gone at once when they are.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Event, Pod } from "../../src/api/generated/core-v1.ts";
import type { Step } from "../../src/stdx/steps.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
let node: string;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"] });
  node = `${cluster.name}-1`;
});
after(() => cluster?.[Symbol.asyncDispose]());

const pod = (name: string, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1", kind: "Pod", metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sleep", "1000"], ...container }], ...spec },
});

async function pendingWith(name: string, message: string): Promise<void> {
  const condition = await until(`${name} is unschedulable`, async () => {
    const { status } = await cluster.get<Pod>("pod", name);
    const found = status?.conditions?.find(({ type }) => type === "PodScheduled");
    return status?.phase === "Pending" && found?.reason === "Unschedulable" && found;
  });
  assert.deepEqual([condition.status, condition.message], ["False", message]);
  await until("the event is there", async () => {
    const { items } = await cluster.get<{ readonly items: readonly Event[] }>("events", "--field-selector", `involvedObject.name=${name},reason=FailedScheduling`);
    return items.some((event) => event.type === "Warning" && event.message === message && (event.source?.component ?? event.reportingComponent) === "default-scheduler");
  });
  assert.match(await cluster.kubectl("get", "pod", name), new RegExp(`^${name} +0/1 +Pending +0 `, "m"));
}

/**
 * From the change that lets the pod go ahead until its binding, in ms, as recorded in the server itself: kubectl's own start does not count. The best of
 * some tries is what the design can do; a busy machine can only add to it.
 */
async function bindsAfter(name: string, change: () => Promise<unknown>, changed: string): Promise<number> {
  await change();
  await until(`${name} is scheduled`, async () => (await cluster.get<Pod>("pod", name)).spec?.nodeName !== undefined);
  const steps = async (object: string) => JSON.parse(await cluster.keelson("trace", object, "--cluster", cluster.name, "-o", "json")) as readonly Step[];
  const last = (all: readonly Step[], pick: (step: Step) => boolean): Step => {
    const found = all.filter(pick).toSorted((a, b) => a.startMs - b.startMs).at(-1);
    assert.ok(found, JSON.stringify(all.map(({ component, name: step, attributes }) => [component, step, attributes])));
    return found;
  };
  const stored = last(await steps(changed), ({ name: step }) => /stored|store/i.test(step));
  const bound = last(await steps(`pod/${name}`), ({ component, name: step }) => component === "kube-scheduler" && /bound|bind/i.test(step));
  return bound.endMs - stored.endMs;
}

test("9. requests larger than any node, and the reason of each resource", async () => {
  await cluster.apply(pod("huge", {}, { resources: { requests: { cpu: "1000", memory: "1000Ti" } } }));
  await pendingWith("huge", "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
  assert.match(await cluster.kubectl("describe", "pod", "huge"), /Warning +FailedScheduling +.*default-scheduler +0\/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory/);
  await cluster.clear();
});

test("9. a nodeSelector that matches none; the pod is bound as soon as a node has the label", async () => {
  const times: number[] = [];
  for (let attempt = 0; attempt < 5 && !times.some((ms) => ms <= 100); attempt++) {
    await cluster.apply(pod("choosy", { nodeSelector: { disk: "fast" } }));
    await pendingWith("choosy", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
    times.push(await bindsAfter("choosy", () => cluster.kubectl("label", "node", node, "disk=fast"), `node/${node}`));
    await cluster.ready("choosy");
    await cluster.clear();
    await cluster.kubectl("label", "node", node, "disk-");
  }
  assert.ok(times.some((ms) => ms <= 100), `scheduled after ${times.join(", ")} ms`);
});

test("9. a taint keeps pods away that do not tolerate it", async () => {
  await cluster.kubectl("taint", "node", node, "only=special:NoSchedule");
  await cluster.apply(pod("plain"));
  await pendingWith("plain", "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
  await cluster.apply(pod("tolerant", { tolerations: [{ key: "only", value: "special" }] }));
  await cluster.ready("tolerant");
  await cluster.kubectl("taint", "node", node, "only-");
  await cluster.ready("plain");
  await cluster.kubectl("cordon", node);
  await cluster.apply(pod("late"));
  await pendingWith("late", "0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.");
  await cluster.kubectl("uncordon", node);
  await cluster.ready("late");
  await cluster.clear();
});

test("9. room that another pod takes is given to the next when it goes", async () => {
  const { status } = await cluster.get<{ readonly status: { readonly allocatable: Readonly<Record<string, string>> } }>("node", node);
  const cpus = Number(status.allocatable["cpu"]);
  assert.ok(cpus >= 1, `${cpus} cpus are allocatable`);
  const requests = { resources: { requests: { cpu: `${Math.floor(cpus * 600)}m` } } };
  await cluster.apply(pod("first", {}, requests));
  await cluster.ready("first");
  await cluster.apply(pod("second", {}, requests));
  await pendingWith("second", "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.");
  await cluster.kubectl("delete", "pod", "first");
  await cluster.ready("second");
  await cluster.apply(pod("port-one", {}, { ports: [{ containerPort: 80, hostPort: 8099 }] }));
  await cluster.ready("port-one");
  await cluster.apply(pod("port-two", {}, { ports: [{ containerPort: 80, hostPort: 8099 }] }));
  await pendingWith("port-two", "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.");
  await cluster.clear();
});
