// Preloaded into a server (`node --import`): measures how long its thread is held. On SIGUSR2 what was measured since the last time is written to the file that
// KEELSON_BENCH_LOOP names.
import { renameSync, writeFileSync } from "node:fs";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

export interface LoopFigure {
  /** The longest that a timer was late, in milliseconds: nothing else was served meanwhile, be it that others had the processor. */
  readonly longestMs: number;
  /** The most that the thread itself worked from one timer to the next: what no other load on the machine can add to. */
  readonly longestCpuMs: number;
  readonly p99Ms: number;
  /** The longest pause for the collection of garbage, which is part of the above: of the young generation, and of the whole heap. */
  readonly longestMinorGcMs: number;
  readonly longestMajorGcMs: number;
  /** How often the thread itself worked for longer than 20 ms. */
  readonly over20Ms: number;
}

const file = process.env["KEELSON_BENCH_LOOP"];
const resolutionMs = 1;
if (file !== undefined && process.argv.includes("server")) {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  const nothing = { longestMinorGcMs: 0, longestMajorGcMs: 0, longestCpuMs: 0, over20Ms: 0 };
  let seen = { ...nothing };
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let lastMs = cpuMs();
  setInterval(() => {
    const now = cpuMs();
    const worked = now - lastMs;
    lastMs = now;
    if (worked > 20) seen.over20Ms++;
    seen.longestCpuMs = Math.max(seen.longestCpuMs, worked);
  }, resolutionMs).unref();
  new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as (PerformanceEntry & { readonly detail: { readonly kind: number } })[]) {
      const which = detail.kind === constants.NODE_PERFORMANCE_GC_MINOR ? "longestMinorGcMs" : "longestMajorGcMs";
      seen[which] = Math.max(seen[which], duration);
    }
  }).observe({ entryTypes: ["gc"] });
  delays.enable();
  process.on("SIGUSR2", () => {
    const figure: LoopFigure = { ...seen, longestMs: Math.max(0, delays.max / 1e6 - resolutionMs), p99Ms: Math.max(0, delays.percentile(99) / 1e6 - resolutionMs) };
    delays.reset();
    seen = { ...nothing };
    writeFileSync(`${file}.next`, JSON.stringify(figure));
    renameSync(`${file}.next`, file);
  });
}
