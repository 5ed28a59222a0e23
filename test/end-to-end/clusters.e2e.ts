// `keelson up`, `down`, `status`, `kubeconfig`, `trace` as a user types them, and what they say when something is in the way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { parse } from "yaml";
import { pathsOf, type ClusterSpec } from "../../src/cluster/spec.ts";
import type { Step } from "../../src/stdx/steps.ts";
import { freePort, runKeelson, TestCluster, testEnv, testFolder, uniqueName, until } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";
import { runProgram } from "../support/programs.ts";

const repository = join(import.meta.dirname, "../..");
const keelsonTs = join(repository, "src/bin/keelson.ts");

/** The program without the launcher, which would install what is missing. */
const bare = (folder: string, args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}, wrap: readonly string[] = []) => {
  const [program = "", ...rest] = [...wrap, process.execPath, "--disable-warning=ExperimentalWarning", keelsonTs, ...args];
  return runProgram([program, ...rest], { env: { ...testEnv(folder), ...env } });
};

/** A cluster of index 0 to 63 whose parts could lie around; its own names only. */
async function nothingOf(folder: string, name: string): Promise<void> {
  const root = pathsOf(join(folder, "h"), name).root;
  const spec = { name, index: -1, bridge: "-", nodes: [] } as unknown as ClusterSpec;
  assert.deepEqual(await leftovers(spec, root), []);
  assert.equal(existsSync(root), false);
}

test("up says what is in the way and how to mend it, and leaves nothing behind", async (t) => {
  const folder = testFolder();
  const name = uniqueName();
  t.after(() => rmSync(folder, { recursive: true, force: true }));

  await t.test("a port that is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(port)]);
    taken.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`port ${port} is in use on 127\\.0\\.0\\.1\n +→ choose another with --api-port, or end what listens there`));
    await nothingOf(folder, name);
  });

  await t.test("not root", async () => {
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(await freePort())], {}, ["setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs"]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /it must be root\n +→ run it with sudo/);
    await nothingOf(folder, name);
  });

  await t.test("containerd too old", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "containerd"), "#!/bin/sh\necho 'containerd github.com/containerd/containerd 1.5.9 abc'\n");
    chmodSync(join(bin, "containerd"), 0o755);
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(await freePort())], { PATH: `${bin}:${process.env["PATH"]}` });
    assert.equal(code, 1);
    assert.match(stderr, /containerd 1\.5\.9 is too old\n +→ install containerd 1\.6 or later/);
    await nothingOf(folder, name);
  });

  await t.test("programs that are missing", async () => {
    // A mount namespace in which runc and nft cannot be seen; nothing of it outlives the command.
    const hide = "for each in /usr/sbin/runc /usr/bin/runc /usr/sbin/nft; do [ -e $each ] && mount --bind /dev/null $each; done; exec \"$@\"";
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(await freePort())], {}, ["unshare", "--mount", "--propagation=private", "sh", "-c", hide, "sh"]);
    assert.equal(code, 1);
    assert.match(stderr, /these programs are missing: runc, nftables\n +→ apt-get install runc nftables/);
    await nothingOf(folder, name);
  });

  await t.test("no room on the disk", async () => {
    const small = join(folder, "small");
    const onSmall = `mkdir -p ${small} && mount -t tmpfs -o size=16m none ${small} && exec "$@"`;
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(await freePort())], { KEELSON_HOME: join(small, "h") }, ["unshare", "--mount", "--propagation=private", "sh", "-c", onSmall, "sh"]);
    assert.equal(code, 1);
    assert.match(stderr, /only \d+ MiB are free under .*\n +→ free at least 512 MiB there, or set KEELSON_HOME to a larger disk/);
    await nothingOf(folder, name);
  });

  await t.test("names and flags that cannot be", async () => {
    assert.match((await bare(folder, ["up", "No_Name"])).stderr, /"No_Name" cannot be the name of a cluster/);
    assert.deepEqual([(await bare(folder, ["up", name, "--nodes", "many"])).code, (await bare(folder, ["up", name, "--nope"])).code, (await bare(folder, ["nope"])).code], [2, 2, 2]);
    assert.match((await bare(folder, ["up", name, "--nodes", "0", "--api-port", String(await freePort())])).stderr, /a cluster cannot have 0 nodes/);
    assert.match((await bare(folder, ["down", name])).stderr, new RegExp(`there is no cluster "${name}"`));
    assert.match((await bare(folder, ["status", name])).stderr, new RegExp(`there is no cluster "${name}"; \`keelson up ${name}\` makes it`));
    await nothingOf(folder, name);
  });

  await t.test("a start that fails half-way is taken back", async () => {
    const bin = join(folder, "broken");
    mkdirSync(bin, { recursive: true });
    const real = (await runProgram(["sh", "-c", "command -v containerd"])).stdout.trim();
    // Answers the question for its version, and ends when it is started for good.
    writeFileSync(join(bin, "containerd"), `#!/bin/sh\n[ "$1" = --version ] && exec ${real} --version\necho 'containerd: no such luck' >&2\nexit 1\n`);
    chmodSync(join(bin, "containerd"), 0o755);
    const { code, stderr } = await bare(folder, ["up", name, "--api-port", String(await freePort()), "--offline"], { PATH: `${bin}:${process.env["PATH"]}` });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /ended while it started|not Ready after/);
    assert.match(stderr, /no such luck/, "the last lines of the log are shown, since the log goes");
    await nothingOf(folder, name);
    assert.equal(existsSync(join(folder, "kubeconfig")), false);
  });
});

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

interface StatusJson {
  readonly name: string;
  readonly server: string;
  readonly nodes: readonly { readonly name: string }[];
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly residentBytes: number; readonly running: boolean; readonly startedAt: string }[];
}

test("status tells what runs, since when, with how much memory", async () => {
  const status = JSON.parse(await cluster.keelson("status", cluster.name, "-o", "json")) as StatusJson;
  assert.deepEqual(status.processes.map(({ name }) => name).filter((name) => !name.startsWith("containerd")).toSorted(), [`agent-${cluster.name}-1`, "server"]);
  for (const { name, pid, residentBytes, running, startedAt } of status.processes) {
    assert.ok(running && residentBytes > 1_000_000 && Date.parse(startedAt) <= Date.now(), name);
    assert.ok(existsSync(`/proc/${pid}`), name);
  }
  assert.match(await cluster.keelson("status"), new RegExp(`^cluster ${cluster.name} at https://127\\.0\\.0\\.1:${cluster.spec.apiPort}, 1 node, made .* ago\n +PROCESS +PID +STATE +SINCE +MEMORY\n`));
});

test("up again changes nothing, and takes little time to say so", async () => {
  const pids = () => [cluster.pidOf("server"), cluster.pidOf(`agent-${cluster.name}-1`)];
  const before = pids();
  assert.match(await cluster.keelson("up", cluster.name), new RegExp(`^Cluster ${cluster.name} is up after .*\n\nNow try:\n +kubectl --context keelson-${cluster.name} get nodes\n`));
  assert.deepEqual(pids(), before);
});

test("the context is merged into the user's kubeconfig, which keeps all that is not ours", async () => {
  const file = join(cluster.folder, "kubeconfig");
  const mine = (text: string) => parse(text) as { readonly "current-context": string; readonly contexts: readonly { readonly name: string }[]; readonly users: readonly { readonly name: string }[] };
  assert.equal(mine(readFileSync(file, "utf8"))["current-context"], `keelson-${cluster.name}`);
  assert.equal(statSync(file).mode & 0o777, 0o600);

  const other = join(cluster.folder, "other-kubeconfig");
  const text = "# by hand\napiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- name: work # the big one\n  cluster: {server: 'https://work.example:6443'}\ncontexts:\n- name: work\n  context: {cluster: work, user: me}\nusers:\n- name: me\n  user: {token: secret}\npreferences: {}\n";
  writeFileSync(other, text, { mode: 0o640 });
  symlinkSync(other, join(cluster.folder, "link"));
  const up = await runKeelson(cluster.folder, ["up", cluster.name], { env: { ...cluster.env, KUBECONFIG: join(cluster.folder, "link") } });
  assert.equal(up.code, 0, up.stderr);
  const merged = readFileSync(other, "utf8");
  assert.match(merged, /^# by hand\n/);
  assert.match(merged, /# the big one/);
  assert.deepEqual(mine(merged).contexts.map(({ name }) => name), ["work", `keelson-${cluster.name}`]);
  assert.deepEqual(mine(merged).users.map(({ name }) => name), ["me", `keelson-${cluster.name}`]);
  assert.equal((await runProgram([cluster.kubectlPath, "--context", `keelson-${cluster.name}`, "get", "nodes", "-o", "name"], { env: { ...cluster.env, KUBECONFIG: other } })).stdout, `node/${cluster.name}-1\n`);

  writeFileSync(other, "this: [is not\n  a kubeconfig");
  const damaged = await runKeelson(cluster.folder, ["up", cluster.name], { env: { ...cluster.env, KUBECONFIG: other } });
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /was left as it is/);
  assert.equal(readFileSync(other, "utf8"), "this: [is not\n  a kubeconfig");

  const printed = await cluster.keelson("kubeconfig", cluster.name);
  writeFileSync(join(cluster.folder, "printed"), printed, { mode: 0o600 });
  assert.match(await cluster.kubectl("--kubeconfig", join(cluster.folder, "printed"), "get", "nodes"), / Ready /);
});

test("trace tells the story of a pod: every part that had to do with it, in order", async () => {
  await cluster.kubectl("run", "told", "--image=busybox", "--command", "--", "sleep", "1000");
  await cluster.ready("told");
  const steps = await until("the agent's steps have arrived", async () => {
    const all = JSON.parse(await cluster.keelson("trace", "pod/told", "--cluster", cluster.name, "-o", "json")) as readonly Step[];
    return all.some(({ component, name }) => component === "kubelet" && /start/i.test(name)) && all;
  });
  const ordered = steps.toSorted((a, b) => a.startMs - b.startMs);
  const first = (component: string) => ordered.findIndex((step) => step.component === component);
  assert.ok(first("kube-apiserver") >= 0 && first("kube-apiserver") < first("kube-scheduler") && first("kube-scheduler") < first("kubelet"), ordered.map(({ component, name }) => `${component} ${name}`).join("\n"));
  for (const step of steps) assert.ok(step.endMs >= step.startMs, step.name);
  const text = await cluster.keelson("trace", "pod", "told", "--cluster", cluster.name);
  assert.match(text, /█/);
  for (const part of ["kube-apiserver", "kube-scheduler", "kubelet"]) assert.match(text, new RegExp(`^ +\\+[\\d.]+ m?s .* ${part} `, "m"));
  assert.match((await cluster.tryKeelson("trace", "pod/nobody", "--cluster", cluster.name)).stderr, /pods "nobody" not found/);
  assert.match((await cluster.tryKeelson("trace", "nonsense", "--cluster", cluster.name)).stderr, /name one object/);
  await cluster.clear();
});

test("secrets on disk are for their owner alone", async () => {
  const { stdout } = await runProgram(["find", cluster.paths.pki, cluster.paths.adminKubeconfig, cluster.paths.spec, "-type", "f", "-name", "*", "!", "-name", "*.crt", "!", "-name", "*.pub", "-perm", "/077"]);
  assert.equal(stdout, "");
});

test("several clusters live side by side, and one goes without the others", async () => {
  await using second = await TestCluster.start({ images: ["busybox"] });
  assert.notEqual(second.spec.bridge, cluster.spec.bridge);
  await second.kubectl("run", "a", "--image=busybox", "--command", "--", "sleep", "1000");
  await cluster.kubectl("run", "a", "--image=busybox", "--command", "--", "sleep", "1000");
  await Promise.all([second.ready("a"), cluster.ready("a")]);
  await second[Symbol.asyncDispose]();
  assert.match(await cluster.kubectl("exec", "a", "--", "echo", "still", "here"), /still here/);
  await cluster.kubectl("run", "b", "--image=busybox", "--command", "--", "sleep", "1000");
  await cluster.ready("b");
});

test("no traffic for service or pod addresses leaves by the machine's own interface", async () => {
  const addresses = [cluster.spec.podCidr.replace("0.0/16", "250.9"), "10.96.200.200", cluster.spec.nodeCidr.replace("0/24", "250")];
  for (const address of addresses) {
    const { code, stderr } = await cluster.try(["exec", "a", "--", "timeout", "8", "wget", "-qO-", `http://${address}/`]);
    assert.notEqual(code, 0, address);
    assert.doesNotMatch(stderr, /server returned/, address);
  }
  const { stdout } = await runProgram(["nft", "-j", "list", "table", "ip", `keelson${cluster.spec.index}`]);
  assert.match(stdout, /reject/);
});
