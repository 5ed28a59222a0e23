import type { Service, ServicePort, ServiceSpec } from "../generated/core-v1.ts";
import { changeEach, changeField, withDefaults, without, withStruct } from "../defaulting.ts";
import { isExternallyAccessible } from "./service-update.ts";

const affinitySeconds = 10_800;

function portDefaults(port: ServicePort): ServicePort {
  const typed = withDefaults(port, { protocol: "TCP" });
  const { targetPort } = typed;
  return targetPort === undefined || targetPort === null || targetPort === 0 || targetPort === "" ? { ...typed, targetPort: typed.port } : typed;
}

function specDefaults(spec: ServiceSpec): ServiceSpec {
  let next = withDefaults(spec, { sessionAffinity: "None", type: "ClusterIP" });
  if (next.sessionAffinity === "None") next = without(next, "sessionAffinityConfig");
  if (next.sessionAffinity === "ClientIP" && next.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    next = { ...next, sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } } };
  }
  next = changeEach(next, "ports", portDefaults);
  if (isExternallyAccessible(next)) next = withDefaults(next, { externalTrafficPolicy: "Cluster" });
  if (next.type === "NodePort" || next.type === "LoadBalancer" || next.type === "ClusterIP") next = withDefaults(next, { internalTrafficPolicy: "Cluster" });
  return next.type === "LoadBalancer" ? withDefaults(next, { allocateLoadBalancerNodePorts: true }) : next;
}

export function serviceDefaults(service: Service): Service {
  const next = changeField(withStruct(service, "spec"), "spec", specDefaults);
  if (next.spec?.type !== "LoadBalancer") return next;
  return changeField(next, "status", (status) => changeField(status, "loadBalancer", (balancer) =>
    changeEach(balancer, "ingress", (ingress) => ((ingress.ip ?? "") === "" ? ingress : withDefaults(ingress, { ipMode: "VIP" })))));
}
