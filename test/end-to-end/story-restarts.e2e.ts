// The story, line 8: containers that end, under each restart policy.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ContainerStatus, Pod } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

const podNamed = (name: string): Promise<Pod> => cluster.get<Pod>("pod", name);
const run = (name: string, restart: string, script: string): Promise<string> =>
  cluster.kubectl("run", name, "--image=busybox", `--restart=${restart}`, "--image-pull-policy=IfNotPresent", "--command", "--", "sh", "-c", script);
const containerWhere = (pod: string, what: string, holds: (status: ContainerStatus, pod: Pod) => boolean): Promise<ContainerStatus> => until(`${pod}: ${what}`, async () => {
  const found = await podNamed(pod);
  const status = found.status?.containerStatuses?.[0];
  return status && holds(status, found) && status;
});

test("8. a container that crashes is restarted under Always and OnFailure, not under Never", async () => {
  await Promise.all([
    run("always", "Always", "echo try; exit 3"), run("always-zero", "Always", "exit 0"),
    run("failing", "OnFailure", "exit 4"), run("finishing", "OnFailure", "exit 0"),
    run("never", "Never", "echo once; exit 5"), run("never-zero", "Never", "exit 0"),
  ]);
  const always = await containerWhere("always", "is held back", ({ restartCount, state }) => restartCount >= 2 && state?.waiting?.reason === "CrashLoopBackOff");
  assert.match(always.state?.waiting?.message ?? "", /^back-off \d+s restarting failed container=always pod=always_default\([-0-9a-f]{36}\)$/);
  assert.deepEqual([always.lastState?.terminated?.exitCode, always.lastState?.terminated?.reason, always.ready, always.started], [3, "Error", false, false]);
  assert.equal((await podNamed("always")).status?.phase, "Running");
  assert.match(await cluster.kubectl("get", "pod", "always"), /^always +0\/1 +(CrashLoopBackOff|Error) +\d \(\d+s ago\) /m);
  assert.equal(await cluster.kubectl("logs", "always", "--previous"), "try\n");
  assert.match(await cluster.kubectl("describe", "pod", "always"), /Warning +BackOff +.*kubelet +spec\.containers\{always\}: Back-off restarting failed container always in pod always_default\(/);

  const zero = await containerWhere("always-zero", "is restarted after success, too", ({ restartCount }) => restartCount >= 1);
  assert.equal(zero.lastState?.terminated?.reason, "Completed");
  const failing = await containerWhere("failing", "is restarted", ({ restartCount }) => restartCount >= 1);
  assert.equal(failing.lastState?.terminated?.exitCode, 4);

  const finishing = await containerWhere("finishing", "ends", ({ state }, pod) => state?.terminated !== undefined && pod.status?.phase === "Succeeded");
  assert.deepEqual([finishing.restartCount, finishing.state?.terminated?.reason, finishing.state?.terminated?.exitCode], [0, "Completed", 0]);
  const never = await containerWhere("never", "fails", ({ state }, pod) => state?.terminated !== undefined && pod.status?.phase === "Failed");
  assert.deepEqual([never.restartCount, never.state?.terminated?.reason, never.state?.terminated?.exitCode, never.ready], [0, "Error", 5, false]);
  await containerWhere("never-zero", "succeeds", ({ restartCount }, pod) => restartCount === 0 && pod.status?.phase === "Succeeded");
  const table = await cluster.kubectl("get", "pods");
  assert.match(table, /^finishing +0\/1 +Completed +0 /m);
  assert.match(table, /^never +0\/1 +Error +0 /m);
  assert.match(table, /^never-zero +0\/1 +Completed +0 /m);
  assert.equal(await cluster.kubectl("logs", "never"), "once\n");
  const conditions = new Map((await podNamed("never")).status?.conditions?.map(({ type, status, reason }) => [type, `${status} ${reason ?? ""}`.trim()]));
  assert.deepEqual([conditions.get("PodScheduled"), conditions.get("Initialized"), conditions.get("Ready"), conditions.get("ContainersReady")], ["True", "True", "False PodFailed", "False PodFailed"]);
  await cluster.clear();
});

test("a container that takes more memory than its limit is OOMKilled", async () => {
  await cluster.apply({
    apiVersion: "v1", kind: "Pod", metadata: { name: "greedy" },
    spec: { restartPolicy: "Never", containers: [{ name: "greedy", image: "busybox", command: ["sh", "-c", "tail -c 200m /dev/zero"], resources: { limits: { memory: "32Mi" } } }] },
  });
  const greedy = await containerWhere("greedy", "ends", ({ state }) => state?.terminated !== undefined);
  assert.deepEqual([greedy.state?.terminated?.reason, greedy.state?.terminated?.exitCode], ["OOMKilled", 137]);
  await cluster.clear();
});

test("init containers run in order before the others; one that fails holds the pod back", async () => {
  const box = (name: string, script: string) => ({ name, image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script], volumeMounts: [{ name: "shared", mountPath: "/shared" }] });
  const pod = (name: string, initContainers: readonly object[], containers: readonly object[], restartPolicy = "Never") => ({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { restartPolicy, initContainers, containers, volumes: [{ name: "shared", emptyDir: {} }] } });
  await cluster.apply(pod("ordered", [box("one", "echo one >> /shared/order"), box("two", "echo two >> /shared/order")], [box("main", "cat /shared/order")]));
  await cluster.apply(pod("broken", [box("one", "exit 9")], [box("main", "echo never")]));
  await cluster.apply(pod("stuck", [box("one", "exit 9")], [box("main", "echo never")], "Always"));
  await until("ordered succeeds", async () => (await podNamed("ordered")).status?.phase === "Succeeded");
  assert.equal(await cluster.kubectl("logs", "ordered", "-c", "main"), "one\ntwo\n");
  await until("broken fails", async () => (await podNamed("broken")).status?.phase === "Failed");
  assert.match(await cluster.kubectl("get", "pod", "broken"), /^broken +0\/1 +Init:Error +0 /m);
  await until("stuck is tried again", async () => /^stuck +0\/1 +Init:(CrashLoopBackOff|Error) +[1-9]/m.test(await cluster.kubectl("get", "pod", "stuck")));
  assert.equal((await podNamed("stuck")).status?.phase, "Pending");
  await cluster.clear();
});

test("deletion is graceful: preStop, SIGTERM, then SIGKILL after the grace period", async () => {
  await cluster.apply({
    apiVersion: "v1", kind: "Pod", metadata: { name: "graceful" },
    spec: {
      terminationGracePeriodSeconds: 60, volumes: [{ name: "host", hostPath: { path: cluster.folder } }],
      containers: [{
        name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", "trap 'echo term >> /host/told; exit 0' TERM; while :; do sleep 0.1; done"],
        volumeMounts: [{ name: "host", mountPath: "/host" }], lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo prestop >> /host/told"] } } },
      }],
    },
  });
  await run("deaf", "Never", "trap '' TERM; while :; do sleep 0.1; done");
  await Promise.all(["graceful", "deaf"].map((name) => cluster.ready(name)));
  await cluster.kubectl("delete", "pod", "graceful");
  assert.equal(readFileSync(join(cluster.folder, "told"), "utf8"), "prestop\nterm\n");
  await cluster.kubectl("delete", "pod", "deaf", "--grace-period=1");
  assert.match((await cluster.try(["get", "pod", "deaf"])).stderr, /NotFound/);
});
