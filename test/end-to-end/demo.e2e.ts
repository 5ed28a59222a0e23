// What a user sees of Keelson itself: the demo, traces, several clusters beside each other, and quiet logs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Node, Pod } from "../../src/api/generated/core-v1.ts";
import { pathsOf, readSpec, type ClusterSpec } from "../../src/cluster/spec.ts";
import type { Step } from "../../src/stdx/steps.ts";
import { runKeelson, testEnv, testFolder, uniqueName } from "../support/cluster.ts";
import { cacheFolder, ensureKubectl } from "../support/kubectl.ts";
import { leftovers } from "../support/leftovers.ts";
import { runProgram, until, type Ended } from "../support/programs.ts";

const folder = testFolder();
const home = join(folder, "h");
const [story, other, third] = [uniqueName(), uniqueName(), uniqueName()];
let kubectl: string;
before(async () => {
  kubectl = await ensureKubectl();
  // The packages that images are made of are downloaded once for all tests.
  mkdirSync(join(cacheFolder, "images"), { recursive: true });
  mkdirSync(home, { recursive: true });
  symlinkSync(join(cacheFolder, "images"), join(home, "images"));
});
after(async () => {
  await runKeelson(folder, ["down", "--all"]);
  rmSync(folder, { recursive: true, force: true });
});

const specOf = (name: string): ClusterSpec => {
  const spec = readSpec(pathsOf(home, name));
  assert.ok(spec);
  return spec;
};
async function keelson(...args: readonly string[]): Promise<Ended> {
  const ended = await runKeelson(folder, args);
  assert.equal(ended.code, 0, `keelson ${args.join(" ")}\n${ended.stdout}\n${ended.stderr}`);
  return ended;
}
/** kubectl on the cluster of that name. */
async function stock(name: string, ...args: readonly string[]): Promise<string> {
  const ended = await runProgram([kubectl, "--context", `keelson-${name}`, ...args], { env: testEnv(folder) });
  assert.equal(ended.code, 0, `kubectl ${args.join(" ")}\n${ended.stderr}`);
  return ended.stdout;
}

/** Each text follows the one before. */
function inOrder(text: string, patterns: readonly RegExp[]): void {
  let from = 0;
  for (const pattern of patterns) {
    const found = pattern.exec(text.slice(from));
    assert.ok(found, `${pattern} does not follow in:\n${text.slice(from)}\n--- all of it:\n${text}`);
    from += found.index + found[0].length;
  }
}

test("keelson demo tells the story in order, and what it tells was recorded", async () => {
  const { stdout, stderr } = await keelson("demo", story, "--offline", "--nodes", "2");
  inOrder(stderr, [/Checking this machine/, /Waiting for 2 nodes to be Ready/]);
  inOrder(stdout, [
    /^A cluster$/m, /^\$ kubectl run nginx --image=keelson\.local\/nginx:demo/m, /apiVersion: v1/, /kind: Pod/, /run: nginx/, /dnsPolicy: ClusterFirst/, /^It is sent, and this happens:$/m,
    /kube-apiserver +authenticated: verb create, resource pods, user kubernetes-admin/, /kube-apiserver +authorized:/, /kube-apiserver +admitted:.*ServiceAccount.*DefaultTolerationSeconds/,
    /kube-apiserver +validated:/, /kube-apiserver +stored:.*revision \d+/, /kube-scheduler +queued/, /kube-scheduler +filtered nodes: nodes 2, feasible 2/, /kube-scheduler +scored nodes: .*chosen \S+-[12]/,
    /kube-scheduler +bound to node: node \S+-[12]/, /kubelet +seen by kubelet/, /kubelet +created sandbox: id \w+, ip 10\./, /kubelet +created container: container nginx/, /kubelet +started container: container nginx/,
    /kubelet +status Running/, /^The pod is Running at 10\.\d+\.\d+\.\d+\.$/m, /^\$ kubectl get pods -o wide$/m, /^ +nginx +1\/1 +Running +0 /m, /^\$ kubectl logs nginx$/m, /^\$ kubectl exec nginx/m, /search default\.svc\.cluster\.local/, /Welcome to nginx!/,
    /^Next$/m,
  ]);
  // Lines come in the order in which things happened, but for the few that take long and are known at their end.
  const told = stdout.slice(stdout.indexOf("It is sent"), stdout.indexOf("The pod is Running"));
  const offsets = [...told.matchAll(/^ +\+([\d.]+) ms /gm)].map(([, ms]) => Number(ms));
  assert.ok(offsets.length > 15, told);
  assert.ok(offsets.filter((ms, i) => ms < (offsets[i - 1] ?? 0)).length <= 3, told);

  const uid = (JSON.parse(await stock(story, "get", "pod", "nginx", "-o", "json")) as Pod).metadata.uid ?? "";
  const steps = JSON.parse((await keelson("trace", "pod/nginx", "--cluster", story, "-o", "json")).stdout) as readonly Step[];
  assert.ok(steps.every(({ trace, startMs, endMs }) => trace === uid.replaceAll("-", "") && startMs <= endMs));
  assert.deepEqual([...new Set(steps.map(({ component }) => component))].toSorted(), ["kube-apiserver", "kube-scheduler", "kubelet"]);
  const again = (await keelson("trace", "pod", "nginx", "--cluster", story)).stdout;
  inOrder(again, [/\+0\.0 ms .*█.* kube-apiserver +authenticated/, /kube-scheduler +bound to node/, /kubelet +created sandbox/, /kubelet +status Running/]);
});

test("a trace outlives its object, and of what is unknown it says so", async () => {
  const uid = (JSON.parse(await stock(story, "get", "pod", "nginx", "-o", "json")) as Pod).metadata.uid ?? "";
  await stock(story, "delete", "pod", "nginx", "--now");
  inOrder((await keelson("trace", "--uid", uid, "--cluster", story)).stdout, [/stored: verb create/, /resource pods.*/, /verb delete/]);
  const missing = await runKeelson(folder, ["trace", "pod/nobody", "--cluster", story]);
  assert.deepEqual([missing.code, /pods "nobody" not found/.test(missing.stderr)], [1, true], missing.stderr);
  const unknown = await runKeelson(folder, ["trace", "gadget/x", "--cluster", story]);
  assert.match(unknown.stderr, /doesn't have a resource type "gadget"/);
});

test("clusters live beside each other, also when they are made at the same moment: own networks, own objects, own context; each goes alone", async () => {
  await Promise.all([keelson("up", other, "--offline"), keelson("up", third, "--offline")]);
  const [first, second] = [specOf(story), specOf(other)];
  const all = [first, second, specOf(third)];
  for (const what of ["index", "apiPort", "podCidr", "bridge"] as const) assert.equal(new Set(all.map((spec) => spec[what])).size, 3, what);
  await stock(story, "create", "configmap", "mine", "--from-literal=a=b");
  const absent = await runProgram([kubectl, "--context", `keelson-${other}`, "get", "configmap", "mine"], { env: testEnv(folder) });
  assert.match(absent.stderr, /configmaps "mine" not found/);
  for (const { name, nodes } of all) {
    const { items } = JSON.parse(await stock(name, "get", "nodes", "-o", "json")) as { readonly items: readonly Node[] };
    assert.deepEqual(items.map(({ metadata }) => metadata.name), nodes.map((node) => node.name));
  }
  const listed = (await keelson("status")).stdout;
  for (const name of [story, other, third]) assert.match(listed, new RegExp(`^cluster ${name} at https://127\\.0\\.0\\.1:\\d+`, "m"));
  const status = JSON.parse((await keelson("status", other, "-o", "json")).stdout) as { readonly processes: readonly { readonly name: string; readonly pid: number; readonly residentBytes: number }[] };
  assert.deepEqual(status.processes.map(({ name }) => name).toSorted(), [`agent-${other}-1`, `containerd-${other}-1`, "server"]);
  for (const { pid, residentBytes } of status.processes) assert.ok(existsSync(`/proc/${pid}`) && residentBytes > 1e6);

  await Promise.all([keelson("down", other), keelson("down", third)]);
  assert.deepEqual(await leftovers(second, pathsOf(home, other).root), []);
  assert.equal(await stock(story, "get", "configmap", "mine", "-o", "jsonpath={.data.a}"), "b");
  const kubeconfig = readFileSync(join(folder, "kubeconfig"), "utf8");
  assert.deepEqual([kubeconfig.includes(`keelson-${story}`), kubeconfig.includes(`keelson-${other}`)], [true, false]);
});

test("the name of a cluster that runs with another home is refused, and nothing is touched", async () => {
  await using elsewhere = { folder: testFolder(), async [Symbol.asyncDispose]() { rmSync(this.folder, { recursive: true, force: true }); } };
  const refused = await runKeelson(elsewhere.folder, ["up", story, "--offline"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /this machine has a cluster \S+ already, made with another KEELSON_HOME/);
  assert.match(await stock(story, "get", "nodes"), / Ready /);
});

test("nobody complained in the logs, and the demo leaves nothing behind", async () => {
  const spec = specOf(story);
  const paths = pathsOf(home, story);
  // Written by what was deleted above as well, which has an end.
  await until("the pod is gone", async () => (await stock(story, "get", "pods", "-o", "name")) === "");
  const complaints = ["server", ...spec.nodes.map(({ name }) => `agent-${name}`)].flatMap((name) =>
    readFileSync(join(paths.logs, `${name}.log`), "utf8").split("\n").filter((line) => line !== "" && !/"level":"(info|debug)"/.test(line)).map((line) => `${name}: ${line}`));
  assert.deepEqual(complaints, []);
  await keelson("down", story);
  assert.deepEqual(await leftovers(spec, paths.root), []);
});
