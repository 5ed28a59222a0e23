import type { Clock } from "../../stdx/clock.ts";
import type { ClusterSpec } from "../spec.ts";

/** The arguments that decide the certificates of a cluster; also what the server renews them by. */
export const pkiSubjects = (spec: ClusterSpec, clock: Clock) => ({
  clusterDomain: spec.clusterDomain,
  serviceIp: spec.serviceCidr.replace(/0\/\d+$/, "1"),
  apiServerIps: [spec.gateway],
  nodes: spec.nodes.map(({ name, address }) => ({ name, ips: [address] })),
  clock,
});
