// The story, lines 1 to 5 and 7: what somebody types first on a new cluster.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Pod, PodList } from "../../src/api/generated/core-v1.ts";
import { cgroupFolders } from "../../src/cluster/commands/down.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox", "nginx"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

test("1. kubectl run --dry-run=client prints the manifest and sends nothing", async () => {
  const printed = parse(await cluster.kubectl("run", "busybox", "--image", "busybox", "--restart", "Never", "--dry-run=client", "-o", "yaml", "--", "client")) as Pod;
  assert.deepEqual(printed, {
    apiVersion: "v1", kind: "Pod", metadata: { labels: { run: "busybox" }, name: "busybox" },
    spec: { containers: [{ args: ["client"], image: "busybox", name: "busybox", resources: {} }], dnsPolicy: "ClusterFirst", restartPolicy: "Never" }, status: {},
  });
  assert.equal((await cluster.get<PodList>("pods")).items.length, 0);
});

test("2. kubectl run -it gives a shell; after exit the pod is Completed", async () => {
  await using terminal = cluster.terminal("run", "-it", "busybox", "--image", "busybox", "--restart", "Never");
  await terminal.expect(/\/ # /);
  terminal.send("echo $((6 * 7)) > /tmp/answer; echo the answer is $(cat /tmp/answer)\n");
  await terminal.expect(/the answer is 42/);
  terminal.send("stty size; hostname\n");
  await terminal.expect(/\nbusybox\r?\n/);
  terminal.send("exit\n");
  assert.equal(await terminal.exitCode(), 0, terminal.output);
  const row = await until("the pod is Completed", async () => /^busybox .*Completed.*$/m.exec(await cluster.kubectl("get", "pods"))?.[0]);
  assert.match(row, /^busybox +0\/1 +Completed +0 /);
});

/** What a pod occupies on its node, as the node's files and mounts tell. */
function traces(pod: Pod): readonly string[] {
  const uid = pod.metadata.uid ?? "";
  const under = (folder: string, depth: number): readonly string[] =>
    existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).flatMap((entry) => [join(folder, entry.name), ...(entry.isDirectory() && depth > 0 ? under(join(folder, entry.name), depth - 1) : [])]) : [];
  const cgroups = cgroupFolders(cluster.spec).flatMap((folder) => under(folder, 5)).filter((path) => path.includes(uid) || path.includes(uid.replaceAll("-", "_")));
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(uid));
  const node = cluster.nodeFolder();
  const addresses = under(join(node, "cni"), 3).filter((path) => path.endsWith(`/${pod.status?.podIP}`));
  const volumes = under(join(node, "pods"), 0).filter((path) => path.includes(uid));
  return [...cgroups, ...mounts, ...addresses, ...volumes];
}

const ctr = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await cluster.onNode(0, "ctr", "--address", join(cluster.nodeFolder(), "containerd/containerd.sock"), "-n", "k8s.io", ...args);
  assert.equal(code, 0, stderr);
  return stdout;
};

test("3. kubectl delete pod removes it and everything that it had on its node", async () => {
  await cluster.apply({
    apiVersion: "v1", kind: "Pod", metadata: { name: "holder" },
    spec: { containers: [{ name: "c", image: "busybox", command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"], volumeMounts: [{ name: "scratch", mountPath: "/scratch" }, { name: "memory", mountPath: "/memory" }] }], volumes: [{ name: "scratch", emptyDir: {} }, { name: "memory", emptyDir: { medium: "Memory" } }] },
  });
  await cluster.ready("holder");
  const [busybox, holder] = [await cluster.get<Pod>("pod", "busybox"), await cluster.get<Pod>("pod", "holder")];
  for (const kind of [/cgroup/, /tmpfs|projected/, new RegExp(`/${holder.status?.podIP}$`), /\/pods\//]) assert.ok(traces(holder).some((path) => kind.test(path)), `${kind} in ${traces(holder).join("\n")}`);
  const before = await ctr("containers", "ls", "-q");
  assert.equal(before.trim().split("\n").length, 4, before);
  await cluster.kubectl("delete", "pod", "busybox", "holder");
  assert.equal((await cluster.try(["get", "pod", "busybox"])).stderr, 'Error from server (NotFound): pods "busybox" not found\n');
  for (const pod of [busybox, holder]) await until(`nothing of ${pod.metadata.name} is left: ${traces(pod).join(" ")}`, () => traces(pod).length === 0);
  await until("no container is left", async () => (await ctr("containers", "ls", "-q")).trim() === "");
  assert.equal((await ctr("tasks", "ls", "-q")).trim(), "");
});

test("4. kubectl run nginx, get, port-forward with a real answer, delete", async () => {
  assert.equal(await cluster.kubectl("run", "my-nginx", "--image", "nginx"), "pod/my-nginx created\n");
  await cluster.ready("my-nginx");
  assert.match(await cluster.kubectl("get", "pods"), /^NAME +READY +STATUS +RESTARTS +AGE\nmy-nginx +1\/1 +Running +0 +\d+s\n$/);
  const all = await cluster.kubectl("get", "all");
  assert.match(all, /^pod\/my-nginx +1\/1 +Running +0 /m);
  assert.match(all, /^service\/kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP /m);
  {
    await using forward = cluster.start("port-forward", "pod/my-nginx", ":80");
    const [, port] = await forward.expect(/Forwarding from 127\.0\.0\.1:(\d+) -> 80/);
    const pages = await Promise.all(Array.from({ length: 5 }, async () => (await fetch(`http://127.0.0.1:${port}/`)).text()));
    for (const page of pages) assert.match(page, /Welcome to nginx!/);
  }
  const wide = await cluster.kubectl("get", "pods", "-o", "wide");
  assert.match(wide, new RegExp(`my-nginx .* 10\\.\\d+\\.\\d+\\.\\d+ +${cluster.name}-1 +<none> +<none>`));
  await until("nginx tells of its requests", async () => /"GET \/ HTTP\/1\.1" 200/.test(await cluster.kubectl("logs", "my-nginx")));
  assert.equal(await cluster.kubectl("delete", "pod", "my-nginx"), `pod "my-nginx" deleted from default namespace\n`);
  assert.equal((await cluster.get<PodList>("pods")).items.length, 0);
});

test("5. kubectl run --command, and the same as a manifest with imagePullPolicy Always", async () => {
  await cluster.kubectl("run", "busyboxpod", "--image=busybox", "--restart=Never", "--command", "--", "sleep", "1000");
  await cluster.ready("busyboxpod");
  const [container] = (await cluster.get<Pod>("pod", "busyboxpod")).spec?.containers ?? [];
  assert.deepEqual([container?.command, container?.args, container?.imagePullPolicy], [["sleep", "1000"], undefined, "Always"]);
  assert.match(await cluster.kubectl("exec", "busyboxpod", "--", "ps"), /^ +1 root +sleep 1000$/m);
  await cluster.kubectl("delete", "pod", "busyboxpod", "--now");
  const manifest = `
apiVersion: v1
kind: Pod
metadata:
  name: busyboxpod
  labels:
    run: busyboxpod
spec:
  restartPolicy: Never
  containers:
  - name: busyboxpod
    image: busybox
    imagePullPolicy: Always
    command: [sleep, "1000"]
`;
  assert.equal(await cluster.apply(manifest), "pod/busyboxpod created\n");
  await cluster.ready("busyboxpod");
  assert.equal(await cluster.apply(manifest), "pod/busyboxpod unchanged\n");
  // Events are written behind the pod's status, so they may come a moment after it.
  await until("the event of the pull", async () => /Successfully pulled image "busybox" in /.test(await cluster.kubectl("describe", "pod", "busyboxpod")));
  await cluster.clear();
});

test("7. two containers of a pod share one address and one node, and are told apart by -c", async () => {
  await cluster.apply({
    apiVersion: "v1", kind: "Pod", metadata: { name: "pair" },
    spec: { containers: [{ name: "web", image: "nginx" }, { name: "side", image: "busybox", command: ["sh", "-c", "echo side is here; sleep 1000"] }] },
  });
  await cluster.ready("pair");
  const pod = await cluster.get<Pod>("pod", "pair");
  assert.equal(pod.status?.containerStatuses?.length, 2);
  assert.equal(pod.spec?.nodeName, `${cluster.name}-1`);
  assert.match(await cluster.kubectl("exec", "pair", "-c", "side", "--", "wget", "-qO-", "http://localhost/"), /Welcome to nginx!/);
  const address = async (container: string) => /inet (10[\d.]+)/.exec(await cluster.kubectl("exec", "pair", "-c", container, "--", "ip", "addr", "show", "eth0"))?.[1];
  assert.deepEqual([await address("web"), await address("side")], [pod.status?.podIP, pod.status?.podIP]);
  assert.equal(await cluster.kubectl("logs", "pair", "-c", "side"), "side is here\n");
  const all = await cluster.kubectl("logs", "pair", "--all-containers", "--prefix");
  assert.match(all, /^\[pod\/pair\/side\] side is here$/m);
  assert.match(all, /^\[pod\/pair\/web\] .*"GET \/ HTTP\/1\.1" 200/m);
  const withoutName = await cluster.try(["exec", "pair", "--", "true"]);
  assert.match(withoutName.stderr, /^Defaulted container "web" out of: web, side/);
  const wrong = await cluster.try(["exec", "pair", "-c", "nobody", "--", "true"]);
  assert.match(wrong.stderr, /container nobody is not valid for pod pair/);
  await cluster.clear();
});

test("exec: exit codes, standard input, standard error; commands that do not exist", async () => {
  await cluster.kubectl("run", "box", "--image=busybox", "--command", "--", "sleep", "1000");
  await cluster.ready("box");
  assert.deepEqual(await cluster.try(["exec", "-i", "box", "--", "sh", "-c", "cat; echo oops >&2; exit 7"], { input: "a\nb\n" }), { code: 7, stdout: "a\nb\n", stderr: "oops\ncommand terminated with exit code 7\n" });
  const big = "0123456789abcdef".repeat(64 * 1024);
  assert.equal((await cluster.try(["exec", "-i", "box", "--", "md5sum"], { input: big })).stdout, (await cluster.try(["exec", "box", "--", "sh", "-c", "i=0; while [ $i -lt 65536 ]; do echo -n 0123456789abcdef; i=$((i+1)); done | md5sum"])).stdout);
  const missing = await cluster.try(["exec", "box", "--", "no-such-program"]);
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /no-such-program.*executable file not found in \$PATH/s);
  await using terminal = cluster.terminal("exec", "-it", "box", "--", "sh");
  await terminal.expect(/\/ # /);
  terminal.send("exit 3\n");
  assert.equal(await terminal.exitCode(), 3, terminal.output);
  await cluster.clear();
});

test("logs: --tail, --since, -f, --timestamps, --previous of a pod that was not restarted", async () => {
  await cluster.kubectl("run", "talker", "--image=busybox", "--restart=Never", "--command", "--", "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo last");
  await cluster.ready("talker");
  assert.equal(await cluster.kubectl("logs", "talker", "--tail=2"), "line 4\nline 5\n");
  assert.equal((await cluster.kubectl("logs", "talker", "--since=1h")).split("\n").length, 6);
  assert.match(await cluster.kubectl("logs", "talker", "--timestamps", "--tail=1"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 5\n$/);
  assert.match((await cluster.try(["logs", "talker", "--previous"])).stderr, /previous terminated container "talker" in pod "talker" not found/);
  await using follow = cluster.start("logs", "-f", "talker", "--tail=1");
  await follow.expect(/line 5/);
  await cluster.kubectl("exec", "talker", "--", "touch", "/tmp/go");
  assert.equal(await follow.exitCode(), 0);
  assert.equal(follow.output, "line 5\nlast\n");
  await cluster.clear();
});

test("thirty pods at once all run, each with an address of its own; deleted at once, they leave nothing", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `many-${i}`);
  const items = names.map((name) => ({
    apiVersion: "v1", kind: "Pod", metadata: { name, labels: { many: "yes" } },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"] }] },
  }));
  const links = async () => (await cluster.onNode(0, "ip", "-o", "link", "show", "type", "veth")).stdout.split("\n").filter((line) => /: veth/.test(line)).length;
  const before = await links();
  await cluster.apply({ apiVersion: "v1", kind: "List", items });
  await cluster.kubectl("wait", "pods", "-l", "many=yes", "--for=condition=Ready", "--timeout=120s");
  const pods = (await cluster.get<PodList>("pods", "-l", "many=yes")).items;
  assert.equal(new Set(pods.map(({ status }) => status?.podIP)).size, 30);
  assert.ok(pods.every(({ status }) => status?.containerStatuses?.[0]?.restartCount === 0));
  assert.equal(await links(), before + 30);
  await cluster.kubectl("delete", "pods", "-l", "many=yes", "--timeout=120s");
  await until("no container is left", async () => (await ctr("containers", "ls", "-q")).trim() === "");
  for (const pod of pods) await until(`nothing of ${pod.metadata.name} is left: ${traces(pod).join(" ")}`, () => traces(pod).length === 0);
  await until("no interface is left", async () => (await links()) === before);
});
