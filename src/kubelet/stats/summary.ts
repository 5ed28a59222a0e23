import type { ContainerStats, Filesystem, Measured, NodeStats, PodStats } from "./collect.ts";
import type { InterfaceUsage } from "./usage.ts";

const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const cpu = ({ usage, nanoCores }: Measured, time: string): object => ({ time, ...(nanoCores !== undefined && { usageNanoCores: nanoCores }), usageCoreNanoSeconds: usage.cpuNs });

function memory({ usage }: Measured, time: string, limitBytes = usage.memoryLimitBytes): object {
  const { memoryBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults } = usage;
  return {
    time, ...(limitBytes !== undefined && { availableBytes: Math.max(limitBytes - workingSetBytes, 0) }), usageBytes: memoryBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults,
  };
}

const measures = (measured: Measured | undefined, time: string, limitBytes?: number): object =>
  measured ? { cpu: cpu(measured, time), memory: memory(measured, time, limitBytes), swap: { time, swapUsageBytes: measured.usage.swapBytes } } : {};

function network(interfaces: readonly InterfaceUsage[], time: string): object {
  const shown = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({ name, rxBytes, rxErrors, txBytes, txErrors }));
  const main = shown.find(({ name }) => name === "eth0") ?? shown[0];
  return main ? { network: { time, ...main, interfaces: shown } } : {};
}

const filesystem = ({ availableBytes, capacityBytes, inodes, inodesFree }: Filesystem, time: string, used: { readonly usedBytes?: number; readonly inodesUsed?: number }): object => ({
  time, availableBytes, capacityBytes, ...(used.usedBytes !== undefined && { usedBytes: used.usedBytes }), inodesFree, inodes, ...(used.inodesUsed !== undefined && { inodesUsed: used.inodesUsed }),
});

const container = (node: NodeStats, time: string, each: ContainerStats): object => ({
  name: each.name, startTime: seconds(each.startedMs), ...measures(each, time),
  rootfs: filesystem(node.filesystem, time, { ...(each.rootBytes !== undefined && { usedBytes: each.rootBytes }), ...(each.rootInodes !== undefined && { inodesUsed: each.rootInodes }) }),
  logs: filesystem(node.filesystem, time, { usedBytes: each.logBytes }),
});

const pod = (node: NodeStats, time: string, each: PodStats): object => ({
  podRef: { name: each.name, namespace: each.namespace, uid: each.uid }, startTime: seconds(each.startedMs), containers: each.containers.map((one) => container(node, time, one)),
  ...measures(each.measured, time), ...network(each.interfaces, time),
  "ephemeral-storage": filesystem(node.filesystem, time, { usedBytes: each.containers.reduce((sum, { rootBytes = 0, logBytes }) => sum + rootBytes + logBytes, 0) }),
  ...(each.measured?.usage.processes !== undefined && { process_stats: { process_count: each.measured.usage.processes } }),
});

/** The answer to /stats/summary; stats.k8s.io/v1alpha1 of the kubelet. */
export function summaryOf(node: NodeStats): object {
  const time = seconds(node.nowMs);
  const { availableBytes, capacityBytes, inodes, inodesFree } = node.filesystem;
  const imageFs = filesystem(node.filesystem, time, { ...(node.imageBytes !== undefined && { usedBytes: node.imageBytes }) });
  return {
    node: {
      nodeName: node.nodeName, startTime: seconds(node.startedMs), ...measures(node.measured, time, node.memoryBytes), ...network(node.interfaces, time),
      fs: filesystem(node.filesystem, time, { usedBytes: capacityBytes - availableBytes, inodesUsed: inodes - inodesFree }), runtime: { imageFs, containerFs: imageFs },
    },
    pods: node.pods.map((each) => pod(node, time, each)),
  };
}
