import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import type { Pod } from "../../api/generated/core-v1.ts";
import { quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import { cpuQuotaUs, cpuShares, cpuWeight, quotaPeriodUs } from "../containers/resources.ts";
import { containersOf, qosClassOf, specOf, uidOf } from "../pod/pod.ts";

const mountPoint = "/sys/fs/cgroup";

/** How this machine's control groups are mounted: one tree (2), or one per controller (1), where a second, unified tree may lie beside. */
export interface CgroupHierarchies {
  readonly version: 1 | 2;
  /** Roots of all trees. */
  readonly roots: readonly string[];
}

export function findHierarchies(): CgroupHierarchies {
  if (existsSync(`${mountPoint}/cgroup.controllers`)) return { version: 2, roots: [mountPoint] };
  const roots = readdirSync(mountPoint, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => `${mountPoint}/${name}`);
  return { version: 1, roots };
}

/** The path of a pod's group below the node's: a guaranteed pod lies right under kubepods, others under that of their class. */
export function podCgroup(cgroupRoot: string, pod: Pod): string {
  const qos = qosClassOf(pod);
  const parent = qos === "Guaranteed" ? "" : `/${qos.toLowerCase()}`;
  return `${cgroupRoot.replace(/\/$/, "")}/kubepods${parent}/pod${uidOf(pod)}`;
}

/** What all containers of a pod may use together; undefined parts are not limited. */
export interface PodLimits {
  readonly cpuShares: number;
  readonly cpuQuotaUs: number | undefined;
  readonly memoryBytes: number | undefined;
}

export function podLimits(pod: Pod): PodLimits {
  const { resources } = specOf(pod);
  const running = containersOf(pod).filter(({ kind }) => kind === "main" || kind === "sidecar").map(({ container }) => container);
  const sum = (list: "requests" | "limits", name: string, value: (amount: string) => number): number =>
    running.reduce((total, container) => total + value(container.resources?.[list]?.[name] ?? (list === "requests" ? container.resources?.limits?.[name] : undefined) ?? "0"), 0);
  const limited = (name: string): boolean => running.every((container) => container.resources?.limits?.[name] !== undefined);
  const requests = resources?.requests?.["cpu"] === undefined ? sum("requests", "cpu", quantityMilliValue) : quantityMilliValue(resources.requests["cpu"]);
  const cpu = resources?.limits?.["cpu"] !== undefined ? quantityMilliValue(resources.limits["cpu"]) : limited("cpu") ? sum("limits", "cpu", quantityMilliValue) : undefined;
  const memory = resources?.limits?.["memory"] !== undefined ? quantityValue(resources.limits["memory"]) : limited("memory") ? sum("limits", "memory", quantityValue) : undefined;
  return { cpuShares: cpuShares(requests), cpuQuotaUs: cpu === undefined ? undefined : cpuQuotaUs(cpu), memoryBytes: memory };
}

const isCode = (error: unknown, ...codes: readonly string[]): boolean => error instanceof Error && "code" in error && codes.includes(String(error.code));

function write(path: string, value: string | number): void {
  writeFileSync(path, String(value));
}

/** Makes a group, and all above it where they are missing. Version 1 wants each cpuset filled from its parent, version 2 each controller handed down. */
function makeGroup({ version, roots }: CgroupHierarchies, path: string): void {
  const parts = path.split("/").filter((part) => part !== "");
  for (const root of roots) makePart(version, root, parts);
}

function makePart(version: 1 | 2, root: string, parts: readonly string[]): void {
  if (parts.length === 0) return;
  const isCpuset = version === 1 && root.endsWith("/cpuset");
  const above = parts.slice(0, -1);
  const parent = [root, ...above].join("/");
  const folder = [root, ...parts].join("/");
  const missing = !existsSync(folder);
  // Nearly always only the last one is missing; asking for each part in each of ten trees would hold every pod up. A cpuset may also be there and not filled yet.
  if (isCpuset || (missing && !existsSync(parent))) makePart(version, root, above);
  if (version === 2 && missing) handDown(parent);
  if (missing) mkdirSync(folder, { recursive: true }); // Somebody else may have made it just now.
  if (!isCpuset) return;
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFileSync(`${folder}/${file}`, "utf8").trim() === "") write(`${folder}/${file}`, readFileSync(`${parent}/${file}`, "utf8").trim());
  }
}

/** Lets the groups below have limits of their own. */
function handDown(folder: string): void {
  const present = readFileSync(`${folder}/cgroup.controllers`, "utf8").trim().split(" ").filter((controller) => ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"].includes(controller));
  try {
    write(`${folder}/cgroup.subtree_control`, present.map((controller) => `+${controller}`).join(" "));
  } catch (error) {
    // A group with processes of its own cannot hand down controllers; then the limits below it are what its own parent allows.
    if (!isCode(error, "EBUSY", "EOPNOTSUPP", "ENOENT")) throw error;
  }
}

const writeIfThere = (path: string, value: string | number): void => {
  if (existsSync(path)) write(path, value);
};

function setLimits({ version, roots }: CgroupHierarchies, path: string, limits: PodLimits): void {
  for (const root of roots) {
    const folder = `${root}${path}`;
    if (version === 2) {
      writeIfThere(`${folder}/cpu.weight`, cpuWeight(limits.cpuShares));
      if (limits.cpuQuotaUs !== undefined && limits.cpuQuotaUs > 0) writeIfThere(`${folder}/cpu.max`, `${limits.cpuQuotaUs} ${quotaPeriodUs}`);
      if (limits.memoryBytes !== undefined && limits.memoryBytes > 0) writeIfThere(`${folder}/memory.max`, limits.memoryBytes);
    } else if (root.endsWith("/cpu") || root.endsWith("/cpu,cpuacct")) {
      writeIfThere(`${folder}/cpu.shares`, limits.cpuShares);
      if (limits.cpuQuotaUs !== undefined && limits.cpuQuotaUs > 0) {
        writeIfThere(`${folder}/cpu.cfs_period_us`, quotaPeriodUs);
        writeIfThere(`${folder}/cpu.cfs_quota_us`, limits.cpuQuotaUs);
      }
    } else if (root.endsWith("/memory") && limits.memoryBytes !== undefined && limits.memoryBytes > 0) writeIfThere(`${folder}/memory.limit_in_bytes`, limits.memoryBytes);
  }
}

/** Processes of a group and of all below it, in every tree. */
function processesOf({ roots }: CgroupHierarchies, path: string): ReadonlySet<number> {
  const pids = new Set<number>();
  const collect = (folder: string): void => {
    try {
      for (const line of readFileSync(`${folder}/cgroup.procs`, "utf8").split("\n")) if (Number(line) > 0) pids.add(Number(line)); // 0 is a process that we cannot see.
      for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) collect(`${folder}/${entry.name}`);
    } catch (error) {
      if (!isCode(error, "ENOENT", "ENODEV")) throw error; // Groups go while they are read.
    }
  };
  for (const root of roots) collect(`${root}${path}`);
  return pids;
}

/** Ends every process of a group with SIGKILL. In version 1 a frozen process would not notice, so it is thawed. */
function killProcesses(hierarchies: CgroupHierarchies, path: string): void {
  for (const pid of processesOf(hierarchies, path)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!isCode(error, "ESRCH")) throw error;
    }
  }
  const thaw = (folder: string): void => {
    if (!existsSync(`${folder}/freezer.state`)) return;
    write(`${folder}/freezer.state`, "THAWED");
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) thaw(`${folder}/${entry.name}`);
  };
  for (const root of hierarchies.roots) if (root.endsWith("/freezer")) thaw(`${root}${path}`);
}

function removeFolders({ roots }: CgroupHierarchies, path: string): boolean {
  let gone = true;
  const remove = (folder: string): void => {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) remove(`${folder}/${entry.name}`);
      rmdirSync(folder);
    } catch (error) {
      if (isCode(error, "ENOENT")) return;
      if (!isCode(error, "EBUSY", "ENOTEMPTY")) throw error;
      gone = false;
    }
  };
  for (const root of roots) remove(`${root}${path}`);
  return gone;
}

/**
 * Removes a group and all below it, in every tree. What still runs in it is killed: by then the runtime has ended all that it knows of, and the rest is what
 * a runtime that was killed in the middle of a create has forgotten (`runc init` waits forever for its start). The same is done in upstream's
 * pkg/kubelet/cm/pod_container_manager_linux.go. False while processes have not ended yet; it is then to be asked again.
 */
export function removeCgroup(hierarchies: CgroupHierarchies, path: string): boolean {
  if (removeFolders(hierarchies, path)) return true;
  killProcesses(hierarchies, path);
  return removeFolders(hierarchies, path);
}

/** Whether the kernel limits swap per group. */
export const swapControlled = ({ version, roots }: CgroupHierarchies): boolean =>
  version === 2 ? existsSync("/proc/swaps") : roots.some((root) => existsSync(`${root}/memory.memsw.limit_in_bytes`));

/** The groups of one node: `<root>/kubepods`, one per class below, one per pod below that. */
export class Cgroups {
  readonly #root: string;
  readonly #hierarchies: CgroupHierarchies;

  constructor(options: { readonly root: string; readonly hierarchies: CgroupHierarchies }) {
    this.#root = options.root === "/" ? "" : options.root.replace(/\/$/, "");
    this.#hierarchies = options.hierarchies;
  }

  get root(): string {
    return this.#root;
  }

  /** Makes what is there for all pods. */
  prepare(): void {
    for (const qos of ["", "/burstable", "/besteffort"]) makeGroup(this.#hierarchies, `${this.#root}/kubepods${qos}`);
    setLimits(this.#hierarchies, `${this.#root}/kubepods/besteffort`, { cpuShares: 2, cpuQuotaUs: undefined, memoryBytes: undefined });
  }

  create(pod: Pod): string {
    const path = podCgroup(this.#root, pod);
    makeGroup(this.#hierarchies, path);
    setLimits(this.#hierarchies, path, podLimits(pod));
    return path;
  }

  pathOf(pod: Pod): string {
    return podCgroup(this.#root, pod);
  }

  /** Ends what is left in the pod's group, and removes it. False while something has not ended yet. */
  remove(pod: Pod): boolean {
    return removeCgroup(this.#hierarchies, podCgroup(this.#root, pod));
  }

  /** Shares of the burstable class: what its pods ask for together. */
  shareBurstable(pods: readonly Pod[]): void {
    const requested = pods.filter((pod) => qosClassOf(pod) === "Burstable").flatMap((pod) => specOf(pod).containers).reduce((sum, { resources }) => sum + quantityMilliValue(resources?.requests?.["cpu"] ?? "0"), 0);
    setLimits(this.#hierarchies, `${this.#root}/kubepods/burstable`, { cpuShares: cpuShares(requested), cpuQuotaUs: undefined, memoryBytes: undefined });
  }

  /** UIDs of pods that have a group. */
  podUids(): readonly string[] {
    const [first] = this.#hierarchies.roots;
    const base = `${first}${this.#root}/kubepods`;
    return ["", "/burstable", "/besteffort"].flatMap((qos) => {
      if (!existsSync(`${base}${qos}`)) return [];
      return readdirSync(`${base}${qos}`).flatMap((name) => (name.startsWith("pod") ? [name.slice("pod".length)] : []));
    });
  }

  removeUid(uid: string): void {
    for (const qos of ["", "/burstable", "/besteffort"]) removeCgroup(this.#hierarchies, `${this.#root}/kubepods${qos}/pod${uid}`);
  }
}
