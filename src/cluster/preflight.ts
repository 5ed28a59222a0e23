import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { command } from "../stdx/command.ts";
import { clustersMax } from "./spec.ts";

/** One thing that keeps a cluster from starting here, and how to mend it. */
export interface Problem {
  readonly what: string;
  readonly remedy: string;
}

/** What preflight looks at, gathered once, so that the judgement over it is a pure function. */
export interface Machine {
  readonly platform: string;
  readonly uid: number;
  readonly tools: Readonly<Record<string, boolean>>;
  readonly cniPlugins: string | undefined;
  readonly overlay: boolean;
  readonly containerdVersion: string | undefined;
  readonly freeBytes: number;
  readonly inodesFree: number;
  readonly cgroups: boolean;
  readonly portFree: boolean;
}

export const toolPackages = { containerd: "containerd", "containerd-shim-runc-v2": "containerd", runc: "runc", nft: "nftables", ip: "iproute2", nsenter: "util-linux" } as const;
const containerdVersionMin = [1, 6] as const;
export const freeBytesMin = 512 * 1024 * 1024;
const inodesFreeMin = 10_000;

export const cniFolders = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"] as const;

export function findProgram(name: string, path: string): string | undefined {
  for (const folder of [...path.split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"]) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

export function judge(machine: Machine, options: { readonly home: string; readonly apiPort: number; readonly newCluster: boolean }): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (what: string, remedy: string) => void problems.push({ what, remedy });
  if (machine.platform !== "linux") {
    add(`containers need Linux, and this is ${machine.platform}`, "run Keelson on a Linux machine or in a virtual machine");
    return problems;
  }
  if (machine.uid !== 0) add("a cluster makes network namespaces, mounts and cgroups, and for that it must be root", "run it with sudo");
  const missing = new Set<string>(Object.entries(toolPackages).filter(([tool]) => machine.tools[tool] !== true).map(([, name]) => name));
  if (machine.cniPlugins === undefined) missing.add("containernetworking-plugins");
  if (missing.size > 0) add(`these programs are missing: ${[...missing].join(", ")}`, `apt-get install ${[...missing].join(" ")}`);
  if (machine.containerdVersion !== undefined && !atLeast(machine.containerdVersion, containerdVersionMin))
    add(`containerd ${machine.containerdVersion} is too old`, `install containerd ${containerdVersionMin.join(".")} or later`);
  if (!machine.overlay) add("the kernel has no overlayfs, which containerd needs for the file systems of containers", "load it with `modprobe overlay`, or use a kernel that has it");
  if (!machine.cgroups) add("no cgroup controllers are mounted at /sys/fs/cgroup", "mount cgroup v2: `mount -t cgroup2 none /sys/fs/cgroup`");
  if (machine.freeBytes < freeBytesMin)
    add(`only ${Math.floor(machine.freeBytes / 1024 / 1024)} MiB are free under ${options.home}`, `free at least ${freeBytesMin / 1024 / 1024} MiB there, or set KEELSON_HOME to a larger disk`);
  else if (machine.inodesFree < inodesFreeMin) add(`only ${machine.inodesFree} files can still be made under ${options.home}`, "remove files there, or set KEELSON_HOME to another disk");
  if (options.newCluster && !machine.portFree) add(`port ${options.apiPort} is in use on 127.0.0.1`, "choose another with --api-port, or end what listens there");
  return problems;
}

function atLeast(version: string, [majorMin, minorMin]: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

export async function inspectMachine(options: { readonly home: string; readonly apiPort: number; readonly path: string }): Promise<Machine> {
  const tools = Object.fromEntries(Object.keys(toolPackages).map((tool) => [tool, findProgram(tool, options.path) !== undefined]));
  const folder = nearestFolder(options.home);
  const disk = statfsSync(folder);
  const [containerdVersion, portFree] = await Promise.all([tools["containerd"] === true ? versionOfContainerd() : undefined, isPortFree(options.apiPort)]);
  return {
    platform: process.platform,
    uid: process.getuid?.() ?? -1,
    tools,
    cniPlugins: cniFolders.find((each) => existsSync(join(each, "bridge"))),
    overlay: hasOverlay() || (await loadOverlay()),
    containerdVersion,
    freeBytes: disk.bavail * disk.bsize,
    // Some file systems (btrfs) count no inodes and say 0 of 0.
    inodesFree: disk.files === 0 ? Number.POSITIVE_INFINITY : disk.ffree,
    cgroups: existsSync("/sys/fs/cgroup/cgroup.controllers") || existsSync("/sys/fs/cgroup/memory"),
    portFree,
  };
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(join(path, ".."));
}

const hasOverlay = (): boolean => existsSync("/proc/filesystems") && /\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));

async function loadOverlay(): Promise<boolean> {
  try {
    await command(["modprobe", "overlay"]);
  } catch {
    return false; // Not root, no modprobe, or no such module: in each case there is no overlayfs.
  }
  return hasOverlay();
}

async function versionOfContainerd(): Promise<string | undefined> {
  return /\bv?(\d+\.\d+[^\s]*)/.exec((await command(["containerd", "--version"])).split(" ").slice(2).join(" "))?.[1];
}

/** True when nobody listens on the port of 127.0.0.1. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

const defaultApiPort = 6443;
const portTriesMax = 16;

/** The first free port of those that only the cluster of this index would take: clusters that are made at the same moment do not meet. */
export async function freePortOf(index: number, taken: ReadonlySet<number>): Promise<number> {
  const ports = Array.from({ length: portTriesMax }, (_, i) => defaultApiPort + index + i * clustersMax);
  for (const port of ports) if (!taken.has(port) && (await isPortFree(port))) return port;
  throw new Error(`none of the ports ${ports.join(", ")} is free; choose another with --api-port`);
}

/** Keelson's home exists and is ours alone. */
export const ensureHome = (home: string): void => void mkdirSync(home, { recursive: true, mode: 0o700 });
