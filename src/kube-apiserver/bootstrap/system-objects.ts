import type { ConfigMap, Endpoints, Namespace, Service } from "../../api/generated/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/discovery-v1.ts";
import type { PriorityClass } from "../../api/generated/scheduling-v1.ts";
import { parseIp } from "../../stdx/ip.ts";

/** Namespaces that the API server keeps in existence; the first three cannot be deleted. */
export const systemNamespaces: readonly Namespace[] = ["default", "kube-system", "kube-public", "kube-node-lease"].map((name) => ({
  apiVersion: "v1", kind: "Namespace", metadata: { name },
}));

export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "system-node-critical" }, value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "system-cluster-critical" }, value: 2_000_000_000,
    description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

export interface KubernetesService {
  /** The first address of the service range. */
  readonly serviceIp: string;
  /** Where pods reach the API servers: addresses of this cluster's own network, never loopback. */
  readonly addresses: readonly string[];
  readonly port: number;
}

const name = "kubernetes";
const namespace = "default";
const portName = "https";

export const kubernetesService = ({ serviceIp, port }: KubernetesService): Service => ({
  apiVersion: "v1", kind: "Service", metadata: { name, namespace, labels: { component: "apiserver", provider: "kubernetes" } },
  spec: {
    clusterIP: serviceIp, ipFamilyPolicy: "SingleStack", ports: [{ name: portName, port: 443, protocol: "TCP", targetPort: port }], sessionAffinity: "None", type: "ClusterIP",
  },
});

/** The service has no selector: the API server writes its endpoints itself, in the old form and in the new. */
export const kubernetesEndpoints = ({ addresses, port }: KubernetesService): Endpoints => ({
  apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
  subsets: addresses.length === 0 ? [] : [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: portName, port, protocol: "TCP" }] }],
});

export const kubernetesEndpointSlice = ({ addresses, port }: KubernetesService): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
  addressType: parseIp(addresses[0] ?? "")?.family === 6 ? "IPv6" : "IPv4",
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: addresses.length === 0 ? [] : [{ name: portName, port, protocol: "TCP" }],
});

/** What extension API servers read to trust the same clients, and our front proxy. */
export const authenticationConfigMap = (data: NonNullable<ConfigMap["data"]>): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "extension-apiserver-authentication", namespace: "kube-system" }, data });
