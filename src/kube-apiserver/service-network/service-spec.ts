import type { Service } from "../../api/generated/core-v1.ts";

export type Spec = NonNullable<Service["spec"]>;
export type Family = "IPv4" | "IPv6";

export const hasNodePorts = ({ type }: Spec): boolean => type === "NodePort" || type === "LoadBalancer";
/** A LoadBalancer may do without; then only those node ports are taken that its owner names. */
export const wantsNodePorts = (spec: Spec): boolean => spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
export const isHeadless = ({ clusterIPs }: Spec): boolean => clusterIPs?.[0] === "None";

/** Addresses that belong to this Service alone. */
export const addressesOf = ({ spec }: Service): readonly string[] =>
  !spec || spec.type === "ExternalName" || isHeadless(spec) ? [] : (spec.clusterIPs ?? []).filter((ip) => ip !== "");

/** Node ports that belong to this Service alone, each once, whatever protocols share it. */
export function portsOf({ spec }: Service): readonly number[] {
  const ports = new Set((spec?.ports ?? []).map(({ nodePort = 0 }) => nodePort));
  ports.add(spec?.healthCheckNodePort ?? 0);
  ports.delete(0);
  return [...ports];
}
