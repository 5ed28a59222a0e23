import type { Service } from "../api/generated/core-v1.ts";
import type { EndpointSlice } from "../api/generated/discovery-v1.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface Target {
  readonly ip: string;
  readonly port: number;
}

/** One port of one Service, with everything that decides where its traffic goes on this node. */
export interface ServicePortRoute {
  /** "default/web:http" */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number | undefined;
  /** Addresses inside of the cluster: cluster IPs. */
  readonly clusterIps: readonly string[];
  /** Addresses that come from outside: external IPs and those of load balancers. */
  readonly externalIps: readonly string[];
  /** Who answers traffic from inside. */
  readonly internal: readonly Target[];
  /** Who answers traffic from outside: only this node's pods under externalTrafficPolicy Local, whose clients then keep their address. */
  readonly external: readonly Target[];
  readonly externalLocal: boolean;
  /** Seconds for which a client stays with its endpoint; undefined without affinity. */
  readonly affinitySeconds: number | undefined;
}

interface Candidate extends Target {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly local: boolean;
}

const serviceNameLabel = "kubernetes.io/service-name";
/** Set by those who route a Service themselves. */
const foreignProxyLabel = "service.kubernetes.io/service-proxy-name";
const headlessLabel = "service.kubernetes.io/headless";

const protocolOf = (text: string | undefined): Protocol => (text === "UDP" ? "udp" : text === "SCTP" ? "sctp" : "tcp");

/** Ready endpoints; where there are none, those that end but still serve (KEP-1669). */
function usable(candidates: readonly Candidate[]): readonly Candidate[] {
  const ready = candidates.filter((each) => each.ready);
  return ready.length > 0 ? ready : candidates.filter((each) => each.serving && each.terminating);
}

/** By address and port, so that the same endpoints in any order make the same rules. */
const targets = (candidates: readonly Candidate[]): readonly Target[] => {
  const unique = new Map(candidates.map(({ ip, port }) => [`${ip}:${port}`, { ip, port }]));
  return [...unique.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
};

/** Routes of all IPv4 Services. `nodeName` decides what is local; pure. */
export function serviceRoutes(options: { readonly services: readonly Service[]; readonly slices: readonly EndpointSlice[]; readonly nodeName: string; readonly excludedIps: ReadonlySet<string> }): readonly ServicePortRoute[] {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of options.slices) {
    const name = slice.metadata.labels?.[serviceNameLabel];
    if (name === undefined || slice.addressType !== "IPv4") continue;
    const key = `${slice.metadata.namespace}/${name}`;
    const known = byService.get(key);
    if (known) known.push(slice);
    else byService.set(key, [slice]);
  }
  return options.services.flatMap((service) => routesOf(service, byService.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [], options));
}

function routesOf(service: Service, slices: readonly EndpointSlice[], { nodeName, excludedIps }: { readonly nodeName: string; readonly excludedIps: ReadonlySet<string> }): readonly ServicePortRoute[] {
  const { spec, status, metadata } = service;
  const labels = metadata.labels ?? {};
  if (!spec || spec.type === "ExternalName" || labels[foreignProxyLabel] !== undefined || labels[headlessLabel] !== undefined) return [];
  const clusterIps = (spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP])).filter((ip) => ip !== "None" && ip !== "" && !ip.includes(":") && !excludedIps.has(ip));
  if (clusterIps.length === 0) return [];
  const loadBalancerIps = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip !== undefined && ipMode !== "Proxy" ? [ip] : []));
  const externalIps = [...(spec.externalIPs ?? []), ...loadBalancerIps].filter((ip) => !ip.includes(":"));
  const affinitySeconds = spec.sessionAffinity === "ClientIP" ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined;

  return (spec.ports ?? []).map((servicePort) => {
    const portName = servicePort.name ?? "";
    const protocol = protocolOf(servicePort.protocol);
    const candidates = slices.flatMap((slice): readonly Candidate[] => {
      const port = slice.ports?.find((each) => (each.name ?? "") === portName && protocolOf(each.protocol) === protocol)?.port;
      if (port === undefined) return [];
      return (slice.endpoints ?? []).flatMap(({ addresses, conditions = {}, nodeName: on }) => {
        const [ip] = addresses;
        const ready = conditions.ready ?? true;
        return ip === undefined ? [] : [{ ip, port, ready, serving: conditions.serving ?? ready, terminating: conditions.terminating ?? false, local: on === nodeName }];
      });
    });
    const everywhere = usable(candidates);
    const here = usable(candidates.filter((each) => each.local));
    const externalLocal = spec.externalTrafficPolicy === "Local";
    return {
      name: `${metadata.namespace}/${metadata.name}${portName === "" ? "" : `:${portName}`}`,
      protocol, port: servicePort.port, nodePort: servicePort.nodePort === 0 ? undefined : servicePort.nodePort, clusterIps, externalIps,
      internal: targets(spec.internalTrafficPolicy === "Local" ? here : everywhere),
      external: targets(externalLocal ? here : everywhere),
      externalLocal, affinitySeconds,
    };
  });
}
