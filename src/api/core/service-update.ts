import type { Service, ServicePort, ServiceSpec } from "../generated/core-v1.ts";
import { withField } from "../defaulting.ts";
import { keepStatus, semanticallyEqual } from "../strategy.ts";

const hasClusterIp = (spec: ServiceSpec): boolean => spec.type !== "ExternalName";
const hasNodePorts = (spec: ServiceSpec): boolean => spec.type === "NodePort" || spec.type === "LoadBalancer";
export const isExternallyAccessible = (spec: ServiceSpec): boolean => hasNodePorts(spec) || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0);
export const needsHealthCheckPort = (spec: ServiceSpec): boolean => spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
export const isHeadless = (spec: ServiceSpec): boolean => (spec.clusterIPs ?? []).length === 1 && spec.clusterIPs?.[0] === "None";

/** The first address stands in a field of its own too; a client that knows only that field changes both. */
function withBothClusterIps(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  const [now, before] = [next.clusterIP ?? "", previous.clusterIP ?? ""];
  const sameList = semanticallyEqual(next.clusterIPs, previous.clusterIPs);
  if ((next.clusterIPs ?? []).length === 0 && now === before) return withField(next, "clusterIPs", previous.clusterIPs);
  if (now === before || !sameList) return next;
  return withField(next, "clusterIPs", before !== "" && now === "" ? undefined : [now]);
}

/** What was allocated stays, where the client does not mention it. */
function withAllocated(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  let spec = next;
  if (hasClusterIp(previous) && hasClusterIp(next)) {
    if ((spec.clusterIP ?? "") === "") spec = withField(spec, "clusterIP", previous.clusterIP);
    if ((spec.clusterIPs ?? []).length === 0) spec = withField(spec, "clusterIPs", previous.clusterIPs);
  }
  if (hasNodePorts(previous) && hasNodePorts(next)) spec = withField(spec, "ports", withNodePorts(spec.ports ?? [], previous.ports ?? []));
  if (needsHealthCheckPort(previous) && needsHealthCheckPort(next) && (spec.healthCheckNodePort ?? 0) === 0) spec = withField(spec, "healthCheckNodePort", previous.healthCheckNodePort);
  return spec;
}

/** Ports are known by their names: all else about them may have changed. */
function withNodePorts(next: readonly ServicePort[], previous: readonly ServicePort[]): readonly ServicePort[] {
  const used = new Set(next.map(({ nodePort }) => nodePort ?? 0));
  return next.map((port) => {
    if ((port.nodePort ?? 0) !== 0) return port;
    const before = previous.find(({ name = "" }) => name === (port.name ?? ""))?.nodePort ?? 0;
    return before === 0 || used.has(before) ? port : { ...port, nodePort: before };
  });
}

/** Fields that only some types have go when the type changes, unless the client changed them too. */
function withoutForeignFields(next: ServiceSpec, previous: ServiceSpec): ServiceSpec {
  let spec = next;
  const drop = (field: keyof ServiceSpec): void => { if (semanticallyEqual(next[field], previous[field])) spec = withField(spec, field, undefined); };
  if (hasClusterIp(previous) && !hasClusterIp(next)) {
    if (semanticallyEqual([next.clusterIP, next.clusterIPs], [previous.clusterIP, previous.clusterIPs])) spec = withField(withField(spec, "clusterIP", undefined), "clusterIPs", undefined);
    drop("ipFamilies");
    drop("ipFamilyPolicy");
  }
  const before = new Set((previous.ports ?? []).map(({ nodePort }) => nodePort));
  if (hasNodePorts(previous) && !hasNodePorts(next) && (next.ports ?? []).every(({ nodePort = 0 }) => nodePort === 0 || before.has(nodePort))) {
    spec = withField(spec, "ports", next.ports?.map((port) => withField(port, "nodePort", undefined)));
  }
  if (needsHealthCheckPort(previous) && !needsHealthCheckPort(next)) drop("healthCheckNodePort");
  if (previous.type === "LoadBalancer" && next.type !== "LoadBalancer") {
    drop("allocateLoadBalancerNodePorts");
    drop("loadBalancerClass");
  }
  if (isExternallyAccessible(previous) && !isExternallyAccessible(next)) drop("externalTrafficPolicy");
  return spec;
}

export function prepareServiceUpdate(next: Service, previous: Service): Service {
  const [now, before] = [next.spec ?? {}, previous.spec ?? {}];
  const spec = withoutForeignFields(withAllocated(withBothClusterIps(now, before), before), before);
  const kept = keepStatus({ ...next, spec }, previous);
  return spec.type === "LoadBalancer" || kept.status?.loadBalancer?.ingress === undefined ? kept : { ...kept, status: { ...kept.status, loadBalancer: {} } };
}
