// The story, line 12: kill -9 of any part, while pods are being created. What was acknowledged is there, what ran still runs, the rest is done after `up`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Pod, PodList } from "../../src/api/generated/core-v1.ts";
import { cgroupFolders, processesNaming } from "../../src/cluster/commands/down.ts";
import { vethOf } from "../../src/cluster/network/plan.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { leftovers } from "../support/leftovers.ts";
import { runProgram } from "../support/programs.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

/** containerd itself, not its shims: those hold the containers. */
function containerdPid(): number {
  for (const entry of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      if (/^\S*containerd /.test(command) && command.includes(cluster.nodeFolder())) return Number(entry);
    } catch {
      // Ended meanwhile.
    }
  }
  throw new Error("containerd of the node does not run");
}

interface Lasting {
  readonly uid: string;
  readonly containerId: string;
  readonly restartCount: number;
  readonly ip: string;
}
async function lasting(name: string): Promise<Lasting> {
  const { metadata, status } = await cluster.get<Pod>("pod", name);
  const container = status?.containerStatuses?.[0];
  return { uid: metadata.uid ?? "", containerId: container?.containerID ?? "", restartCount: container?.restartCount ?? -1, ip: status?.podIP ?? "" };
}

const sleeper = (name: string) => ({
  apiVersion: "v1", kind: "Pod", metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", "cat /proc/sys/kernel/random/uuid > /tmp/born; trap 'exit 0' TERM; while :; do sleep 1 & wait; done"] }] },
});

const parts: readonly { readonly what: string; readonly pids: () => readonly number[] }[] = [
  { what: "the server", pids: () => [cluster.pidOf("server")] },
  { what: "the agent", pids: () => [cluster.pidOf(`agent-${cluster.name}-1`)] },
  { what: "containerd", pids: () => [containerdPid()] },
  { what: "all at once", pids: () => [cluster.pidOf("server"), cluster.pidOf(`agent-${cluster.name}-1`), containerdPid()] },
];

for (const { what, pids } of parts) {
  test(`12. kill -9 of ${what} while pods are being created`, async () => {
    const run = what.replaceAll(" ", "-");
    await cluster.apply(sleeper(`${run}-before`));
    await cluster.ready(`${run}-before`);
    const old = await lasting(`${run}-before`);
    const born = await cluster.kubectl("exec", `${run}-before`, "--", "cat", "/tmp/born");

    const acknowledged: string[] = [];
    const creating = (async () => {
      for (let i = 0; i < 6; i++) {
        const ended = await cluster.try(["create", "-f", "-"], { input: JSON.stringify(sleeper(`${run}-${i}`)) });
        if (ended.code === 0) acknowledged.push(`${run}-${i}`);
        else if (acknowledged.length > 0) return; // The server is gone.
      }
    })();
    await until("some pods are created", () => acknowledged.length >= 2);
    for (const pid of pids()) process.kill(pid, "SIGKILL");
    await creating;
    await cluster.keelson("up", cluster.name);

    const present = new Set((await cluster.get<PodList>("pods")).items.map(({ metadata }) => metadata.name));
    for (const name of acknowledged) assert.ok(present.has(name), `${name} was acknowledged`);
    for (const name of acknowledged) await cluster.ready(name);
    await cluster.ready(`${run}-before`);
    assert.deepEqual(await lasting(`${run}-before`), old, "the container was not touched");
    assert.equal(await cluster.kubectl("exec", `${run}-before`, "--", "cat", "/tmp/born"), born);
    // What came and went across the crash leaves nothing: each pod has one sandbox and one container.
    const ids = async (): Promise<readonly string[]> => {
      const { stdout } = await cluster.onNode(0, "ctr", "--address", join(cluster.nodeFolder(), "containerd/containerd.sock"), "-n", "k8s.io", "tasks", "ls", "-q");
      return stdout.trim().split("\n").filter(Boolean);
    };
    const { items } = await cluster.get<PodList>("pods");
    await until(`two tasks for each of ${items.length} pods`, async () => (await ids()).length === items.length * 2);
    await cluster.clear();
    await until("no task is left", async () => (await ids()).length === 0);
  });
}

test("a cluster whose last process was killed tells so, and `up` starts it again with all its state", async () => {
  await cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b");
  process.kill(cluster.pidOf("server"), "SIGKILL");
  await until("status tells", async () => (JSON.parse((await cluster.tryKeelson("status", cluster.name, "-o", "json")).stdout) as { readonly processes: readonly { readonly name: string; readonly running: boolean }[] }).processes.some(({ name, running }) => name === "server" && !running));
  assert.match((await cluster.try(["get", "nodes"])).stderr, /refused/);
  await cluster.keelson("up", cluster.name);
  assert.equal((await cluster.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}")), "b");
});

/** What a reboot leaves: files. Processes, mounts, namespaces, interfaces, tables and cgroups are gone. */
async function reboot(): Promise<void> {
  const { spec, paths } = cluster;
  const tree = (folder: string): readonly string[] => [...readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap((entry) => tree(join(folder, entry.name))), folder];
  const groups = () => cgroupFolders(spec).flatMap((folder) => tree(folder));
  await until("every process has ended", () => {
    const pids = new Set([...processesNaming(paths.root), ...groups().flatMap((folder) => readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number))]);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Ended meanwhile.
      }
    }
    return pids.size === 0;
  });
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n").toReversed()) {
    const point = line.split(" ")[1] ?? "";
    if (point.startsWith(paths.root)) await runProgram(["umount", "-l", point]);
  }
  await until("no cgroup is left", () => {
    for (const folder of groups()) rmdirSync(folder);
    return groups().length === 0;
  });
  for (const node of spec.nodes) {
    await runProgram(["ip", "link", "delete", vethOf(spec, node)]); // It would go with the namespace, but some time later.
    await runProgram(["ip", "netns", "delete", node.namespace]);
  }
  await runProgram(["ip", "link", "delete", spec.bridge]);
  await runProgram(["nft", "delete", "table", "ip", `keelson${spec.index}`]);
  assert.deepEqual((await leftovers(spec, paths.root)).filter((each) => !each.startsWith("folder")), []);
}

test("after a reboot, `up` starts the cluster with all its state, and its pods run again", async () => {
  await cluster.apply(sleeper("lasting"));
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "finished" }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox", imagePullPolicy: "IfNotPresent", command: ["true"] }] } });
  await cluster.ready("lasting");
  await until("it is finished", async () => (await cluster.get<Pod>("pod", "finished")).status?.phase === "Succeeded");
  const before = await cluster.get<Pod>("pod", "lasting");
  await reboot();
  assert.equal(existsSync(cluster.paths.store), true);
  await cluster.keelson("up", cluster.name);
  await until("the pod runs in a new container", async () => {
    const { metadata, status } = await cluster.get<Pod>("pod", "lasting");
    const [container] = status?.containerStatuses ?? [];
    return metadata.uid === before.metadata.uid && container?.ready === true && container.restartCount === 1 && container.containerID !== before.status?.containerStatuses?.[0]?.containerID;
  });
  assert.match(await cluster.kubectl("exec", "lasting", "--", "cat", "/tmp/born"), /^[-0-9a-f]{36}\n$/);
  assert.equal((await cluster.get<Pod>("pod", "finished")).status?.phase, "Succeeded");
  await cluster.clear();
});
