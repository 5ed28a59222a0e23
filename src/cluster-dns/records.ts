import type { Service } from "../api/generated/core-v1.ts";
import type { EndpointSlice } from "../api/generated/discovery-v1.ts";

/** What the names of a cluster lead to, after the specification for DNS-based service discovery (version 1.1.0). */
export type Answer =
  | { readonly type: "A"; readonly address: string }
  | { readonly type: "SRV"; readonly port: number; readonly target: string }
  | { readonly type: "CNAME"; readonly target: string }
  | { readonly type: "PTR"; readonly target: string }
  | { readonly type: "TXT"; readonly text: string };

/** Undefined: the name does not exist. Empty: it does, but has no record of this type. `additional` are addresses of SRV targets. */
export interface Lookup {
  readonly answers: readonly Answer[];
  readonly additional?: readonly { readonly name: string; readonly address: string }[];
}

export interface Directory {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
  /** The Service with this cluster IP. */
  serviceByIp(ip: string): Service | undefined;
  /** Slices that hold this address. */
  slicesByIp(ip: string): readonly EndpointSlice[];
}

const serviceNameLabel = "kubernetes.io/service-name";
export const dnsSchemaVersion = "1.1.0";

interface HeadlessEndpoint {
  readonly ip: string;
  readonly host: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === "None";
const dashed = (ip: string): string => ip.replaceAll(".", "-");

/** Endpoints that DNS names: ready ones, or all where the Service says so. IPv4 only, as the cluster is. */
function endpointsOf(directory: Directory, service: Service): readonly HeadlessEndpoint[] {
  const { namespace = "", name = "" } = service.metadata;
  return directory.slices(namespace, name).filter(({ addressType }) => addressType === "IPv4").flatMap((slice) => {
    const ports = (slice.ports ?? []).flatMap(({ name: portName = "", protocol = "TCP", port }) => (port === undefined ? [] : [{ name: portName, protocol: protocol.toLowerCase(), port }]));
    return (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false || service.spec?.publishNotReadyAddresses === true).flatMap(({ addresses, hostname }) =>
      addresses.map((ip) => ({ ip, host: hostname === undefined || hostname === "" ? dashed(ip) : hostname, ports })));
  });
}

/** `name` in lower case, without the trailing dot, and within the zone. */
export function lookUp(directory: Directory, zone: string, name: string): Lookup | undefined {
  if (name === zone) return { answers: [] };
  const labels = name.slice(0, name.length - zone.length - 1).split(".");
  if (labels.length === 1 && labels[0] === "dns-version") return { answers: [{ type: "TXT", text: dnsSchemaVersion }] };
  const kind = labels.at(-1);
  if (kind === "svc") return serviceName(directory, zone, labels.slice(0, -1));
  if (kind === "pod") return podName(directory, labels.slice(0, -1));
  return undefined;
}

/** 10-128-0-5.default.pod: an address in another form; whether a pod has it is not asked (CoreDNS's "insecure" mode, kubeadm's default). */
function podName(directory: Directory, labels: readonly string[]): Lookup | undefined {
  if (labels.length === 0) return { answers: [] };
  const namespace = labels.at(-1) ?? "";
  if (!directory.hasNamespace(namespace)) return undefined;
  if (labels.length === 1) return { answers: [] };
  const address = (labels[0] ?? "").replaceAll("-", ".");
  if (labels.length !== 2 || !/^\d{1,3}(\.\d{1,3}){3}$/.test(address) || address.split(".").some((part) => Number(part) > 255)) return undefined;
  return { answers: [{ type: "A", address }] };
}

function serviceName(directory: Directory, zone: string, labels: readonly string[]): Lookup | undefined {
  if (labels.length === 0) return { answers: [] };
  const namespace = labels.at(-1) ?? "";
  if (labels.length === 1) return directory.hasNamespace(namespace) ? { answers: [] } : undefined;
  const name = labels.at(-2) ?? "";
  const service = directory.service(namespace, name);
  if (!service) return undefined;
  const full = `${name}.${namespace}.svc.${zone}`;
  const before = labels.slice(0, -2);
  if (service.spec?.type === "ExternalName") return before.length === 0 ? { answers: [{ type: "CNAME", target: service.spec.externalName ?? "" }] } : undefined;

  if (before.length === 0) {
    if (!isHeadless(service)) return { answers: [...addresses(clusterIps(service)), ...portRecords(service, full)], additional: clusterIps(service).map((address) => ({ name: full, address })) };
    const endpoints = endpointsOf(directory, service);
    return endpoints.length === 0 ? undefined : { answers: [...addresses(endpoints.map(({ ip }) => ip)), ...endpointRecords(endpoints, full, () => true)], additional: endpoints.map(({ ip, host }) => ({ name: `${host}.${full}`, address: ip })) };
  }
  const [first = "", second = ""] = before;
  if (before.length === 2 && first.startsWith("_") && second.startsWith("_")) return srv(directory, service, full, first.slice(1), second.slice(1));
  if (before.length === 1 && isHeadless(service)) {
    const found = endpointsOf(directory, service).filter(({ host }) => host === first);
    return found.length === 0 ? undefined : { answers: [...addresses(found.map(({ ip }) => ip)), ...endpointRecords(found, full, () => true)] };
  }
  return undefined;
}

const clusterIps = ({ spec }: Service): readonly string[] => (spec?.clusterIPs ?? [spec?.clusterIP ?? ""]).filter((ip) => ip !== "" && ip !== "None" && !ip.includes(":"));
const addresses = (ips: readonly string[]): readonly Answer[] => [...new Set(ips)].map((address) => ({ type: "A", address }));
const portRecords = ({ spec }: Service, target: string): readonly Answer[] => (spec?.ports ?? []).map(({ port }) => ({ type: "SRV", port, target }));
const endpointRecords = (endpoints: readonly HeadlessEndpoint[], full: string, wanted: (port: { readonly name: string; readonly protocol: string }) => boolean): readonly Answer[] =>
  endpoints.flatMap(({ host, ports }) => ports.filter(wanted).map(({ port }): Answer => ({ type: "SRV", port, target: `${host}.${full}` })));

/** _http._tcp.web.default.svc */
function srv(directory: Directory, service: Service, full: string, portName: string, protocol: string): Lookup | undefined {
  const wanted = (port: { readonly name?: string; readonly protocol?: string }) => (port.name ?? "") === portName && (port.protocol ?? "TCP").toLowerCase() === protocol;
  if (!isHeadless(service)) {
    const answers = (service.spec?.ports ?? []).filter(wanted).map(({ port }): Answer => ({ type: "SRV", port, target: full }));
    return answers.length === 0 ? undefined : { answers, additional: clusterIps(service).map((address) => ({ name: full, address })) };
  }
  const endpoints = endpointsOf(directory, service);
  const answers = endpointRecords(endpoints, full, wanted);
  return answers.length === 0 ? undefined : { answers, additional: endpoints.map(({ ip, host }) => ({ name: `${host}.${full}`, address: ip })) };
}

/** 5.0.128.10.in-addr.arpa → names of the Service or of the endpoints with this address; undefined when it is none of ours. */
export function reverse(directory: Directory, zone: string, name: string): Lookup | undefined {
  const ip = name.slice(0, -".in-addr.arpa".length).split(".").toReversed().join(".");
  const service = directory.serviceByIp(ip);
  if (service) return { answers: [{ type: "PTR", target: `${service.metadata.name}.${service.metadata.namespace}.svc.${zone}` }] };
  const answers = directory.slicesByIp(ip).flatMap((slice): readonly Answer[] => {
    const of = slice.metadata.labels?.[serviceNameLabel];
    const { namespace = "" } = slice.metadata;
    const headless = of !== undefined && directory.service(namespace, of);
    if (!headless || !isHeadless(headless)) return [];
    return (slice.endpoints ?? []).filter(({ addresses: ips }) => ips.includes(ip)).map(({ hostname }) => ({ type: "PTR", target: `${hostname ?? dashed(ip)}.${of}.${namespace}.svc.${zone}` }));
  });
  return answers.length === 0 ? undefined : { answers };
}
