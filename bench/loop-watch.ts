// Preloaded into a server (`node --import`): measures how long its thread is held. On SIGUSR2 what was measured since the last time is written to the file that
// KEELSON_BENCH_LOOP names.
import { renameSync, writeFileSync } from "node:fs";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

export interface LoopFigure {
  /** The longest that a timer was late, in milliseconds: nothing else was served meanwhile. */
  readonly longestMs: number;
  readonly p99Ms: number;
  /** The longest pause for the collection of garbage, which is part of the above. */
  readonly longestGcMs: number;
  readonly stretchesOver20Ms: number;
}

const file = process.env["KEELSON_BENCH_LOOP"];
const resolutionMs = 1;
if (file !== undefined && process.argv.includes("server")) {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  let longestGcMs = 0;
  const late = { over: 0, lastMs: performance.now() };
  setInterval(() => {
    const now = performance.now();
    if (now - late.lastMs > 20 + resolutionMs) late.over++;
    late.lastMs = now;
  }, resolutionMs).unref();
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestGcMs = Math.max(longestGcMs, duration);
  }).observe({ entryTypes: ["gc"] });
  delays.enable();
  process.on("SIGUSR2", () => {
    const figure: LoopFigure = { longestMs: Math.max(0, delays.max / 1e6 - resolutionMs), p99Ms: Math.max(0, delays.percentile(99) / 1e6 - resolutionMs), longestGcMs, stretchesOver20Ms: late.over };
    delays.reset();
    [longestGcMs, late.over] = [0, 0];
    writeFileSync(`${file}.next`, JSON.stringify(figure));
    renameSync(`${file}.next`, file);
  });
}
