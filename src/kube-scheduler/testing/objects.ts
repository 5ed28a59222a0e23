import type { Node, NodeSpec, NodeStatus, Pod, PodSpec, PodStatus } from "../../api/generated/core-v1.ts";
import type { ObjectMeta } from "../../apimachinery/object.ts";
import { ClusterCache } from "../cache/cluster-cache.ts";
import type { Surroundings } from "../cache/surroundings.ts";
import { podInfoOf, type PodInfo } from "../framework/pod-info.ts";

/** A node of 4 cores, 8 GiB and 110 pods, where nothing else is said. */
export const node = (name: string, { labels = {}, spec = {}, status = {}, allocatable = {} }: {
  readonly labels?: Readonly<Record<string, string>>; readonly spec?: NodeSpec; readonly status?: NodeStatus; readonly allocatable?: Readonly<Record<string, string>>;
} = {}): Node => ({
  apiVersion: "v1", kind: "Node", metadata: { name, uid: `uid-${name}`, labels: { "kubernetes.io/hostname": name, ...labels } }, spec,
  status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110", ...allocatable }, ...status },
});

export interface PodParts extends Partial<Omit<PodSpec, "containers">> {
  readonly containers?: PodSpec["containers"];
  readonly requests?: Readonly<Record<string, string>>;
  readonly hostPorts?: readonly { readonly hostPort: number; readonly hostIP?: string; readonly protocol?: string }[];
  readonly metadata?: ObjectMeta;
  readonly status?: PodStatus;
}

/** A pod of namespace "default" with one container. */
export function pod(name: string, { requests = {}, hostPorts = [], metadata = {}, status = {}, containers, ...spec }: PodParts = {}): Pod {
  return {
    apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", uid: `uid-${name}`, ...metadata },
    spec: { containers: containers ?? [{ name: "main", image: "nginx", resources: { requests }, ports: hostPorts.map((port) => ({ containerPort: port.hostPort, ...port })) }], ...spec },
    status,
  };
}
export const podInfo = (name: string, parts?: PodParts): PodInfo => podInfoOf(pod(name, parts));

/** A cluster of these nodes and of these pods, which name their node. */
export function clusterOf(nodes: readonly Node[], pods: readonly Pod[] = [], surroundings: Partial<Surroundings> = {}): ClusterCache {
  const cluster = new ClusterCache({ namespaceLabels: () => ({}), siblingsOf: () => undefined, ...surroundings });
  for (const each of nodes) cluster.setNode(each);
  for (const each of pods) cluster.setPod(podInfoOf(each), each.spec?.nodeName ?? "");
  return cluster;
}
