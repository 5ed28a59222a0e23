import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../stdx/command.ts";
import type { Clock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { deleteEtcdState } from "../etcd-state.ts";
import { removeNetwork, restoreForwarding } from "../network/network.ts";
import { isAlive, listProcesses, stopProcess } from "../processes.ts";
import type { Progress } from "../progress.ts";
import { pathsOf, readSpec, type ClusterPaths, type ClusterSpec } from "../spec.ts";

export interface TeardownOptions {
  readonly home: string;
  readonly name: string;
  readonly progress: Progress;
  readonly clock: Clock;
  /** Deletes also what a cluster keeps outside of this machine, in etcd. */
  readonly deleteState?: boolean;
  readonly signal: AbortSignal;
}

const stopGraceMs = 3_000;

/**
 * Removes every process, mount, namespace, interface, route, table, cgroup and file of a cluster, whatever state a crash left it in. It does not ask
 * the cluster for help: what belongs to it is found by its state folder, its cgroup and its names. Safe to run again.
 */
export async function tearDown({ home, name, progress, clock, deleteState = false, signal }: TeardownOptions): Promise<void> {
  const paths = pathsOf(home, name);
  const spec = readSpec(paths);
  if (spec) {
    await progress.step("Stopping the control plane and the nodes' agents", () => stopOwn(paths, clock, signal));
    await progress.step("Ending containers", () => endContainers(spec, paths, clock, signal));
    await progress.step("Removing mounts and cgroups", async () => {
      await unmountUnder(paths.root);
      await removeCgroups(spec, clock, signal);
    });
    await progress.step("Removing the network", () => removeNetwork(spec));
    const { etcd } = spec;
    // Before the files, which say where it is: if etcd does not answer, this can be run again.
    if (etcd && deleteState) {
      await progress.step("Deleting its state in etcd", async (note) => note(`${await deleteEtcdState(etcd, { clock, log: silentLog })} keys under ${etcd.prefix}`));
    }
  }
  await progress.step("Removing files", async () => rmSync(paths.root, { recursive: true, force: true }));
  restoreForwarding();
}

async function stopOwn(paths: ClusterPaths, clock: Clock, signal: AbortSignal): Promise<void> {
  const alive = listProcesses(paths.run).filter(isAlive);
  await Promise.all(alive.map((record) => stopProcess(record, { graceMs: stopGraceMs, clock, signal })));
}

/** The folder in each cgroup hierarchy under which everything of this cluster runs. */
export const cgroupOf = (spec: Pick<ClusterSpec, "name">): string => `keelson/${spec.name}`;

/** v2 has one hierarchy; v1 and hybrid have one per controller. */
export function cgroupFolders(spec: Pick<ClusterSpec, "name">): readonly string[] {
  const mount = "/sys/fs/cgroup";
  const hierarchies = existsSync(join(mount, "cgroup.controllers")) ? [mount] : existsSync(mount) ? readdirSync(mount).map((each) => join(mount, each)) : [];
  return hierarchies.map((hierarchy) => join(hierarchy, cgroupOf(spec))).filter((folder) => existsSync(folder));
}

/** Deepest first, as they have to be removed. */
function subtree(folder: string): readonly string[] {
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap((entry) => subtree(join(folder, entry.name)));
  return [...children, folder];
}

const pidsIn = (folder: string): readonly number[] => {
  try {
    return readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return []; // The cgroup went while we looked.
  }
};

/** Whether anything runs in the cgroups of a cluster of this name, whatever home it belongs to. */
export const hasProcesses = (name: string): boolean => cgroupFolders({ name }).some((folder) => subtree(folder).some((each) => pidsIn(each).length > 0));

/** Processes whose command line names the state folder: containerd and its shims. */
export function processesNaming(text: string): readonly number[] {
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).filter((pid) => pid !== process.pid && pid !== process.ppid && commandLine(pid).includes(text));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // Ended.
  }
}

const isContainerdPart = (pid: number): boolean => /^\S*containerd(-shim[^\s]*)? /.test(commandLine(pid));

async function endContainers(spec: ClusterSpec, paths: ClusterPaths, clock: Clock, signal: AbortSignal): Promise<void> {
  // Shims first, so that nobody reports or restarts what is being ended; then whatever still runs in the cluster's cgroups.
  for (let round = 0; round < 200; round++) {
    const pids = [
      ...processesNaming(`${paths.root}/`).filter(isContainerdPart),
      ...cgroupFolders(spec).flatMap((folder) => subtree(folder).flatMap(pidsIn)),
    ];
    if (pids.length === 0) return;
    for (const pid of new Set(pids)) kill(pid);
    await clock.sleep(20, { signal });
  }
  throw new Error("some processes of the cluster do not end; run `keelson down` again, and if it stays so, look at them with `ps`");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Deepest first; lazily, because a process that is being ended may hold one for another moment. Pods' network namespaces are mounts as well. */
async function unmountUnder(root: string): Promise<void> {
  const points = readFileSync("/proc/self/mounts", "utf8").split("\n").map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " ")).filter((point) => point === root || point.startsWith(`${root}/`));
  for (const point of points.toSorted((a, b) => b.length - a.length)) await command(["umount", "-l", point]);
}

async function removeCgroups(spec: ClusterSpec, clock: Clock, signal: AbortSignal): Promise<void> {
  for (const root of cgroupFolders(spec)) {
    for (const folder of subtree(root)) await removeCgroup(folder, clock, signal);
    try {
      rmdirSync(join(root, "..")); // The folder that clusters share goes with the last one.
    } catch {
      // Another cluster lives in it.
    }
  }
}

/** A cgroup is busy for a moment after its last process ended. */
async function removeCgroup(folder: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (!existsSync(folder)) return;
      if (attempt === 100) throw error;
      await clock.sleep(20, { signal });
    }
  }
}
