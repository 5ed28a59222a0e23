import type { Pod } from "../../api/generated/core-v1.ts";
import type { DNSConfig } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { isHostNetwork, namespaceOf, specOf } from "../pod/pod.ts";

export interface DnsOptions {
  /** Address of the cluster's DNS; left out, pods use the node's. */
  readonly clusterDns?: string | undefined;
  readonly clusterDomain: string;
  /** Text of the node's own resolv.conf. */
  readonly nodeResolvConf: string;
}

interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

const serversMax = 3;
const searchesMax = 32;
const searchCharactersMax = 2048;

export function parseResolvConf(text: string): Resolver {
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  const servers: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.replace(/[#;].*$/, "").trim().split(/\s+/);
    if (keyword === "nameserver" && words[0] !== undefined) servers.push(words[0]);
    else if (keyword === "search") searches = words.map((word) => (word.length > 1 ? word.replace(/\.$/, "") : word));
    else if (keyword === "options") options = words;
  }
  return { servers, searches, options };
}

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)];

/** Later options replace earlier ones of the same name; "ndots:5" has the name "ndots". */
function mergedOptions(base: readonly string[], own: readonly { readonly name?: string; readonly value?: string }[]): readonly string[] {
  const byName = new Map(base.map((option) => [option.split(":")[0] ?? option, option]));
  for (const { name = "", value } of own) byName.set(name, value === undefined ? name : `${name}:${value}`);
  return [...byName.values()];
}

function bounded({ servers, searches, options }: Resolver): Resolver {
  const fitting: string[] = [];
  for (const search of searches.slice(0, searchesMax)) {
    if ([...fitting, search].join(" ").length > searchCharactersMax) break;
    fitting.push(search);
  }
  return { servers: servers.slice(0, serversMax), searches: fitting, options };
}

/** What the pod's resolv.conf is to say: that of the cluster, of the node, or only what the pod itself says. */
export function podDns(pod: Pod, { clusterDns, clusterDomain, nodeResolvConf }: DnsOptions): Input<DNSConfig> {
  const { dnsPolicy = "ClusterFirst", dnsConfig } = specOf(pod);
  const node = parseResolvConf(nodeResolvConf);
  const inCluster = clusterDns !== undefined && (dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !isHostNetwork(pod)));
  const suffix = `svc.${clusterDomain}`;
  const base: Resolver = dnsPolicy === "None" ? { servers: [], searches: [], options: [] }
    : inCluster ? { servers: [clusterDns], searches: unique([`${namespaceOf(pod)}.${suffix}`, suffix, clusterDomain, ...node.searches]), options: ["ndots:5"] }
    : node;
  return bounded({
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]),
    options: mergedOptions(base.options, dnsConfig?.options ?? []),
  });
}
