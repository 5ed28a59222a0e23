import type { ClusterSpec, NodeSpec } from "../spec.ts";

/**
 * The cluster's part of the machine's network, as input for `ip -batch` and `nft -f`. On the machine itself there is one bridge, one route per node
 * and one nftables table; everything else lives inside the nodes' namespaces.
 */

/** Names of interfaces have at most 15 characters, so they are made from numbers. */
export const vethOf = (spec: ClusterSpec, node: NodeSpec): string => `kl${spec.index}-${spec.nodes.indexOf(node)}`;
export const tableOf = (spec: Pick<ClusterSpec, "index">): string => `keelson${spec.index}`;
export const namespacePath = (node: Pick<NodeSpec, "namespace">): string => `/run/netns/${node.namespace}`;

/** For a bridge that was claimed or made already; safe to run again. */
export const bridgeBatch = (spec: ClusterSpec): string =>
  [`address replace ${spec.gateway}/24 dev ${spec.bridge}`, `link set ${spec.bridge} up`, ""].join("\n");

export const nodeLinkBatch = (spec: ClusterSpec, node: NodeSpec): string =>
  [`link add ${vethOf(spec, node)} type veth peer name eth0 netns ${node.namespace}`, `link set ${vethOf(spec, node)} master ${spec.bridge} up`, ""].join("\n");

/** To be run inside of the node's namespace. */
export const nodeInsideBatch = (spec: ClusterSpec, node: NodeSpec): string =>
  ["link set lo up", `address add ${node.address}/24 dev eth0`, "link set eth0 up", `route add default via ${spec.gateway}`, ""].join("\n");

/**
 * Pods reach the world through the machine, masqueraded; what is addressed to a pod, a node or a service may not leave by an interface of the
 * machine, whoever sent it. The table is made anew in one transaction.
 */
export const hostRules = (spec: ClusterSpec): string => `
table ip ${tableOf(spec)}
delete table ip ${tableOf(spec)}
table ip ${tableOf(spec)} {
  set inside { type ipv4_addr; flags interval; elements = { ${spec.nodeCidr}, ${spec.podCidr}, ${spec.serviceCidr} } }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr { ${spec.nodeCidr}, ${spec.podCidr} } ip daddr != @inside oifname != "${spec.bridge}" masquerade
  }
  chain forward {
    type filter hook forward priority filter;
    ip daddr @inside iifname "${spec.bridge}" oifname != "${spec.bridge}" reject
    ip saddr { ${spec.podCidr}, ${spec.serviceCidr} } iifname != "${spec.bridge}" drop
  }
  chain output {
    type filter hook output priority filter;
    ip daddr @inside oifname != { "${spec.bridge}", "lo" } reject
  }
}
`;

/** What the machine must know to reach the pods of a node (the API server proxies to pods). */
export const hostRoute = (spec: ClusterSpec, route: { readonly podCidr: string; readonly via: string }): readonly [string, ...string[]] => [
  "ip", "route", "replace", route.podCidr, "via", route.via, "dev", spec.bridge,
];
