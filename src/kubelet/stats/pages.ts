import { findHierarchies } from "../cgroups/cgroups.ts";
import { readMachine } from "../node/machine.ts";
import type { KubeletServerOptions } from "../server/server.ts";
import { StatsCollector, type StatsOptions } from "./collect.ts";
import { cadvisorMetrics, kubeletMetrics, resourceMetrics } from "./metrics.ts";
import { summaryOf } from "./summary.ts";

const text = "text/plain; version=0.0.4; charset=utf-8";

/** The pages of figures in the node's HTTP API. */
export function statsPages(options: Omit<StatsOptions, "hierarchies" | "machine">): KubeletServerOptions["pages"] {
  const { nodeName, stateDir, pods, clock } = options;
  const collector = new StatsCollector({ ...options, hierarchies: findHierarchies(), machine: readMachine(stateDir) });
  const startedMs = clock.now();
  return {
    "/stats/summary": async () => ({ contentType: "application/json", body: JSON.stringify(summaryOf(await collector.collect())) }),
    "/metrics/resource": async () => ({ contentType: text, body: resourceMetrics(await collector.collect()) }),
    "/metrics/cadvisor": async () => ({ contentType: text, body: cadvisorMetrics(await collector.collect()) }),
    "/metrics": async () => {
      const running = pods.list().map(({ status }) => (status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined).length).filter((count) => count > 0);
      const { user, system } = process.cpuUsage();
      const body = kubeletMetrics({ nodeName, pods: running.length, containers: running.reduce((sum, count) => sum + count, 0) }, { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss(), startedMs });
      return { contentType: text, body };
    },
  };
}
