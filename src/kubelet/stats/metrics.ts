import type { Measured, NodeStats } from "./collect.ts";
import type { InterfaceUsage, Usage } from "./usage.ts";

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
const labelled = (labels: Labels): string => {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
};

/** The text format of Prometheus; families without samples are left out. `atMs` says when it was measured. */
export function renderFamilies(families: readonly Family[], atMs?: number): string {
  const stamp = atMs === undefined ? "" : ` ${atMs}`;
  return families.filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(({ labels, value }) => `${name}${labelled(labels)} ${value}${stamp}\n`).join("")}`).join("");
}

/** /metrics/resource: what the metrics server reads for `kubectl top` and autoscaling. */
export function resourceMetrics(node: NodeStats): string {
  const samples = (of: Measured | undefined, labels: Labels, value: (usage: Usage) => number): readonly Sample[] => (of ? [{ labels, value: value(of.usage) }] : []);
  const perContainer = (value: (usage: Usage) => number) =>
    node.pods.flatMap(({ name: pod, namespace, containers }) => containers.map(({ name, usage }) => ({ labels: { container: name, namespace, pod }, value: value(usage) })));
  const perPod = (value: (usage: Usage) => number) => node.pods.flatMap(({ name: pod, namespace, measured }) => samples(measured, { namespace, pod }, value));
  const cpu = ({ cpuNs }: Usage): number => cpuNs / 1e9;
  const memory = ({ workingSetBytes }: Usage): number => workingSetBytes;
  const swap = ({ swapBytes }: Usage): number => swapBytes;
  const timed = renderFamilies([
    { name: "container_cpu_usage_seconds_total", help: "[STABLE] CPU time that the container has used, in core-seconds", type: "counter", samples: perContainer(cpu) },
    { name: "container_memory_working_set_bytes", help: "[STABLE] Working set of the container in bytes", type: "gauge", samples: perContainer(memory) },
    { name: "container_swap_usage_bytes", help: "[ALPHA] Swap that the container uses in bytes", type: "gauge", samples: perContainer(swap) },
    { name: "node_cpu_usage_seconds_total", help: "[STABLE] CPU time that the node has used, in core-seconds", type: "counter", samples: samples(node.measured, {}, cpu) },
    { name: "node_memory_working_set_bytes", help: "[STABLE] Working set of the node in bytes", type: "gauge", samples: samples(node.measured, {}, memory) },
    { name: "node_swap_usage_bytes", help: "[ALPHA] Swap that the node uses in bytes", type: "gauge", samples: samples(node.measured, {}, swap) },
    { name: "pod_cpu_usage_seconds_total", help: "[STABLE] CPU time that the pod has used, in core-seconds", type: "counter", samples: perPod(cpu) },
    { name: "pod_memory_working_set_bytes", help: "[STABLE] Working set of the pod in bytes", type: "gauge", samples: perPod(memory) },
    { name: "pod_swap_usage_bytes", help: "[ALPHA] Swap that the pod uses in bytes", type: "gauge", samples: perPod(swap) },
  ], node.nowMs);
  return timed + renderFamilies([
    { name: "container_start_time_seconds", help: "[STABLE] When the container was started, in seconds since 1970", type: "gauge", samples: node.pods.flatMap(({ name: pod, namespace, containers }) => containers.map(({ name, startedMs }) => ({ labels: { container: name, namespace, pod }, value: startedMs / 1000 }))) },
    { name: "resource_scrape_error", help: "[STABLE] 1 if there was an error while these figures were read, else 0", type: "gauge", samples: [{ labels: {}, value: node.measured ? 0 : 1 }] },
  ]);
}

/** /metrics/cadvisor: the same groups under cAdvisor's names, with more of their figures. */
export function cadvisorMetrics(node: NodeStats): string {
  const groups: readonly { readonly labels: Labels; readonly usage: Usage; readonly startedMs: number }[] = [
    ...(node.measured ? [{ labels: { container: "", id: node.group, image: "", name: "", namespace: "", pod: "" }, usage: node.measured.usage, startedMs: node.startedMs }] : []),
    ...node.pods.flatMap(({ name: pod, namespace, group, measured, startedMs, containers }) => [
      ...(measured ? [{ labels: { container: "", id: group, image: "", name: "", namespace, pod }, usage: measured.usage, startedMs }] : []),
      ...containers.map((each) => ({ labels: { container: each.name, id: each.group, image: each.image, name: each.id, namespace, pod }, usage: each.usage, startedMs: each.startedMs })),
    ]),
  ];
  const networks: readonly { readonly labels: Labels; readonly traffic: InterfaceUsage }[] = [
    ...node.interfaces.map((traffic) => ({ labels: { container: "", id: node.group, image: "", interface: traffic.name, name: "", namespace: "", pod: "" }, traffic })),
    ...node.pods.flatMap(({ name: pod, namespace, group, sandboxId = "", interfaces }) => interfaces.map((traffic) => ({ labels: { container: "", id: `${group}/${sandboxId}`, image: "", interface: traffic.name, name: sandboxId, namespace, pod }, traffic }))),
  ];
  const family = (type: "counter" | "gauge", name: string, help: string, value: (usage: Usage, startedMs: number) => number | undefined, extra: Labels = {}): Family => ({
    name: `container_${name}`, help, type, samples: groups.flatMap(({ labels, usage, startedMs }) => {
      const found = value(usage, startedMs);
      return found === undefined ? [] : [{ labels: { ...labels, ...extra }, value: found }];
    }),
  });
  const traffic = (name: string, help: string, value: (traffic: InterfaceUsage) => number): Family =>
    ({ name: `container_network_${name}`, help, type: "counter", samples: networks.map((each) => ({ labels: each.labels, value: value(each.traffic) })) });
  return renderFamilies([
    family("counter", "cpu_usage_seconds_total", "CPU time used, in seconds", ({ cpuNs }) => cpuNs / 1e9, { cpu: "total" }),
    family("counter", "cpu_user_seconds_total", "CPU time used by programs, in seconds", ({ cpuUserNs }) => cpuUserNs / 1e9),
    family("counter", "cpu_system_seconds_total", "CPU time used by the kernel, in seconds", ({ cpuSystemNs }) => cpuSystemNs / 1e9),
    family("counter", "cpu_cfs_periods_total", "Periods in which a CPU limit was enforced", ({ cpuPeriods }) => (cpuPeriods > 0 ? cpuPeriods : undefined)),
    family("counter", "cpu_cfs_throttled_periods_total", "Periods in which a CPU limit was reached", ({ cpuPeriods, cpuThrottledPeriods }) => (cpuPeriods > 0 ? cpuThrottledPeriods : undefined)),
    family("counter", "cpu_cfs_throttled_seconds_total", "Time spent waiting because of a CPU limit, in seconds", ({ cpuPeriods, cpuThrottledNs }) => (cpuPeriods > 0 ? cpuThrottledNs / 1e9 : undefined)),
    family("gauge", "memory_usage_bytes", "Memory in use, pages of files included", ({ memoryBytes }) => memoryBytes),
    family("gauge", "memory_working_set_bytes", "Memory in use without inactive pages of files", ({ workingSetBytes }) => workingSetBytes),
    family("gauge", "memory_rss", "Anonymous memory in bytes", ({ rssBytes }) => rssBytes),
    family("gauge", "memory_cache", "Pages of files in bytes", ({ cacheBytes }) => cacheBytes),
    family("gauge", "memory_swap", "Swap in use in bytes", ({ swapBytes }) => swapBytes),
    family("gauge", "spec_memory_limit_bytes", "Limit of memory in bytes, 0 for none", ({ memoryLimitBytes = 0 }) => memoryLimitBytes),
    family("gauge", "processes", "Processes and threads", ({ processes }) => processes),
    family("gauge", "start_time_seconds", "When it was started, in seconds since 1970", (_, startedMs) => startedMs / 1000),
    family("gauge", "last_seen", "When it was last looked at, in seconds since 1970", () => Math.floor(node.nowMs / 1000)),
    traffic("receive_bytes_total", "Bytes received", ({ rxBytes }) => rxBytes), traffic("receive_packets_total", "Packets received", ({ rxPackets }) => rxPackets),
    traffic("receive_errors_total", "Errors while receiving", ({ rxErrors }) => rxErrors), traffic("receive_packets_dropped_total", "Packets dropped while receiving", ({ rxDropped }) => rxDropped),
    traffic("transmit_bytes_total", "Bytes sent", ({ txBytes }) => txBytes), traffic("transmit_packets_total", "Packets sent", ({ txPackets }) => txPackets),
    traffic("transmit_errors_total", "Errors while sending", ({ txErrors }) => txErrors), traffic("transmit_packets_dropped_total", "Packets dropped while sending", ({ txDropped }) => txDropped),
  ], node.nowMs) + renderFamilies([
    { name: "machine_cpu_cores", help: "CPUs of the machine", type: "gauge", samples: [{ labels: {}, value: node.cpus }] },
    { name: "machine_memory_bytes", help: "Memory of the machine", type: "gauge", samples: [{ labels: {}, value: node.memoryBytes }] },
  ]);
}

/** What is known of the kubelet's own process. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly startedMs: number;
}

/** /metrics: the kubelet itself. */
export function kubeletMetrics(node: { readonly nodeName: string; readonly pods: number; readonly containers: number }, process: ProcessUsage): string {
  return renderFamilies([
    { name: "kubelet_node_name", help: "[ALPHA] The node's name. The count is always 1.", type: "gauge", samples: [{ labels: { node: node.nodeName }, value: 1 }] },
    { name: "kubelet_running_pods", help: "[BETA] Pods with a running container", type: "gauge", samples: [{ labels: {}, value: node.pods }] },
    { name: "kubelet_running_containers", help: "[BETA] Running containers", type: "gauge", samples: [{ labels: { container_state: "running" }, value: node.containers }] },
    { name: "process_cpu_seconds_total", help: "CPU time of the agent's process, in seconds", type: "counter", samples: [{ labels: {}, value: process.cpuSeconds }] },
    { name: "process_resident_memory_bytes", help: "Resident memory of the agent's process", type: "gauge", samples: [{ labels: {}, value: process.residentBytes }] },
    { name: "process_start_time_seconds", help: "When the agent was started, in seconds since 1970", type: "gauge", samples: [{ labels: {}, value: process.startedMs / 1000 }] },
  ]);
}
