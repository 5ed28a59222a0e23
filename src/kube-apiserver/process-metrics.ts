import { readdirSync, readFileSync } from "node:fs";
import { observed, type MetricFamily } from "../stdx/metric-families.ts";

const pageBytes = 4096;
const unlimited = 2 ** 64;

/** One number under its name. What the machine does not tell (another system than Linux) is left out. */
const one = (type: "counter" | "gauge", name: string, help: string, value: () => number): MetricFamily => observed(type, { name, help }, () => {
  try {
    return { "": value() };
  } catch {
    return {};
  }
});

const virtualBytes = (): number => Number(readFileSync("/proc/self/statm", "latin1").split(" ", 1)[0]) * pageBytes;
function filesMax(): number {
  const [, max = ""] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
  return max === "unlimited" ? unlimited : Number(max);
}

/** What Prometheus' client libraries tell about every process. */
export const processMetrics = (startedMs: number): readonly MetricFamily[] => [
  one("counter", "process_cpu_seconds_total", "Processor time, of user and system.", () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6),
  one("gauge", "process_open_fds", "Open file descriptors.", () => readdirSync("/proc/self/fd").length),
  one("gauge", "process_max_fds", "File descriptors that may be open.", filesMax),
  one("gauge", "process_virtual_memory_bytes", "Addresses in use.", virtualBytes),
  one("gauge", "process_resident_memory_bytes", "Memory in use.", () => process.memoryUsage.rss()),
  one("gauge", "process_start_time_seconds", "When the process began, in seconds since 1970.", () => startedMs / 1000),
];
