import { readFileSync, statfsSync } from "node:fs";
import { availableParallelism, machine, release } from "node:os";

/** What the machine is, read once. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that the node's state lies on. */
  readonly storageBytes: number;
  readonly architecture: "amd64" | "arm64";
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly swapBytes: number;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // Not every machine has it, or lets us read it.
  }
};

export function readMachine(stateDir: string): Machine {
  const memory = read("/proc/meminfo");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(memory)?.[1] ?? "0");
  const { blocks, bsize } = statfsSync(stateDir);
  const id = read("/etc/machine-id");
  return {
    cpus: availableParallelism(), memoryBytes: kilobytes("MemTotal") * 1024, storageBytes: blocks * bsize,
    architecture: machine() === "aarch64" ? "arm64" : "amd64", kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(read("/etc/os-release"))?.[1] ?? "Linux",
    machineId: id, systemUuid: read("/sys/class/dmi/id/product_uuid") || id, bootId: read("/proc/sys/kernel/random/boot_id"), swapBytes: kilobytes("SwapTotal") * 1024,
  };
}
