import type { Node } from "../../api/generated/core-v1.ts";

export interface Route {
  readonly podCidr: string;
  /** Address of the node that has these pods. */
  readonly via: string;
}

const internalAddress = ({ status }: Node): string | undefined => status?.addresses?.find(({ type }) => type === "InternalIP")?.address;

/** How this node reaches the pods of all others: one route per node, by the node's own address. */
export const planRoutes = (nodes: readonly Node[], ownName: string): readonly Route[] =>
  nodes.flatMap((node) => {
    const via = internalAddress(node);
    const podCidr = node.spec?.podCIDR;
    return node.metadata.name !== ownName && via !== undefined && podCidr !== undefined && podCidr !== "" ? [{ podCidr, via }] : [];
  }).toSorted((a, b) => (a.podCidr < b.podCidr ? -1 : 1));

/** Input for `ip -batch` that turns one set of routes into another; empty when nothing changes. */
export function routeBatch(wanted: readonly Route[], present: readonly Route[]): string {
  const has = (routes: readonly Route[], { podCidr, via }: Route) => routes.some((route) => route.podCidr === podCidr && route.via === via);
  const lines = [
    ...present.filter((route) => !wanted.some(({ podCidr }) => podCidr === route.podCidr)).map(({ podCidr }) => `route delete ${podCidr}`),
    ...wanted.filter((route) => !has(present, route)).map(({ podCidr, via }) => `route replace ${podCidr} via ${via} proto ${routeProtocol}`),
  ];
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Marks our routes in the kernel's table, so that those of an earlier life of the agent are known as ours (unused in /etc/iproute2/rt_protos). */
export const routeProtocol = 107;
