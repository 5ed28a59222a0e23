import { services, type Service } from "../api/generated/core-v1.ts";
import { isNotFound, isStatusError } from "../apimachinery/status-error.ts";
import type { Client } from "../client/client.ts";
import type { Clock } from "../stdx/clock.ts";

/**
 * The Service under which everybody looks for cluster DNS. It has no selector and no endpoints: each node answers on this address itself, so that it
 * is one hop away, and kube-proxy leaves it alone.
 */
const dnsService = (clusterIP: string): Service => ({
  apiVersion: "v1", kind: "Service",
  metadata: { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" } },
  spec: { clusterIP, type: "ClusterIP", ports: [{ name: "dns", port: 53, protocol: "UDP", targetPort: 53 }, { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 }] },
});

/** How often, and how long apart, it is looked for while another server makes it. */
const attemptsMax = 20;
const retryMs = 50;

/**
 * Creates it where it is missing. Asked for first: a create beside it would be refused for its address, not for its name. So is one while another
 * server makes it, since the address is taken a moment before the Service is there.
 */
export async function ensureDnsService(client: Client, clusterIp: string, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  const service = dnsService(clusterIp);
  for (let attempt = 1; ; attempt++) {
    try {
      await client.get(services, { namespace: "kube-system", name: "kube-dns" }, { signal });
      return;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      await client.create(services, service, { signal });
      return;
    } catch (error) {
      if (!isStatusError(error, "Invalid", "AlreadyExists") || attempt === attemptsMax) throw error;
    }
    await clock.sleep(retryMs, { signal });
  }
}
