import { services, type Service } from "../api/generated/core-v1.ts";
import { isNotFound } from "../apimachinery/status-error.ts";
import type { Client } from "../client/client.ts";

/**
 * The Service under which everybody looks for cluster DNS. It has no selector and no endpoints: each node answers on this address itself, so that it
 * is one hop away, and kube-proxy leaves it alone.
 */
const dnsService = (clusterIP: string): Service => ({
  apiVersion: "v1", kind: "Service",
  metadata: { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" } },
  spec: { clusterIP, type: "ClusterIP", ports: [{ name: "dns", port: 53, protocol: "UDP", targetPort: 53 }, { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 }] },
});

/** Creates it where it is missing. Asked for first: a create beside it would be refused for its address, not for its name. */
export async function ensureDnsService(client: Client, clusterIp: string): Promise<void> {
  const service = dnsService(clusterIp);
  try {
    await client.get(services, { namespace: "kube-system", name: "kube-dns" });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(services, service);
  }
}
