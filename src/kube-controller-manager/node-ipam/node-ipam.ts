import { nodes } from "../../api/generated/core-v1.ts";
import { cacheOf, type Controller } from "../../client/controller.ts";
import { nextFree, type ClusterCidr } from "./plan.ts";

/**
 * Gives each node its part of the cluster's pod addresses. There is one worker, and its own writes are in the cache before it takes the next node, so that no part is given twice; a write
 * based on an old version of the node is refused by the server.
 */
export const nodeIpamController = (clusterCidrs: readonly ClusterCidr[]): Controller => ({
  name: "cidrAllocator",
  resource: nodes,
  workers: 1,

  async reconcile(name, context) {
    const { client, events, tracer, signal } = context;
    const cache = cacheOf(context, nodes);
    const node = cache.get(name);
    if (!node || node.metadata.deletionTimestamp !== undefined || (node.spec?.podCIDRs ?? []).length > 0 || node.spec?.podCIDR) return;
    const used = cache.list().flatMap(({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []));
    const podCIDRs: string[] = [];
    const { uid = "", resourceVersion } = node.metadata;
    for (const clusterCidr of clusterCidrs) {
      const free = nextFree(clusterCidr, used);
      if (free === undefined) {
        events.event({ kind: "Node", apiVersion: "v1", name, uid }, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
        throw new Error(`there are no pod addresses left for node ${name} in ${clusterCidr.cidr}`);
      }
      podCIDRs.push(free);
    }
    if (podCIDRs.length === 0) return;
    await client.patch(nodes, { name }, "application/merge-patch+json", { metadata: { uid, resourceVersion }, spec: { podCIDR: podCIDRs[0], podCIDRs } }, { signal });
    tracer.mark(uid, "assigned pod addresses", { podCIDRs: podCIDRs.join(",") });
  },
});
