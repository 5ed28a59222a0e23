import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { cidrWarnings, dns1123SubdomainErrors, ipWarnings, labelsErrors, legacyCidrErrors, legacyIpErrors, portNumberErrors } from "../../apimachinery/validation.ts";
import { parseIpSloppy } from "../../stdx/ip.ts";
import type { Service, ServicePort, ServiceSpec } from "../generated/core-v1.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, oneOf, qualifiedName } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateEndpointIp } from "./endpoint-address.ts";
import { validatePortOrName } from "./pod-spec/validation-handlers.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from "./service-update.ts";

const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];
const types: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const affinitySecondsMax = 86_400;
const hintsAnnotation = "service.kubernetes.io/topology-aware-hints";
const topologyAnnotation = "service.kubernetes.io/topology-mode";
const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

function validatePorts(ports: readonly ServicePort[], path: string): readonly FieldError[] {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name, port = 0, protocol, targetPort, appProtocol }] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (absent(name)) {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      addAll(errors, dnsLabel(`${at}.name`, name));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    addAll(errors, invalidEach(`${at}.port`, port, portNumberErrors(port)));
    addAll(errors, oneOf(`${at}.protocol`, protocol, protocols));
    addAll(errors, validatePortOrName(targetPort, `${at}.targetPort`));
    if (appProtocol !== undefined && appProtocol !== null) addAll(errors, qualifiedName(`${at}.appProtocol`, appProtocol));
  }
  return errors;
}

function validateUniquePorts(spec: ServiceSpec): readonly FieldError[] {
  const ports = spec.ports ?? [];
  const nodePorts = new Set<string>();
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { nodePort = 0 }] of ports.entries()) {
    if (spec.type === "ClusterIP" && nodePort !== 0) errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  }
  for (const [index, { nodePort = 0, protocol }] of ports.entries()) {
    if (nodePort === 0) continue;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(`spec.ports[${index}].nodePort`, nodePort));
    nodePorts.add(key);
  }
  for (const [index, { port, protocol }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) errors.push(duplicate(`spec.ports[${index}]`, { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }));
    seen.add(key);
  }
  return errors;
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): readonly FieldError[] {
  const path = "spec.sessionAffinityConfig";
  const errors: FieldError[] = [];
  addAll(errors, oneOf("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"]));
  if (sessionAffinity === "None" && sessionAffinityConfig) errors.push(forbidden(path, "must not be set when session affinity is None"));
  if (sessionAffinity !== "ClientIP") return errors;
  const when = "when session affinity type is ClientIP";
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (!sessionAffinityConfig) errors.push(required(path, when));
  else if (!sessionAffinityConfig.clientIP) errors.push(required(`${path}.clientIP`, when));
  else if (seconds === undefined) errors.push(required(`${path}.clientIP.timeoutSeconds`, when));
  else if (seconds <= 0 || seconds > affinitySecondsMax) errors.push(invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${affinitySecondsMax}`));
  return errors;
}

const familyOf = (ip: string): 4 | 6 | undefined => parseIpSloppy(ip)?.family;

export function validateClusterIps(spec: ServiceSpec, previous: ServiceSpec | undefined): readonly FieldError[] {
  if (spec.type === "ExternalName") return [];
  const { clusterIP = "", clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const path = "spec.clusterIPs";
  const errors: FieldError[] = [];
  if (clusterIP === "") {
    if (clusterIPs.length > 0) errors.push(invalid(path, clusterIPs, "must be empty when `clusterIP` is not specified"));
  } else if (clusterIPs.length === 0) {
    errors.push(required(path));
  } else if (clusterIPs[0] !== clusterIP) {
    errors.push(invalid(path, clusterIPs, "first value must match `clusterIP`"));
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (family !== "IPv4" && family !== "IPv6") errors.push(notSupported(`spec.ipFamilies[${index}]`, family, ["IPv4", "IPv6"]));
    if (ipFamilies.indexOf(family) < index) errors.push(duplicate(`spec.ipFamilies[${index}]`, family));
  }
  if (ipFamilyPolicy !== undefined) addAll(errors, oneOf("spec.ipFamilyPolicy", ipFamilyPolicy, ["PreferDualStack", "RequireDualStack", "SingleStack"]));

  let wrong = false;
  for (const [index, ip] of clusterIPs.entries()) {
    const problems = index === 0 && ip === "None"
      ? clusterIPs.length > 1 ? [invalid(path, clusterIPs, "'None' must be the first and only value")] : []
      : previous?.clusterIPs?.includes(ip) === true ? [] : legacyIpErrors(`${path}[${index}]`, ip);
    wrong ||= problems.length > 0;
    addAll(errors, problems);
  }
  if (clusterIPs.length > 2) errors.push(invalid(path, clusterIPs, "may only hold up to 2 values"));
  if (wrong) return errors;
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < 2) errors.push(invalid(path, clusterIPs, "may specify no more than one IP for each IP family"));
  if (isHeadless(spec)) return errors;
  for (const [index, ip] of clusterIPs.entries()) {
    const family = ipFamilies[index];
    if ((family === "IPv4" || family === "IPv6") && family !== `IPv${familyOf(ip)}`) errors.push(invalid(`${path}[${index}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``));
  }
  return errors;
}

function validateTypeRules(spec: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (isHeadless(spec) && (spec.type === "LoadBalancer" || spec.type === "NodePort")) errors.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`));
  if (spec.type !== "ExternalName") return errors;
  const message = "may not be set for ExternalName services";
  if ((spec.clusterIPs ?? []).length > 0) errors.push(forbidden("spec.clusterIPs", message));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(forbidden("spec.ipFamilies", message));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbidden("spec.ipFamilyPolicy", message));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required("spec.externalName"));
  else addAll(errors, dnsSubdomain("spec.externalName", name));
  return errors;
}

function validateTraffic(spec: ServiceSpec): readonly FieldError[] {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort = 0, trafficDistribution } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) addAll(errors, oneOf("spec.externalTrafficPolicy", externalTrafficPolicy, ["Cluster", "Local"]));
  else if (!absent(externalTrafficPolicy)) errors.push(invalid("spec.externalTrafficPolicy", externalTrafficPolicy, "may only be set for externally-accessible services"));
  if (!needsHealthCheckPort(spec)) {
    if (healthCheckNodePort !== 0) errors.push(invalid("spec.healthCheckNodePort", healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  } else if (healthCheckNodePort === 0) {
    errors.push(required("spec.healthCheckNodePort"));
  } else {
    addAll(errors, invalidEach("spec.healthCheckNodePort", healthCheckNodePort, portNumberErrors(healthCheckNodePort)));
  }
  const routed = spec.type === "ClusterIP" || spec.type === "NodePort" || spec.type === "LoadBalancer";
  addAll(errors, oneOf("spec.internalTrafficPolicy", internalTrafficPolicy, ["Cluster", "Local"], { required: routed }));
  if (trafficDistribution !== undefined) {
    const supported = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if (!supported.includes(trafficDistribution)) errors.push(notSupported("spec.trafficDistribution", trafficDistribution, supported));
  }
  return errors;
}

function validateLoadBalancer({ metadata, spec = {} }: Service, previous: Service | undefined): readonly FieldError[] {
  const balanced = spec.type === "LoadBalancer";
  const only = "may only be used when `type` is 'LoadBalancer'";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  const errors: FieldError[] = [];
  if (ranges.length > 0) {
    const path = "spec.LoadBalancerSourceRanges";
    if (!balanced) errors.push(forbidden(path, only));
    const before = previous?.spec?.loadBalancerSourceRanges?.map((range) => range.trim()) ?? [];
    for (const [index, range] of ranges.entries()) if (!before.includes(range.trim())) addAll(errors, legacyCidrErrors(`${path}[${index}]`, range.trim()));
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${sourceRangesAnnotation}]`;
    if (!balanced) errors.push(forbidden(path, only));
    if (previous?.metadata.annotations?.[sourceRangesAnnotation] !== annotation && annotation.trim() !== "") {
      for (const range of annotation.trim().split(",")) addAll(errors, legacyCidrErrors(path, range.trim()));
    }
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) errors.push(forbidden("spec.allocateLoadBalancerNodePorts", only));
  if (spec.allocateLoadBalancerNodePorts === undefined && balanced) errors.push(required("allocateLoadBalancerNodePorts"));
  if (spec.loadBalancerClass !== undefined) {
    if (balanced) addAll(errors, qualifiedName("spec.loadBalancerClass", spec.loadBalancerClass));
    else errors.push(forbidden("spec.loadBalancerClass", only));
  }
  return errors;
}

export function validateService(service: Service, previous?: Service): readonly FieldError[] {
  const { metadata: { annotations = {} }, spec = {} } = service;
  const [hints, mode] = [annotations[hintsAnnotation], annotations[topologyAnnotation]];
  const errors: FieldError[] = [];
  if (hints !== undefined && mode !== undefined && hints !== mode) errors.push(invalid(`metadata.annotations[${topologyAnnotation}]`, mode, `must match annotations[${hintsAnnotation}] when both are specified`));
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  addAll(errors, validateTypeRules(spec));
  addAll(errors, validatePorts(spec.ports ?? [], "spec.ports"));
  addAll(errors, labelsErrors("spec.selector", spec.selector));
  addAll(errors, validateAffinity(spec));
  addAll(errors, validateClusterIps(spec, previous?.spec));
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    const path = `spec.externalIPs[${index}]`;
    const problems = previous?.spec?.externalIPs?.includes(ip) === true ? [] : legacyIpErrors(path, ip);
    addAll(errors, problems.length > 0 ? problems : validateEndpointIp(ip, path));
  }
  addAll(errors, oneOf("spec.type", spec.type, types));
  addAll(errors, validateUniquePorts(spec));
  addAll(errors, validateLoadBalancer(service, previous));
  addAll(errors, validateTraffic(spec));
  return errors;
}

function validateKeptAddresses(next: ServiceSpec, previous: ServiceSpec): readonly FieldError[] {
  if (next.type === "ExternalName" || previous.type === "ExternalName") return [];
  const [now, before] = [next.clusterIPs ?? [], previous.clusterIPs ?? []];
  const changed = "may not change once set";
  const single = next.ipFamilyPolicy === "SingleStack";
  const errors: FieldError[] = [];
  if (!(isHeadless(next) && isHeadless(previous))) {
    if (now.length === before.length) for (const [index, ip] of before.entries()) if (now[index] !== ip) errors.push(invalid(`spec.clusterIPs[${index}]`, now, changed));
    if (before.length > now.length && now.length === 0) errors.push(invalid("spec.clusterIPs[0]", now, "primary clusterIP can not be unset"));
    if (now.length !== before.length && before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.push(invalid("spec.clusterIPs[0]", now, changed));
    if (before.length > now.length && now.length === 1 && !single) errors.push(invalid("spec.ipFamilyPolicy", next.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary clusterIP"));
  }
  if (isHeadless(next) || isHeadless(previous)) return errors;
  const [families, oldFamilies] = [next.ipFamilies ?? [], previous.ipFamilies ?? []];
  if (families.length === oldFamilies.length) for (const [index, family] of oldFamilies.entries()) if (families[index] !== family) errors.push(invalid("spec.ipFamilies[0]", families, changed));
  if (families.length !== oldFamilies.length && families.length > 0 && oldFamilies.length > 0 && families[0] !== oldFamilies[0]) errors.push(invalid("spec.ipFamilies[0]", now, changed));
  if (oldFamilies.length > families.length && families.length === 1 && !single) errors.push(invalid("spec.ipFamilyPolicy", next.ipFamilyPolicy ?? null, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
  return errors;
}

export function validateServiceUpdate(next: Service, previous: Service): readonly FieldError[] {
  const [now, before] = [next.spec ?? {}, previous.spec ?? {}];
  const errors: FieldError[] = [];
  addAll(errors, validateKeptAddresses(now, before));
  if (now.type === "LoadBalancer" && before.type === "LoadBalancer" && now.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(invalid("spec.loadBalancerClass", now.loadBalancerClass ?? null, "may not change once set"));
  }
  if (needsHealthCheckPort(now) && needsHealthCheckPort(before) && now.healthCheckNodePort !== before.healthCheckNodePort) errors.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  addAll(errors, validateService(next, previous));
  return errors;
}

export function validateServiceStatus({ spec, status }: Service, previous: Service): readonly FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const path = "status.loadBalancer.ingress";
  if (spec?.type !== "LoadBalancer" && ingress.length > 0) return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const errors: FieldError[] = [];
  for (const [index, { ip, ipMode, hostname }] of ingress.entries()) {
    const at = `${path}[${index}]`;
    const known = previous.status?.loadBalancer?.ingress?.some((each) => each.ip === ip) === true;
    if (!absent(ip) && !known) addAll(errors, legacyIpErrors(`${at}.ip`, ip));
    if (ipMode === undefined) {
      if (!absent(ip)) errors.push(required(`${at}.ipMode`, "must be specified when `ip` is set"));
    } else if (absent(ip)) {
      errors.push(forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set"));
    } else if (ipMode !== "VIP" && ipMode !== "Proxy") {
      errors.push(notSupported(`${at}.ipMode`, ipMode, ["Proxy", "VIP"]));
    }
    if (absent(hostname)) continue;
    addAll(errors, invalidEach(`${at}.hostname`, hostname, dns1123SubdomainErrors(hostname)));
    if (parseIpSloppy(hostname) !== undefined) errors.push(invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
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
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, index) => cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range)),
    ...(external && externalIPs.length > 0 ? ['spec.externalIPs is ignored when spec.type is "ExternalName"'] : []),
    ...(!external && !absent(spec.externalName) ? ['spec.externalName is ignored when spec.type is not "ExternalName"'] : []),
    ...(spec.trafficDistribution === "PreferClose" ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'] : []),
  ];
}

