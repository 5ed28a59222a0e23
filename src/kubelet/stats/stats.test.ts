import assert from "node:assert/strict";
import { test } from "node:test";
import { CpuRates, type NodeStats } from "./collect.ts";
import { cadvisorMetrics, renderFamilies, resourceMetrics } from "./metrics.ts";
import { summaryOf } from "./summary.ts";
import { parseInterfaces, usageFromV1, usageFromV2, usageOfMachine, type Usage } from "./usage.ts";

const files = (contents: Readonly<Record<string, string>>) => (name: string): string | undefined => contents[name];

const expected: Usage = {
  cpuNs: 2_000_000, cpuUserNs: 1_500_000, cpuSystemNs: 500_000, memoryBytes: 1000, workingSetBytes: 700, rssBytes: 400, cacheBytes: 500, swapBytes: 8, pageFaults: 12, majorPageFaults: 1,
  memoryLimitBytes: 4096, processes: 3, cpuPeriods: 10, cpuThrottledPeriods: 2, cpuThrottledNs: 5000,
};

test("a group's figures are the same from either version of control groups", () => {
  assert.deepEqual(usageFromV2(files({
    "memory.current": "1000\n", "memory.max": "4096\n", "memory.swap.current": "8\n", "pids.current": "3\n", "memory.stat": "anon 400\nfile 500\ninactive_file 300\npgfault 12\npgmajfault 1\n",
    "cpu.stat": "usage_usec 2000\nuser_usec 1500\nsystem_usec 500\nnr_periods 10\nnr_throttled 2\nthrottled_usec 5\n",
  })), expected);
  assert.deepEqual(usageFromV1(files({
    "memory.usage_in_bytes": "1000\n", "memory.limit_in_bytes": "4096\n", "pids.current": "3\n", "cpuacct.usage": "2000000\n", "cpuacct.usage_user": "1500000\n", "cpuacct.usage_sys": "500000\n",
    "memory.stat": "rss 1\ntotal_rss 400\ntotal_cache 500\ntotal_inactive_file 300\ntotal_pgfault 12\ntotal_pgmajfault 1\ntotal_swap 8\n", "cpu.stat": "nr_periods 10\nnr_throttled 2\nthrottled_time 5000\n",
  })), expected);
});

test("a group that has gone has no figures, and one without a limit no limit", () => {
  assert.equal(usageFromV1(files({})), undefined);
  assert.equal(usageFromV2(files({})), undefined);
  assert.equal(usageFromV2(files({ "memory.current": "1", "memory.max": "max\n" }))?.memoryLimitBytes, undefined);
  assert.equal(usageFromV1(files({ "memory.usage_in_bytes": "1", "cpuacct.usage": "1", "memory.limit_in_bytes": "9223372036854771712\n" }))?.memoryLimitBytes, undefined);
});

test("a machine's figures come from /proc", () => {
  const usage = usageOfMachine(files({
    stat: "cpu  100 0 50 1000 5 0 1 0 0 0\ncpu0 1 1 1\n", vmstat: "pgfault 7\npgmajfault 2\n",
    meminfo: "MemTotal:       1000 kB\nMemFree:         400 kB\nCached:          100 kB\nInactive(file):   50 kB\nAnonPages:       200 kB\nSwapTotal:        10 kB\nSwapFree:          4 kB\n",
  }));
  assert.deepEqual([usage.cpuNs, usage.memoryBytes, usage.workingSetBytes, usage.swapBytes, usage.pageFaults], [1.51e9, 600 * 1024, 550 * 1024, 6 * 1024, 7]);
});

test("interfaces are read without loopback", () => {
  const text = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:  1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 100 2 3 4 0 0 0 0 200 5 6 7 0 0 0 0\n";
  assert.deepEqual(parseInterfaces(text), [{ name: "eth0", rxBytes: 100, rxPackets: 2, rxErrors: 3, rxDropped: 4, txBytes: 200, txPackets: 5, txErrors: 6, txDropped: 7 }]);
});

test("a rate needs two looks, at least a second apart, and starts over with a new group of the same name", () => {
  const rates = new CpuRates();
  assert.equal(rates.rate("/a", 1e9, 0), undefined);
  assert.equal(rates.rate("/a", 2e9, 2_000), 5e8);
  assert.equal(rates.rate("/a", 9e9, 2_500), 5e8);
  assert.equal(rates.rate("/a", 10, 9_000), undefined);
  rates.keep(new Set());
  assert.equal(rates.rate("/a", 1e9, 10_000), undefined);
});

const stats: NodeStats = {
  nodeName: "n", nowMs: 10_000, startedMs: 1_000, group: "/", measured: { usage: expected, nanoCores: 7 }, interfaces: [], imageBytes: 5, memoryBytes: 8192, cpus: 2,
  filesystem: { availableBytes: 60, capacityBytes: 100, inodes: 10, inodesFree: 4 },
  pods: [{
    name: "p", namespace: "ns", uid: "u", group: "/kubepods/podu", startedMs: 2_000, measured: { usage: expected, nanoCores: undefined }, sandboxId: "s",
    interfaces: [{ name: "eth0", rxBytes: 1, rxPackets: 0, rxErrors: 0, rxDropped: 0, txBytes: 2, txPackets: 0, txErrors: 0, txDropped: 0 }],
    containers: [{ name: "c", id: "i", image: "img", group: "/kubepods/podu/i", startedMs: 3_000, rootBytes: 11, rootInodes: 1, logBytes: 9, usage: expected, nanoCores: 7 }],
  }],
};

test("the summary has the node, its pods and their containers", () => {
  const { node, pods } = summaryOf(stats) as { readonly node: Readonly<Record<string, Readonly<Record<string, unknown>>>>; readonly pods: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[] };
  assert.equal(node["memory"]?.["availableBytes"], 8192 - 700);
  assert.deepEqual(node["cpu"], { time: "1970-01-01T00:00:10Z", usageNanoCores: 7, usageCoreNanoSeconds: 2_000_000 });
  assert.deepEqual(pods[0]?.["podRef"], { name: "p", namespace: "ns", uid: "u" });
  assert.equal(pods[0]?.["network"]?.["txBytes"], 2);
  assert.equal(pods[0]?.["ephemeral-storage"]?.["usedBytes"], 20);
});

test("metrics name what they belong to, and when it was measured", () => {
  assert.match(resourceMetrics(stats), /^container_cpu_usage_seconds_total\{container="c",namespace="ns",pod="p"\} 0\.002 10000$/m);
  assert.match(resourceMetrics(stats), /^resource_scrape_error 0$/m);
  assert.match(cadvisorMetrics(stats), /^container_memory_working_set_bytes\{container="c",id="\/kubepods\/podu\/i",image="img",name="i",namespace="ns",pod="p"\} 700 10000$/m);
  assert.match(cadvisorMetrics(stats), /^container_network_transmit_bytes_total\{container="",id="\/kubepods\/podu\/s",image="",interface="eth0",name="s",namespace="ns",pod="p"\} 2 10000$/m);
  assert.equal(renderFamilies([{ name: "a", help: "b", type: "gauge", samples: [{ labels: { c: 'd"\\\n' }, value: 1 }] }, { name: "none", help: "", type: "gauge", samples: [] }]), '# HELP a b\n# TYPE a gauge\na{c="d\\"\\\\\\n"} 1\n');
});
