import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, ContainerState, ContainerStatus, Pod, PodSpec } from "../../api/generated/core-v1.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import type { ContainerProbes } from "./container-statuses.ts";
import { phaseOf } from "./phase.ts";
import { podStatus } from "./pod-status.ts";
import { statusPatch } from "./status-writer.ts";

const pod = (spec: Partial<PodSpec> = {}, more: Partial<Pod> = {}): Pod => ({
  apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default", uid: "u", generation: 3 }, spec: { containers: [{ name: "a", image: "web:1" }], ...spec }, ...more,
});
const status = (name: string, state: ContainerState, lastState: ContainerState = {}): ContainerStatus => ({ name, image: "", imageID: "", ready: false, restartCount: 0, state, lastState, started: state.running !== undefined });
const run = { running: {} };
const wait = { waiting: {} };
const exit = (exitCode: number): ContainerState => ({ terminated: { exitCode } });
const init: Container = { name: "i", image: "x" };

const phases: readonly [string, Partial<PodSpec>, readonly ContainerStatus[], boolean, string][] = [
  ["waiting", {}, [status("a", wait)], false, "Pending"],
  ["running", {}, [status("a", run)], false, "Running"],
  ["ended well under Never", { restartPolicy: "Never" }, [status("a", exit(0))], false, "Succeeded"],
  ["failed under Never", { restartPolicy: "Never" }, [status("a", exit(1))], false, "Failed"],
  ["failed under OnFailure", { restartPolicy: "OnFailure" }, [status("a", exit(1))], false, "Running"],
  ["ended under Always", {}, [status("a", exit(0))], false, "Running"],
  ["crash loop", {}, [status("a", wait, exit(1))], false, "Running"],
  ["ended under Always while it is deleted", {}, [status("a", exit(0))], true, "Succeeded"],
  ["killed under Always while it is deleted", {}, [status("a", exit(137))], true, "Failed"],
  ["init runs", { initContainers: [init] }, [status("i", run), status("a", wait)], false, "Pending"],
  ["init failed for good", { restartPolicy: "Never", initContainers: [init] }, [status("i", exit(1)), status("a", wait)], false, "Failed"],
];
for (const [name, spec, statuses, terminal, expected] of phases) test(`phase: ${name}`, () => assert.equal(phaseOf(pod(spec), statuses, { terminal, initialized: false }), expected));

const probes: ContainerProbes = { started: () => true, ready: () => true };
const sandbox = { id: "s", attempt: 0, createdAtMs: 1, ready: true, hostNetwork: false, ips: ["10.1.2.3"] };
const running: RuntimeContainer = {
  id: "c1", name: "a", sandboxId: "s", state: "running", createdAtMs: 2, startedAtMs: 1_700_000_000_000, finishedAtMs: 0, exitCode: 0, reason: "", message: "", image: "docker.io/library/web:1", imageRef: "sha256:1",
  hash: "", restartCount: 0, logPath: "", resources: null,
};
const of = (runtime: Partial<RuntimePod>, more: Partial<Parameters<typeof podStatus>[0]> = {}) =>
  podStatus({ pod: pod(), runtime: { uid: "u", sandboxes: [], containers: [], ...runtime }, runtimeName: "containerd", waiting: new Map(), probes, nodeIps: ["192.0.2.1"], terminal: false, failed: undefined, nowMs: 1_700_000_005_000, ...more });
const condition = (shown: ReturnType<typeof of>, type: string) => {
  const found = shown.conditions?.find((each) => each.type === type);
  return `${found?.status} ${found?.reason ?? ""} ${found?.message ?? ""}`.trim();
};

test("a pod whose containers are not there yet", () => {
  const shown = of({});
  assert.equal(shown.phase, "Pending");
  assert.deepEqual(shown.containerStatuses?.[0]?.state, { waiting: { reason: "ContainerCreating" } });
  assert.equal(condition(shown, "Ready"), "False ContainersNotReady containers with unready status: [a]");
  assert.equal(condition(shown, "PodReadyToStartContainers"), "False");
});

test("a running pod", () => {
  const shown = of({ sandboxes: [sandbox], containers: [running] });
  assert.deepEqual([shown.phase, shown.podIP, shown.hostIP, shown.qosClass, shown.observedGeneration], ["Running", "10.1.2.3", "192.0.2.1", "BestEffort", 3]);
  assert.equal(condition(shown, "Ready"), "True");
  assert.deepEqual(shown.containerStatuses?.[0], {
    name: "a", image: "docker.io/library/web:1", imageID: "sha256:1", containerID: "containerd://c1", restartCount: 0, state: { running: { startedAt: "2023-11-14T22:13:20Z" } }, lastState: {}, ready: true, started: true,
  });
});

test("a container in a crash loop waits, and shows how it ended last", () => {
  const ended: RuntimeContainer = { ...running, state: "exited", exitCode: 3, finishedAtMs: 1_700_000_001_000, message: "bye", restartCount: 1 };
  const shown = of({ sandboxes: [sandbox], containers: [ended] }, { waiting: new Map([["a", { reason: "CrashLoopBackOff", message: "back-off 10s" }]]) });
  assert.equal(shown.phase, "Running");
  assert.deepEqual(shown.containerStatuses?.[0]?.state, { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } });
  assert.deepEqual(shown.containerStatuses?.[0]?.lastState?.terminated, { exitCode: 3, reason: "Error", message: "bye", startedAt: "2023-11-14T22:13:20Z", finishedAt: "2023-11-14T22:13:21Z", containerID: "containerd://c1" });
});

test("a refused pod has failed, with the reason and nothing of its containers", () => {
  const shown = of({}, { failed: { reason: "OutOfcpu", message: "Pod was rejected: too much", rejected: true }, terminal: true });
  assert.deepEqual([shown.phase, shown.reason, shown.message, shown.containerStatuses], ["Failed", "OutOfcpu", "Pod was rejected: too much", undefined]);
});

test("a final phase stays", () => assert.equal(of({ sandboxes: [sandbox], containers: [running] }, { pod: pod({}, { status: { phase: "Succeeded" } }) }).phase, "Succeeded"));

test("times of transition stay while the verdict does", () => {
  const first = of({});
  const second = of({}, { pod: pod({}, { status: first }), nowMs: 1_700_000_009_000 });
  assert.deepEqual(second.conditions, first.conditions);
});

test("a patch names what changed and nothing of others' conditions", () => {
  assert.equal(statusPatch({ phase: "Running" }, { phase: "Running" }), undefined);
  assert.deepEqual(
    statusPatch(
      { phase: "Pending", podIPs: [{ ip: "a" }], reason: "x", conditions: [{ type: "Ready", status: "False", reason: "r", message: "m" }, { type: "Gate", status: "True" }] },
      { phase: "Running", podIPs: [{ ip: "b" }], conditions: [{ type: "Ready", status: "True" }, { type: "Gate", status: "False" }] },
    ),
    { phase: "Running", podIPs: [{ $patch: "replace" }, { ip: "b" }], reason: null, conditions: [{ reason: null, message: null, type: "Ready", status: "True" }] },
  );
});
