import { readFileSync } from "node:fs";
import type { CgroupHierarchies } from "../cgroups/cgroups.ts";

/** What a control group has used (CPU, faults: since it was made) and uses now (memory, processes). Figures that a kernel does not keep are undefined. */
export interface Usage {
  readonly cpuNs: number;
  readonly cpuUserNs: number;
  readonly cpuSystemNs: number;
  readonly memoryBytes: number;
  /** Memory that the kernel could not take back at once: all but inactive pages of files. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly swapBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  /** Undefined where nothing limits it. */
  readonly memoryLimitBytes: number | undefined;
  readonly processes: number | undefined;
  readonly cpuPeriods: number;
  readonly cpuThrottledPeriods: number;
  readonly cpuThrottledNs: number;
}

/** Larger ones mean "no limit" in version 1. */
const memoryLimitBytesMax = 2 ** 60;

/** Lines of "name value". */
export function parsePairs(text: string): Readonly<Record<string, number>> {
  return Object.fromEntries(text.split("\n").flatMap((line) => {
    const at = line.lastIndexOf(" ");
    return at < 0 ? [] : [[line.slice(0, at), Number(line.slice(at + 1))]];
  }));
}

/** Contents of the files of a group by their names; undefined for one that is not there. */
export type GroupFiles = (name: string) => string | undefined;

export function usageFromV2(file: GroupFiles): Usage | undefined {
  const memory = file("memory.current");
  if (memory === undefined) return undefined;
  const cpu = parsePairs(file("cpu.stat") ?? "");
  const stat = parsePairs(file("memory.stat") ?? "");
  const limit = (file("memory.max") ?? "max").trim();
  const processes = file("pids.current");
  return {
    cpuNs: (cpu["usage_usec"] ?? 0) * 1000, cpuUserNs: (cpu["user_usec"] ?? 0) * 1000, cpuSystemNs: (cpu["system_usec"] ?? 0) * 1000,
    memoryBytes: Number(memory), workingSetBytes: Math.max(Number(memory) - (stat["inactive_file"] ?? 0), 0), rssBytes: stat["anon"] ?? 0, cacheBytes: stat["file"] ?? 0,
    swapBytes: Number(file("memory.swap.current") ?? "0"), pageFaults: stat["pgfault"] ?? 0, majorPageFaults: stat["pgmajfault"] ?? 0,
    memoryLimitBytes: limit === "max" ? undefined : Number(limit), processes: processes === undefined ? undefined : Number(processes),
    cpuPeriods: cpu["nr_periods"] ?? 0, cpuThrottledPeriods: cpu["nr_throttled"] ?? 0, cpuThrottledNs: (cpu["throttled_usec"] ?? 0) * 1000,
  };
}

export function usageFromV1(file: GroupFiles): Usage | undefined {
  const memory = file("memory.usage_in_bytes");
  const cpuNs = file("cpuacct.usage");
  if (memory === undefined || cpuNs === undefined) return undefined;
  const cpu = parsePairs(file("cpu.stat") ?? "");
  const stat = parsePairs(file("memory.stat") ?? "");
  const limit = Number(file("memory.limit_in_bytes") ?? "0");
  const processes = file("pids.current");
  return {
    cpuNs: Number(cpuNs), cpuUserNs: Number(file("cpuacct.usage_user") ?? "0"), cpuSystemNs: Number(file("cpuacct.usage_sys") ?? "0"),
    memoryBytes: Number(memory), workingSetBytes: Math.max(Number(memory) - (stat["total_inactive_file"] ?? 0), 0), rssBytes: stat["total_rss"] ?? 0, cacheBytes: stat["total_cache"] ?? 0,
    swapBytes: stat["total_swap"] ?? 0, pageFaults: stat["total_pgfault"] ?? 0, majorPageFaults: stat["total_pgmajfault"] ?? 0,
    memoryLimitBytes: limit > 0 && limit < memoryLimitBytesMax ? limit : undefined, processes: processes === undefined ? undefined : Number(processes),
    cpuPeriods: cpu["nr_periods"] ?? 0, cpuThrottledPeriods: cpu["nr_throttled"] ?? 0, cpuThrottledNs: cpu["throttled_time"] ?? 0,
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // A group goes with its container at any moment; a controller may not be switched on.
    if (error instanceof Error && "code" in error && ["ENOENT", "ENODEV", "ENOTDIR", "EOPNOTSUPP"].includes(String(error.code))) return undefined;
    throw error;
  }
}

/** Undefined when there is no such group any more. */
export function readUsage({ version, roots }: CgroupHierarchies, group: string): Usage | undefined {
  if (version === 2) return usageFromV2((name) => readIfThere(`${roots[0]}${group}/${name}`));
  // "cpuacct.usage" lies in the tree of cpuacct, which may be one with that of cpu.
  const rootOf = (controller: string): string | undefined => roots.find((root) => root.slice(root.lastIndexOf("/") + 1).split(",").includes(controller));
  return usageFromV1((name) => {
    const root = rootOf(name.slice(0, name.indexOf(".")));
    return root === undefined ? undefined : readIfThere(`${root}${group}/${name}`);
  });
}

const ticksPerSecond = 100;

/** The same figures for a whole machine, from /proc/stat, /proc/meminfo and /proc/vmstat. */
export function usageOfMachine(file: GroupFiles): Usage {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(file("stat") ?? "")?.[1] ?? "").split(" ").map((ticks) => Number(ticks) * (1e9 / ticksPerSecond));
  const memory = Object.fromEntries([...(file("meminfo") ?? "").matchAll(/^(\S+): +(\d+) kB$/gm)].map(([, name = "", kilobytes]) => [name, Number(kilobytes) * 1024]));
  const faults = parsePairs(file("vmstat") ?? "");
  const used = (memory["MemTotal"] ?? 0) - (memory["MemFree"] ?? 0);
  return {
    cpuNs: user + nice + system + irq + softirq, cpuUserNs: user + nice, cpuSystemNs: system + irq + softirq, memoryBytes: used,
    workingSetBytes: Math.max(used - (memory["Inactive(file)"] ?? 0), 0), rssBytes: memory["AnonPages"] ?? 0, cacheBytes: memory["Cached"] ?? 0,
    swapBytes: (memory["SwapTotal"] ?? 0) - (memory["SwapFree"] ?? 0), pageFaults: faults["pgfault"] ?? 0, majorPageFaults: faults["pgmajfault"] ?? 0, memoryLimitBytes: undefined, processes: undefined,
    cpuPeriods: 0, cpuThrottledPeriods: 0, cpuThrottledNs: 0,
  };
}

export const readMachineUsage = (): Usage => usageOfMachine((name) => readIfThere(`/proc/${name}`));

/** Traffic of one interface since it was made. */
export interface InterfaceUsage {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** /proc/<pid>/net/dev, without loopback. */
export function parseInterfaces(text: string): readonly InterfaceUsage[] {
  return text.split("\n").flatMap((line) => {
    const [, name = "", rest = ""] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === "" || name === "lo") return [];
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0, , , , , txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = rest.trim().split(/\s+/).map(Number);
    return [{ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

/** Of the network that a process is in; undefined when it has ended. */
export function readInterfaces(pid: string): readonly InterfaceUsage[] | undefined {
  const text = readIfThere(`/proc/${pid}/net/dev`);
  return text === undefined ? undefined : parseInterfaces(text);
}

/** A process of the group, for what only processes can be asked about. */
export function anyProcess({ roots }: CgroupHierarchies, group: string): string | undefined {
  for (const root of roots) {
    const [pid = ""] = (readIfThere(`${root}${group}/cgroup.procs`) ?? "").split("\n");
    if (pid !== "" && pid !== "0") return pid;
  }
  return undefined;
}
