import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, ipWarnings, labelsErrors, legacyCidrErrors, legacyIpErrors, portNumberErrors } from "../../apimachinery/validation.ts";
import { parseIpSloppy } from "../../stdx/ip.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/core-v1.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, oneOf, qualifiedName } from "../checks.ts";
import { validateEndpointIp } from "./endpoint-address.ts";
import { validatePortOrName } from "./pod-spec/validation-handlers.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from "./service-update.ts";

const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];
const types: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const affinitySecondsMax = 86_400;
const hintsAnnotation = "service.kubernetes.io/topology-aware-hints";
const topologyAnnotation = "service.kubernetes.io/topology-mode";
const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

function* validatePorts(ports: readonly ServicePort[], path: string): Generator<FieldError> {
  const names = new Set<string>();
  for (const [index, { name, port = 0, protocol, targetPort, appProtocol }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (absent(name)) {
      if (ports.length > 1) yield required(`${at}.name`);
    } else {
      yield* dnsLabel(`${at}.name`, name);
      if (names.has(name)) yield duplicate(`${at}.name`, name);
      names.add(name);
    }
    yield* invalidEach(`${at}.port`, port, portNumberErrors(port));
    yield* oneOf(`${at}.protocol`, protocol, protocols);
    yield* validatePortOrName(targetPort, `${at}.targetPort`);
    if (appProtocol !== undefined && appProtocol !== null) yield* qualifiedName(`${at}.appProtocol`, appProtocol);
  }
}

function* validateUniquePorts(spec: ServiceSpec): Generator<FieldError> {
  const ports = spec.ports ?? [];
  const nodePorts = new Set<string>();
  const seen = new Set<string>();
  for (const [index, { nodePort = 0 }] of ports.entries()) {
    if (spec.type === "ClusterIP" && nodePort !== 0) yield forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'");
  }
  for (const [index, { nodePort = 0, protocol }] of ports.entries()) {
    if (nodePort === 0) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) yield duplicate(`spec.ports[${index}].nodePort`, nodePort);
    nodePorts.add(key);
  }
  for (const [index, { port, protocol }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) yield duplicate(`spec.ports[${index}]`, { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 });
    seen.add(key);
  }
}

function* validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): Generator<FieldError> {
  const path = "spec.sessionAffinityConfig";
  yield* oneOf("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"]);
  if (sessionAffinity === "None" && sessionAffinityConfig) yield forbidden(path, "must not be set when session affinity is None");
  if (sessionAffinity !== "ClientIP") return;
  const when = "when session affinity type is ClientIP";
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (!sessionAffinityConfig) yield required(path, when);
  else if (!sessionAffinityConfig.clientIP) yield required(`${path}.clientIP`, when);
  else if (seconds === undefined) yield required(`${path}.clientIP.timeoutSeconds`, when);
  else if (seconds <= 0 || seconds > affinitySecondsMax) yield invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${affinitySecondsMax}`);
}

const familyOf = (ip: string): 4 | 6 | undefined => parseIpSloppy(ip)?.family;

export function* validateClusterIps(spec: ServiceSpec, previous: ServiceSpec | undefined): Generator<FieldError> {
  if (spec.type === "ExternalName") return;
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const path = "spec.clusterIPs";
  if (clusterIP === "") {
    if (clusterIPs.length > 0) yield invalid(path, clusterIPs, "must be empty when `clusterIP` is not specified");
  } else if (clusterIPs.length === 0) {
    yield required(path);
  } else if (clusterIPs[0] !== clusterIP) {
    yield invalid(path, clusterIPs, "first value must match `clusterIP`");
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (family !== "IPv4" && family !== "IPv6") yield notSupported(`spec.ipFamilies[${index}]`, family, ["IPv4", "IPv6"]);
    if (ipFamilies.indexOf(family) < index) yield duplicate(`spec.ipFamilies[${index}]`, family);
  }
  if (ipFamilyPolicy !== undefined) yield* oneOf("spec.ipFamilyPolicy", ipFamilyPolicy, ["PreferDualStack", "RequireDualStack", "SingleStack"]);

  let wrong = false;
  for (const [index, ip] of clusterIPs.entries()) {
    const problems = index === 0 && ip === "None"
      ? clusterIPs.length > 1 ? [invalid(path, clusterIPs, "'None' must be the first and only value")] : []
      : previous?.clusterIPs?.includes(ip) === true ? [] : legacyIpErrors(`${path}[${index}]`, ip);
    wrong ||= problems.length > 0;
    yield* problems;
  }
  if (clusterIPs.length > 2) yield invalid(path, clusterIPs, "may only hold up to 2 values");
  if (wrong) return;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < 2) yield invalid(path, clusterIPs, "may specify no more than one IP for each IP family");
  if (isHeadless(spec)) return;
  for (const [index, ip] of clusterIPs.entries()) {
    const family = ipFamilies[index];
    if (family !== undefined && family !== `IPv${familyOf(ip)}`) yield invalid(`${path}[${index}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  }
}

function* validateTypeRules(spec: ServiceSpec): Generator<FieldError> {
  if (isHeadless(spec) && (spec.type === "LoadBalancer" || spec.type === "NodePort")) yield invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`);
  if (spec.type !== "ExternalName") return;
  const message = "may not be set for ExternalName services";
  if ((spec.clusterIPs ?? []).length > 0) yield forbidden("spec.clusterIPs", message);
  if ((spec.ipFamilies ?? []).length > 0) yield forbidden("spec.ipFamilies", message);
  if (spec.ipFamilyPolicy !== undefined) yield forbidden("spec.ipFamilyPolicy", message);
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") yield required("spec.externalName");
  else yield* dnsSubdomain("spec.externalName", name);
}

function* validateTraffic(spec: ServiceSpec): Generator<FieldError> {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort = 0, trafficDistribution } = spec;
  if (isExternallyAccessible(spec)) yield* oneOf("spec.externalTrafficPolicy", externalTrafficPolicy, ["Cluster", "Local"]);
  else if (!absent(externalTrafficPolicy)) yield invalid("spec.externalTrafficPolicy", externalTrafficPolicy, "may only be set for externally-accessible services");
  if (!needsHealthCheckPort(spec)) {
    if (healthCheckNodePort !== 0) yield invalid("spec.healthCheckNodePort", healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  } else if (healthCheckNodePort === 0) {
    yield required("spec.healthCheckNodePort");
  } else {
    yield* invalidEach("spec.healthCheckNodePort", healthCheckNodePort, portNumberErrors(healthCheckNodePort));
  }
  const routed = spec.type === "ClusterIP" || spec.type === "NodePort" || spec.type === "LoadBalancer";
  yield* oneOf("spec.internalTrafficPolicy", internalTrafficPolicy, ["Cluster", "Local"], { required: routed });
  if (trafficDistribution !== undefined) {
    const supported = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if (!supported.includes(trafficDistribution)) yield notSupported("spec.trafficDistribution", trafficDistribution, supported);
  }
}

function* validateLoadBalancer({ metadata, spec = {} }: Service, previous: Service | undefined): Generator<FieldError> {
  const balanced = spec.type === "LoadBalancer";
  const only = "may only be used when `type` is 'LoadBalancer'";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  if (ranges.length > 0) {
    const path = "spec.LoadBalancerSourceRanges";
    if (!balanced) yield forbidden(path, only);
    const before = previous?.spec?.loadBalancerSourceRanges?.map((range) => range.trim()) ?? [];
    for (const [index, range] of ranges.entries()) if (!before.includes(range.trim())) yield* legacyCidrErrors(`${path}[${index}]`, range.trim());
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${sourceRangesAnnotation}]`;
    if (!balanced) yield forbidden(path, only);
    if (previous?.metadata.annotations?.[sourceRangesAnnotation] !== annotation && annotation.trim() !== "") {
      for (const range of annotation.trim().split(",")) yield* legacyCidrErrors(path, range.trim());
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) yield forbidden("spec.allocateLoadBalancerNodePorts", only);
  if (spec.allocateLoadBalancerNodePorts === undefined && balanced) yield required("allocateLoadBalancerNodePorts");
  if (spec.loadBalancerClass !== undefined) {
    if (balanced) yield* qualifiedName("spec.loadBalancerClass", spec.loadBalancerClass);
    else yield forbidden("spec.loadBalancerClass", only);
  }
}

export function* validateService(service: Service, previous?: Service): Generator<FieldError> {
  const { metadata: { annotations = {} }, spec = {} } = service;
  const [hints, mode] = [annotations[hintsAnnotation], annotations[topologyAnnotation]];
  if (hints !== undefined && mode !== undefined && hints !== mode) yield invalid(`metadata.annotations[${topologyAnnotation}]`, mode, `must match annotations[${hintsAnnotation}] when both are specified`);
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== "ExternalName") yield required("spec.ports");
  yield* validateTypeRules(spec);
  yield* validatePorts(spec.ports ?? [], "spec.ports");
  yield* labelsErrors("spec.selector", spec.selector);
  yield* validateAffinity(spec);
  yield* validateClusterIps(spec, previous?.spec);
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const path = `spec.externalIPs[${index}]`;
    const problems = previous?.spec?.externalIPs?.includes(ip) === true ? [] : legacyIpErrors(path, ip);
    yield* problems.length > 0 ? problems : validateEndpointIp(ip, path);
  }
  yield* oneOf("spec.type", spec.type, types);
  yield* validateUniquePorts(spec);
  yield* validateLoadBalancer(service, previous);
  yield* validateTraffic(spec);
}

function* validateKeptAddresses(next: ServiceSpec, previous: ServiceSpec): Generator<FieldError> {
  if (next.type === "ExternalName" || previous.type === "ExternalName") return;
  const [now, before] = [next.clusterIPs ?? [], previous.clusterIPs ?? []];
  const changed = "may not change once set";
  const single = next.ipFamilyPolicy === "SingleStack";
  if (!(isHeadless(next) && isHeadless(previous))) {
    if (now.length === before.length) for (const [index, ip] of before.entries()) if (now[index] !== ip) yield invalid(`spec.clusterIPs[${index}]`, now, changed);
    if (before.length > now.length && now.length === 0) yield invalid("spec.clusterIPs[0]", now, "primary clusterIP can not be unset");
    if (now.length !== before.length && before.length > 0 && now.length > 0 && now[0] !== before[0]) yield invalid("spec.clusterIPs[0]", now, changed);
    if (before.length > now.length && now.length === 1 && !single) yield invalid("spec.ipFamilyPolicy", next.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary clusterIP");
  }
  if (isHeadless(next) || isHeadless(previous)) return;
  const [families, oldFamilies] = [next.ipFamilies ?? [], previous.ipFamilies ?? []];
  if (families.length === oldFamilies.length) for (const [index, family] of oldFamilies.entries()) if (families[index] !== family) yield invalid("spec.ipFamilies[0]", families, changed);
  if (families.length !== oldFamilies.length && families.length > 0 && oldFamilies.length > 0 && families[0] !== oldFamilies[0]) yield invalid("spec.ipFamilies[0]", now, changed);
  if (oldFamilies.length > families.length && families.length === 1 && !single) yield invalid("spec.ipFamilyPolicy", next.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary ipFamily");
}

export function* validateServiceUpdate(next: Service, previous: Service): Generator<FieldError> {
  const [now, before] = [next.spec ?? {}, previous.spec ?? {}];
  yield* validateKeptAddresses(now, before);
  if (now.type === "LoadBalancer" && before.type === "LoadBalancer" && now.loadBalancerClass !== before.loadBalancerClass) {
    yield invalid("spec.loadBalancerClass", now.loadBalancerClass ?? null, "may not change once set");
  }
  if (needsHealthCheckPort(now) && needsHealthCheckPort(before) && now.healthCheckNodePort !== before.healthCheckNodePort) yield forbidden("spec.healthCheckNodePort", "field is immutable");
  yield* validateService(next, previous);
}

export function* validateServiceStatus({ spec, status }: Service, previous: Service): Generator<FieldError> {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const path = "status.loadBalancer.ingress";
  if (spec?.type !== "LoadBalancer" && ingress.length > 0) return yield forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
  for (const [index, { ip, ipMode, hostname }] of ingress.entries()) {
    const at = `${path}[${index}]`;
    const known = previous.status?.loadBalancer?.ingress?.some((each) => each.ip === ip) === true;
    if (!absent(ip) && !known) yield* legacyIpErrors(`${at}.ip`, ip);
    if (ipMode === undefined) {
      if (!absent(ip)) yield required(`${at}.ipMode`, "must be specified when `ip` is set");
    } else if (absent(ip)) {
      yield forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set");
    } else if (ipMode !== "VIP" && ipMode !== "Proxy") {
      yield notSupported(`${at}.ipMode`, ipMode, ["Proxy", "VIP"]);
    }
    if (absent(hostname)) continue;
    yield* invalidEach(`${at}.hostname`, hostname, dns1123SubdomainErrors(hostname));
    if (parseIpSloppy(hostname) !== undefined) yield invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address");
  }
}

export function serviceWarnings({ metadata, spec = {} }: Service): readonly string[] {
  const headless = isHeadless(spec);
  const external = spec.type === "ExternalName";
  const { externalIPs = [], clusterIPs = [] } = spec;
  return [
    ...(metadata.annotations?.[hintsAnnotation] === undefined ? [] : [`annotation ${hintsAnnotation} is deprecated, please use ${topologyAnnotation} instead`]),
    ...(headless ? [] : clusterIPs.flatMap((ip, index) => ipWarnings(`spec.clusterIPs[${index}]`, ip))),
    ...(headless && !absent(spec.loadBalancerIP) ? ["spec.loadBalancerIP is ignored for headless services"] : []),
    ...(headless && externalIPs.length > 0 ? ["spec.externalIPs is ignored for headless services"] : []),
    ...(headless && spec.sessionAffinity !== "None" ? ["spec.SessionAffinity is ignored for headless services"] : []),
    ...externalIPs.flatMap((ip, index) => ipWarnings(`spec.externalIPs[${index}]`, ip)),
    ...(externalIPs.length > 0 && !headless && !external ? ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"] : []),
    ...(absent(spec.loadBalancerIP) ? [] : ipWarnings("spec.loadBalancerIP", spec.loadBalancerIP)),
    ...(external && externalIPs.length > 0 ? ['spec.externalIPs is ignored when spec.type is "ExternalName"'] : []),
    ...(!external && !absent(spec.externalName) ? ['spec.externalName is ignored when spec.type is not "ExternalName"'] : []),
    ...(spec.trafficDistribution === "PreferClose" ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'] : []),
  ];
}

