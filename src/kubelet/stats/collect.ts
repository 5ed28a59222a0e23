import { readdir, stat, statfs } from "node:fs/promises";
import type { Pod } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import type { Clock } from "../../stdx/clock.ts";
import { podCgroup, type CgroupHierarchies } from "../cgroups/cgroups.ts";
import { identityOf, nodePaths, podLogDir } from "../paths.ts";
import type { PodAccess } from "../server/pod-access.ts";
import { anyProcess, readInterfaces, readMachineUsage, readUsage, type InterfaceUsage, type Usage } from "./usage.ts";

export interface Filesystem {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Something measured, with how fast it used CPU since it was last looked at; undefined at the first look. */
export interface Measured {
  readonly usage: Usage;
  readonly nanoCores: number | undefined;
}

export interface ContainerStats extends Measured {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly group: string;
  readonly startedMs: number;
  readonly rootBytes: number | undefined;
  readonly rootInodes: number | undefined;
  readonly logBytes: number;
}

export interface PodStats {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly group: string;
  readonly startedMs: number;
  readonly measured: Measured | undefined;
  /** Of the pod's own network; empty for one in the node's. */
  readonly interfaces: readonly InterfaceUsage[];
  readonly sandboxId: string | undefined;
  readonly containers: readonly ContainerStats[];
}

export interface NodeStats {
  readonly nodeName: string;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly group: string;
  readonly measured: Measured | undefined;
  readonly interfaces: readonly InterfaceUsage[];
  readonly filesystem: Filesystem;
  readonly imageBytes: number | undefined;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pods: readonly PodStats[];
}

export interface StatsOptions {
  readonly nodeName: string;
  readonly stateDir: string;
  readonly cgroupRoot: string;
  readonly hierarchies: CgroupHierarchies;
  readonly machine: { readonly memoryBytes: number; readonly cpus: number };
  readonly pods: PodAccess;
  readonly cri: Cri;
  readonly clock: Clock;
}

/** A rate over less than this says more about the moment than about the load. */
const rateWindowMsMin = 1_000;
const criDeadlineMs = 5_000;

/** How fast each group uses CPU, from one look to the next. */
export class CpuRates {
  #last = new Map<string, { readonly atMs: number; readonly cpuNs: number; readonly nanoCores: number | undefined }>();

  rate(group: string, cpuNs: number, nowMs: number): number | undefined {
    const last = this.#last.get(group);
    if (last && cpuNs >= last.cpuNs && nowMs - last.atMs < rateWindowMsMin) return last.nanoCores;
    const nanoCores = last && cpuNs >= last.cpuNs ? Math.round((cpuNs - last.cpuNs) / ((nowMs - last.atMs) / 1000)) : undefined;
    this.#last.set(group, { atMs: nowMs, cpuNs, nanoCores });
    return nanoCores;
  }

  /** Forgets what is there no more, so that no more is remembered than there are groups. */
  keep(groups: ReadonlySet<string>): void {
    for (const group of this.#last.keys()) if (!groups.has(group)) this.#last.delete(group);
  }
}

const idOf = (text: string): string => text.slice(text.indexOf("://") + 3);

async function bytesIn(folder: string): Promise<number> {
  try {
    const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(`${folder}/${name}`)).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0; // Rotated or removed meanwhile.
    throw error;
  }
}

/** Looks at everything once, when somebody asks; nothing is measured in between. */
export class StatsCollector {
  readonly #options: StatsOptions;
  readonly #rates = new CpuRates();
  readonly #startedMs: number;

  constructor(options: StatsOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  async collect(): Promise<NodeStats> {
    const { nodeName, stateDir, cgroupRoot, machine, pods, cri, clock } = this.#options;
    const nowMs = clock.now();
    const root = cgroupRoot === "/" ? "" : cgroupRoot.replace(/\/$/, "");
    const seen = new Set<string>([root]);
    const [layers, images, space] = await Promise.all([
      cri.listContainerStats({}, { deadlineMs: criDeadlineMs }), cri.imageFsInfo({}, { deadlineMs: criDeadlineMs }), statfs(stateDir),
    ]);
    const layerOf = new Map(layers.stats.map(({ attributes, writableLayer }) => [attributes?.id ?? "", writableLayer]));
    const measured = (group: string, usage: Usage | undefined): Measured | undefined => {
      seen.add(group);
      return usage && { usage, nanoCores: this.#rates.rate(group, usage.cpuNs, nowMs) };
    };
    const containersOf = async (pod: Pod, podGroup: string): Promise<readonly ContainerStats[]> => {
      const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? []), ...(pod.status?.ephemeralContainerStatuses ?? [])];
      const found = await Promise.all(statuses.map(async ({ name, containerID = "", image, state }): Promise<readonly ContainerStats[]> => {
        if (!state?.running || containerID === "") return [];
        const id = idOf(containerID);
        const group = `${podGroup}/${id}`;
        const looked = measured(group, readUsage(this.#options.hierarchies, group));
        if (!looked) return [];
        const layer = layerOf.get(id);
        const logBytes = await bytesIn(`${podLogDir(nodePaths(stateDir), identityOf(pod))}/${name}`);
        return [{ ...looked, name, id, image, group, startedMs: Date.parse(state.running.startedAt ?? "") || nowMs, rootBytes: layer?.usedBytes?.value, rootInodes: layer?.inodesUsed?.value, logBytes }];
      }));
      return found.flat();
    };
    const podsNow = await Promise.all(pods.list().map(async (pod): Promise<readonly PodStats[]> => {
      const { name = "", namespace = "", uid = "" } = pod.metadata;
      const group = podCgroup(root, pod);
      const containers = await containersOf(pod, group);
      if (containers.length === 0) return [];
      const sandboxId = await pods.sandboxId(uid);
      const pid = sandboxId === undefined || pod.spec?.hostNetwork === true ? undefined : anyProcess(this.#options.hierarchies, `${group}/${sandboxId}`);
      const interfaces = pid === undefined ? [] : readInterfaces(pid) ?? [];
      return [{ name, namespace, uid, group, startedMs: Date.parse(pod.status?.startTime ?? "") || nowMs, measured: measured(group, readUsage(this.#options.hierarchies, group)), interfaces, sandboxId, containers }];
    }));
    const node = measured(root, root === "" ? readMachineUsage() : readUsage(this.#options.hierarchies, root));
    this.#rates.keep(seen);
    return {
      nodeName, nowMs, startedMs: this.#startedMs, group: root === "" ? "/" : root, measured: node, interfaces: readInterfaces("self") ?? [],
      filesystem: { availableBytes: space.bavail * space.bsize, capacityBytes: space.blocks * space.bsize, inodes: space.files, inodesFree: space.ffree },
      imageBytes: images.imageFilesystems[0]?.usedBytes?.value, memoryBytes: machine.memoryBytes, cpus: machine.cpus, pods: podsNow.flat(),
    };
  }
}
