import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod, PodSpec } from "../../api/generated/core-v1.ts";
import { containerHash } from "../runtime/labels.ts";
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from "../runtime/runtime-pod.ts";
import { plan } from "./plan.ts";

const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: "web:1", ...more });
const pod = (spec: Partial<PodSpec>): Pod => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default", uid: "u" }, spec: { containers: [container("a")], ...spec } });
const sandbox = (more: Partial<RuntimeSandbox> = {}): RuntimeSandbox => ({ id: "s0", attempt: 0, createdAtMs: 1, ready: true, hostNetwork: false, ips: ["10.0.0.1"], ...more });
const running = (name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  id: `${name}-id`, name, sandboxId: "s0", state: "running", createdAtMs: 2, startedAtMs: 3, finishedAtMs: 0, exitCode: 0, reason: "", message: "", image: "web:1", imageRef: "",
  hash: containerHash({ name, image: "web:1" }), restartCount: 0, logPath: "", resources: null, ...more,
});
const ended = (name: string, exitCode: number): RuntimeContainer => running(name, { state: "exited", exitCode, finishedAtMs: 4 });
const runtime = (sandboxes: readonly RuntimeSandbox[], containers: readonly RuntimeContainer[] = []): RuntimePod => ({ uid: "u", sandboxes, containers });
const quiet = { startup: new Map<string, boolean>(), liveness: new Map<string, boolean>() };

const node = { memoryBytes: 2 ** 32, swapControlled: false };

type Expected = Partial<{ kill: boolean; create: boolean; attempt: number; init: string[]; start: string[]; containersToKill: string[]; ephemeral: string[] }>;
const cases: readonly [string, Pod, RuntimePod, Expected][] = [
  ["a new pod gets a sandbox and its containers", pod({}), runtime([]), { kill: true, create: true, start: ["a"] }],
  ["a new pod with init containers begins with the first", pod({ initContainers: [container("i"), container("j")] }), runtime([]), { kill: true, create: true, init: ["i"] }],
  ["what runs is left alone", pod({}), runtime([sandbox()], [running("a")]), {}],
  ["a lost sandbox is made anew", pod({}), runtime([sandbox({ ready: false })], [ended("a", 137)]), { kill: true, create: true, attempt: 1, start: ["a"] }],
  ["a lost sandbox of a pod that never restarts is not", pod({ restartPolicy: "Never" }), runtime([sandbox({ ready: false })], [ended("a", 137)]), { kill: true, attempt: 1 }],
  ["a sandbox without an address is made anew", pod({}), runtime([sandbox({ ips: [] })]), { kill: true, create: true, attempt: 1, start: ["a"] }],
  ["ended under Always: started again", pod({ restartPolicy: "Always" }), runtime([sandbox()], [ended("a", 0)]), { start: ["a"] }],
  ["ended well under OnFailure: all is over", pod({ restartPolicy: "OnFailure" }), runtime([sandbox()], [ended("a", 0)]), { kill: true }],
  ["failed under OnFailure: started again", pod({ restartPolicy: "OnFailure" }), runtime([sandbox()], [ended("a", 1)]), { start: ["a"] }],
  ["failed under Never: all is over", pod({ restartPolicy: "Never" }), runtime([sandbox()], [ended("a", 1)]), { kill: true }],
  ["one of two ended under Never: the other goes on", pod({ restartPolicy: "Never", containers: [container("a"), container("b")] }), runtime([sandbox()], [running("a"), ended("b", 0)]), {}],
  ["a new image is a new container", pod({ containers: [container("a", { image: "web:2" })] }), runtime([sandbox()], [running("a")]), { start: ["a"], containersToKill: ["a"] }],
  ["the second init container follows the first", pod({ initContainers: [container("i"), container("j")] }), runtime([sandbox()], [ended("i", 0)]), { init: ["j"] }],
  ["a failed init container is tried again", pod({ initContainers: [container("i")] }), runtime([sandbox()], [ended("i", 1)]), { init: ["i"] }],
  ["a failed init container ends a pod that never restarts", pod({ restartPolicy: "Never", initContainers: [container("i")] }), runtime([sandbox()], [ended("i", 1)]), { kill: true }],
  ["main containers follow the last init container", pod({ initContainers: [container("i")] }), runtime([sandbox()], [ended("i", 0)]), { start: ["a"] }],
  ["a sidecar that runs lets the next begin", pod({ initContainers: [container("s", { restartPolicy: "Always" }), container("i")] }), runtime([sandbox()], [running("s")]), { init: ["i"] }],
  ["a sidecar whose startup probe has not succeeded does not", pod({ initContainers: [container("s", { restartPolicy: "Always", startupProbe: {} }), container("i")] }), runtime([sandbox()], [running("s")]), {}],
  ["a sidecar that ended is restarted beside running containers", pod({ initContainers: [container("s", { restartPolicy: "Always" })] }), runtime([sandbox()], [ended("s", 1), running("a")]), { init: ["s"] }],
  ["a sidecar does not keep a finished pod alive", pod({ restartPolicy: "Never", initContainers: [container("s", { restartPolicy: "Always" })] }), runtime([sandbox()], [running("s"), ended("a", 0)]), { kill: true }],
  ["an ephemeral container is started once", pod({ ephemeralContainers: [container("e")] }), runtime([sandbox()], [running("a")]), { ephemeral: ["e"] }],
  ["a rule of the container's own restarts it under Never", pod({ restartPolicy: "Never", containers: [container("a", { restartPolicy: "Never", restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }] })] }), runtime([sandbox()], [ended("a", 42)]), { start: ["a"] }],
];
for (const [name, wanted, has, expected] of cases) {
  test(name, () => {
    const decided = plan(wanted, has, quiet, node);
    assert.deepEqual(
      { kill: decided.killPod, create: decided.createSandbox, attempt: decided.attempt, init: decided.initContainersToStart, start: decided.containersToStart, containersToKill: decided.containersToKill.map(({ container: { name: each } }) => each), ephemeral: decided.ephemeralContainersToStart },
      { kill: false, create: false, attempt: 0, init: [], start: [], containersToKill: [], ephemeral: [], ...expected },
    );
  });
}

test("a container that is not alive is killed and started again, and says so", () => {
  const decided = plan(pod({}), runtime([sandbox()], [running("a")]), { ...quiet, liveness: new Map([["a-id", false]]) }, node);
  assert.deepEqual(decided.containersToStart, ["a"]);
  assert.equal(decided.containersToKill[0]?.message, "Container a failed liveness probe, will be restarted");
});

const linux = { cpuPeriod: 100_000, cpuQuota: 50_000, cpuShares: 102, memoryLimitInBytes: 2 ** 26, oomScoreAdj: 0, cpusetCpus: "", cpusetMems: "", hugepageLimits: [], unified: {}, memorySwapLimitInBytes: 0 };
const sized = (cpu: string, more: Partial<Container> = {}): Pod => pod({ containers: [container("a", { resources: { requests: { cpu: "100m" }, limits: { cpu, memory: "64Mi" } }, ...more })] });
const sizes: readonly [string, Pod, readonly unknown[], readonly string[]][] = [
  ["what has its size is left alone", sized("500m"), [], []],
  ["another limit is set while it runs", sized("800m"), [["a", 80_000]], []],
  ["unless it wants to be restarted for that", sized("800m", { resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] }), [], ["Container a resize requires restart, will be restarted"]],
];
for (const [name, wanted, updates, kills] of sizes) {
  test(`resize: ${name}`, () => {
    const decided = plan(wanted, runtime([sandbox()], [running("a", { resources: { linux } })]), quiet, node);
    assert.deepEqual(decided.containersToUpdate.map((each) => [each.name, each.resources.cpuQuota]), updates);
    assert.deepEqual(decided.containersToKill.map(({ message }) => message), kills);
  });
}
