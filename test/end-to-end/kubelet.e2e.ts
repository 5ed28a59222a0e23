// The kubelet alone, on a real containerd in a network namespace of its own, against an API server in memory.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { configmaps, events, pods, type Container, type Pod, type PodSpec } from "../../src/api/generated/core-v1.ts";
import { FakeTransport } from "../../src/client/testing/fake-transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { importImage } from "../../src/cri/containerd/import-image.ts";
import { startContainerd, type Containerd } from "../../src/cri/containerd/instance.ts";
import { mountsUnder } from "../../src/cri/containerd/processes.ts";
import { layerOf, unpackedPackage } from "../../src/cluster/images/debian-package.ts";
import { buildImage, type BuiltImage } from "../../src/cri/oci/image.ts";
import { findHierarchies, removeCgroup } from "../../src/kubelet/cgroups/cgroups.ts";
import { runKubelet, type Kubelet } from "../../src/kubelet/kubelet.ts";
import { cniConfig } from "../../src/kubelet/pod-network/cni-config.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { command } from "../../src/stdx/command.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { StepRing } from "../../src/stdx/steps.ts";
import { cacheFolder } from "../support/kubectl.ts";

const stateDir = mkdtempSync("/tmp/kl-e2e-");
const netns = `kl-e2e-${process.pid}`;
const cgroupRoot = `/${netns}`;
const applets = ["sh", "sleep", "cat", "echo", "true", "ls", "id", "env", "touch", "httpd", "hostname"];
const patienceMs = 90_000;

const transport = new FakeTransport({ clock: systemClock, onPost: () => ({ status: { token: "a-token", expirationTimestamp: new Date(systemClock.now() + 3_600_000).toISOString() } }) });
const client = new TypedClient(transport);
const ended = new AbortController();
let containerd: Containerd;
let kubelet: Kubelet;
let stopKubelet = new AbortController();

/** From Debian's package, which nobody has to install for it. */
async function busybox(): Promise<Uint8Array> {
  const program = layerOf(await unpackedPackage("busybox-static", { cache: join(cacheFolder, "images") })).find((entry) => entry.type === "file" && entry.name.endsWith("bin/busybox"));
  assert.ok(program?.type === "file");
  return program.data;
}

const image = async (): Promise<BuiltImage> => buildImage({
  tags: ["docker.io/library/box:1"], config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
  layers: [[
    ...["bin", "tmp", "etc", "proc"].map((name) => ({ type: "directory" as const, name, mode: name === "tmp" ? 0o1777 : 0o755 })),
    { type: "file", name: "bin/busybox", mode: 0o755, data: await busybox() },
    ...applets.map((name) => ({ type: "symlink" as const, name: `bin/${name}`, target: "busybox" })),
  ]],
});

async function startKubelet(): Promise<void> {
  stopKubelet = new AbortController();
  kubelet = await runKubelet({
    client, nodeName: "n1", nodeIp: "127.0.0.1", stateDir, cri: containerd.cri, clusterDns: "10.96.0.10", clusterDomain: "cluster.local", cgroupRoot, port: 10_250,
    clock: systemClock, random: cryptoRandom, log: silentLog, steps: new StepRing({ stepsMax: 1000 }), signal: stopKubelet.signal,
  });
  await kubelet.ready;
}

before(async () => {
  await command(["ip", "netns", "add", netns]);
  await command(["nsenter", `--net=/run/netns/${netns}`, "ip", "link", "set", "lo", "up"]);
  containerd = await startContainerd({
    stateDir, netns: `/run/netns/${netns}`, cniConfig: cniConfig({ podCidr: "10.250.0.0/24", dataDir: `${stateDir}/cni/addresses` }), clock: systemClock, log: silentLog, signal: ended.signal,
  });
  await containerd.pauseImage;
  await importImage({ cri: containerd.cri, image: await image(), clock: systemClock, signal: ended.signal });
  await startKubelet();
});

after(async () => {
  // Also when `before` came only half of the way.
  stopKubelet.abort();
  await (kubelet as Kubelet | undefined)?.done;
  await (containerd as Containerd | undefined)?.stop();
  ended.abort();
  removeCgroup(findHierarchies(), cgroupRoot);
  await command(["ip", "netns", "delete", netns]);
  assert.deepEqual(mountsUnder(stateDir), [], "no mount is left");
  rmSync(stateDir, { recursive: true, force: true });
});

const box = (name: string, script: string, more: Partial<Container> = {}): Container => ({
  name, image: "box:1", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script], terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File", ...more,
});
const run = (name: string, spec: PodSpec): Promise<Pod> => client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec: { nodeName: "n1", terminationGracePeriodSeconds: 1, ...spec } });

/** The pod as soon as it is so; undefined stands for one that is gone. */
async function until(name: string, so: (pod: Pod | undefined) => boolean): Promise<Pod> {
  const signal = AbortSignal.timeout(patienceMs);
  for (;;) {
    const found = (await client.list(pods, { namespace: "default", fieldSelector: `metadata.name=${name}` })).items[0];
    if (so(found)) return found ?? ({} as Pod);
    await systemClock.sleep(5, { signal }).catch(() => assert.fail(`${name}: ${JSON.stringify(found?.status)}`));
  }
}
const isReady = (pod: Pod | undefined): boolean => pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
const first = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
async function exec(pod: Pod, ...cmd: string[]): Promise<string> {
  const containerId = (await kubelet.pods.runningContainerId(pod.metadata.uid ?? "", first(pod)?.name ?? "")) ?? "";
  return Buffer.from((await containerd.cri.execSync({ containerId, cmd, timeout: 10 })).stdout).toString();
}
async function remove(name: string): Promise<void> {
  await client.delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 1 });
  await until(name, (pod) => pod === undefined);
}

test("a pod runs, sees its environment, its files and its name, and leaves nothing when it is deleted", async () => {
  await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "cm", namespace: "default" }, data: { key: "one" } });
  await run("whole", {
    containers: [box("c", "sleep 1000", {
      env: [{ name: "OWN", value: "$(KEY)-x" }, { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }], envFrom: [{ configMapRef: { name: "cm" } }, { prefix: "P_", configMapRef: { name: "cm" } }],
      volumeMounts: [{ name: "files", mountPath: "/files" }, { name: "memory", mountPath: "/memory" }, { name: "token", mountPath: "/token" }],
    })],
    volumes: [{ name: "files", configMap: { name: "cm" } }, { name: "memory", emptyDir: { medium: "Memory" } }, { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }],
  });
  const pod = await until("whole", isReady);
  const ip = pod.status?.podIP ?? "";
  assert.match(ip, /^10\.250\.0\./);
  const environment = await exec(pod, "env");
  assert.match(environment, /^key=one$/m);
  assert.match(environment, /^P_key=one$/m);
  assert.match(environment, new RegExp(`^IP=${ip}$`, "m"));
  assert.match(await exec(pod, "cat", "/etc/hosts"), new RegExp(`^${ip}\twhole$`, "m"));
  assert.match(await exec(pod, "cat", "/etc/resolv.conf"), /search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/);
  assert.equal(await exec(pod, "hostname"), "whole\n");
  assert.equal(await exec(pod, "cat", "/token/token"), "a-token");

  await client.patch(configmaps, { namespace: "default", name: "cm" }, "application/merge-patch+json", { data: { key: "two" } });
  while ((await exec(pod, "cat", "/files/key")) !== "two");

  const uid = pod.metadata.uid ?? "";
  await remove("whole");
  const left = await containerd.cri.listPodSandbox({ filter: { labelSelector: { "io.kubernetes.pod.uid": uid } } });
  assert.deepEqual(left.items, []);
  for (const folder of ["pods", "memory", "logs/pods"]) assert.deepEqual(readdirSync(`${stateDir}/${folder}`).filter((name) => name.includes(uid)), []);
  assert.ok(!findHierarchies().roots.some((root) => existsSync(`${root}${cgroupRoot}/kubepods/besteffort/pod${uid}`)));
});

test("phases, exit codes and last words follow the restart policy", async () => {
  await run("never", { restartPolicy: "Never", containers: [box("c", "echo bye > /dev/termination-log; exit 3")] });
  await run("fine", { restartPolicy: "Never", containers: [box("c", "echo last; true")] });
  await run("again", { restartPolicy: "OnFailure", containers: [box("c", "exit 1")] });
  const never = first(await until("never", (pod) => pod?.status?.phase === "Failed"))?.state?.terminated;
  assert.deepEqual([never?.exitCode, never?.reason, never?.message], [3, "Error", "bye\n"]);
  assert.equal(first(await until("fine", (pod) => pod?.status?.phase === "Succeeded"))?.state?.terminated?.reason, "Completed");
  const again = await until("again", (pod) => first(pod)?.state?.waiting?.reason === "CrashLoopBackOff");
  assert.deepEqual([again.status?.phase, first(again)?.restartCount, first(again)?.lastState?.terminated?.exitCode], ["Running", 1, 1]);
  assert.equal(first(again)?.state?.waiting?.message, `back-off 10s restarting failed container=c pod=again_default(${again.metadata.uid})`);
  await Promise.all(["never", "fine", "again"].map(remove));
});

test("init containers run in order, a sidecar stays, and goes last", async () => {
  await run("init", {
    restartPolicy: "Never", volumes: [{ name: "v", emptyDir: {} }],
    initContainers: [box("one", "echo one >> /v/log", { volumeMounts: [{ name: "v", mountPath: "/v" }] }), box("side", "sleep 1000", { restartPolicy: "Always" }), box("two", "echo two >> /v/log", { volumeMounts: [{ name: "v", mountPath: "/v" }] })],
    containers: [box("c", "cat /v/log > /dev/termination-log", { volumeMounts: [{ name: "v", mountPath: "/v" }] })],
  });
  const pod = await until("init", (found) => found?.status?.phase === "Succeeded");
  assert.equal(first(pod)?.state?.terminated?.message, "one\ntwo\n");
  await remove("init");
});

test("what cannot be pulled says so, and the same pod runs once its image is another", async () => {
  await run("image", { containers: [{ ...box("c", "sleep 1000"), image: "127.0.0.1:1/none:1" }] });
  const pod = await until("image", (found) => first(found)?.state?.waiting?.reason === "ImagePullBackOff");
  assert.match(first(pod)?.state?.waiting?.message ?? "", /^Back-off pulling image "127\.0\.0\.1:1\/none:1": ErrImagePull: /);
  await client.patch(pods, { namespace: "default", name: "image" }, "application/merge-patch+json", { spec: { containers: [box("c", "sleep 1000")] } });
  await until("image", isReady);
  const told = (await client.list(events)).items.filter(({ involvedObject }) => involvedObject.name === "image").map(({ reason }) => reason);
  for (const reason of ["Pulling", "Failed", "BackOff", "Pulled", "Created", "Started"]) assert.ok(told.includes(reason), reason);
  await remove("image");
});

test("probes decide on readiness and life", async () => {
  await run("probed", { containers: [box("c", "touch /tmp/alive; sleep 1000", { readinessProbe: { exec: { command: ["cat", "/tmp/ready"] }, periodSeconds: 1 }, livenessProbe: { exec: { command: ["cat", "/tmp/alive"] }, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1, terminationGracePeriodSeconds: 1 } })] });
  const pod = await until("probed", (found) => first(found)?.state?.running !== undefined);
  assert.equal(isReady(pod), false);
  await exec(pod, "touch", "/tmp/ready");
  await until("probed", isReady);
  await exec(pod, "sh", "-c", "busybox rm /tmp/alive");
  assert.equal(first(await until("probed", (found) => first(found)?.restartCount === 1))?.lastState?.terminated?.exitCode, 137);
  await remove("probed");
});

test("a kubelet that comes back finds everything as it was, and ends what was deleted meanwhile", async () => {
  await run("stays", { containers: [box("c", "sleep 1000")] });
  await run("goes", { containers: [box("c", "sleep 1000")] });
  const [stays, goes] = await Promise.all([until("stays", isReady), until("goes", isReady)]);
  stopKubelet.abort();
  await kubelet.done;
  await client.delete(pods, { namespace: "default", name: "goes" }, { gracePeriodSeconds: 0 });
  await startKubelet();
  const ids = async (pod: Pod): Promise<readonly string[]> => (await containerd.cri.listContainers({ filter: { labelSelector: { "io.kubernetes.pod.uid": pod.metadata.uid ?? "" } } })).containers.map(({ id }) => `containerd://${id}`);
  const patience = AbortSignal.timeout(patienceMs);
  while ((await ids(goes)).length > 0) await systemClock.sleep(20, { signal: patience });
  assert.deepEqual(await ids(stays), [first(stays)?.containerID]);
  const now = await until("stays", isReady);
  assert.deepEqual([first(now)?.restartCount, first(now)?.containerID], [0, first(stays)?.containerID]);
  await remove("stays");
});

test("what still runs in a pod's group without the runtime's knowledge, even frozen, ends with the pod", async () => {
  await run("haunted", { containers: [box("c", "sleep 1000")] });
  const { metadata } = await until("haunted", isReady);
  // Such a process is left by a runtime that is killed in the middle of a create: `runc init`, which waits for its start for ever.
  const forgotten = spawn("sleep", ["1000"], { stdio: "ignore" });
  const end = once(forgotten, "exit");
  try {
    for (const root of findHierarchies().roots) {
      const folder = `${root}${cgroupRoot}/kubepods/besteffort/pod${metadata.uid}`;
      if (!existsSync(folder)) continue;
      mkdirSync(`${folder}/forgotten`);
      if (root.endsWith("/cpuset")) for (const file of ["cpuset.cpus", "cpuset.mems"]) writeFileSync(`${folder}/forgotten/${file}`, readFileSync(`${folder}/${file}`));
      writeFileSync(`${folder}/forgotten/cgroup.procs`, String(forgotten.pid));
      if (existsSync(`${folder}/forgotten/freezer.state`)) writeFileSync(`${folder}/forgotten/freezer.state`, "FROZEN");
    }
    await remove("haunted");
    assert.deepEqual(await end, [null, "SIGKILL"]);
  } finally {
    forgotten.kill("SIGKILL");
  }
  assert.ok(!findHierarchies().roots.some((root) => existsSync(`${root}${cgroupRoot}/kubepods/besteffort/pod${metadata.uid}`)));
});

test("containers survive the end of containerd, which comes back; a shim that it does not know then is ended", async () => {
  // As one that was begun for a sandbox when containerd was killed.
  const forgotten = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)", "--", "-id", "begun", "-address", containerd.socket], { argv0: "containerd-shim-runc-v2", stdio: "ignore" });
  const end = once(forgotten, "exit");
  await run("hardy", { containers: [box("c", "sleep 1000")] });
  const before_ = first(await until("hardy", isReady));
  process.kill(containerd.pid(), "SIGKILL");
  await run("next", { containers: [box("c", "sleep 1000")] });
  await until("next", isReady);
  const now = first(await until("hardy", isReady));
  assert.deepEqual([now?.containerID, now?.restartCount], [before_?.containerID, 0]);
  assert.deepEqual(await end, [null, "SIGKILL"]);
  await Promise.all(["hardy", "next"].map(remove));
});
