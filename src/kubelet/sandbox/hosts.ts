import type { HostAlias, Pod } from "../../api/generated/core-v1.ts";
import { nameOf, namespaceOf, specOf } from "../pod/pod.ts";

const hostnameLengthMax = 63;
const truncated = (name: string): string => (name.length <= hostnameLengthMax ? name : name.slice(0, hostnameLengthMax).replace(/[-.]+$/, ""));

/** The pod's host name and, for one with a subdomain, the domain it is in. */
export function podHostname(pod: Pod, clusterDomain: string): { readonly hostname: string; readonly domain: string } {
  const { hostname = "", subdomain = "", hostnameOverride } = specOf(pod);
  if (hostnameOverride !== undefined) return { hostname: truncated(hostnameOverride), domain: "" };
  return {
    hostname: truncated(hostname === "" ? nameOf(pod) : hostname),
    domain: subdomain === "" ? "" : `${subdomain}.${namespaceOf(pod)}.svc.${clusterDomain}`,
  };
}

const aliasLines = (aliases: readonly HostAlias[]): string =>
  aliases.length === 0 ? "" : `\n# Entries added by HostAliases.\n${aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`).join("")}`;

const header = "# Kubernetes-managed hosts file.\n";
const hostHeader = "# Kubernetes-managed hosts file (host network).\n";
const local = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet", "fe00::0\tip6-mcastprefix", "fe00::1\tip6-allnodes", "fe00::2\tip6-allrouters"];

/** The file that containers see as /etc/hosts; `nodeHosts` is the node's own, which pods in the node's network get. */
export function hostsFile(pod: Pod, options: { readonly podIps: readonly string[]; readonly clusterDomain: string; readonly nodeHosts: string }): string {
  const { hostAliases = [], hostNetwork } = specOf(pod);
  if (hostNetwork === true) return `${hostHeader}${options.nodeHosts}${aliasLines(hostAliases)}`;
  const { hostname, domain } = podHostname(pod, options.clusterDomain);
  const own = options.podIps.map((ip) => (domain === "" ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`));
  return `${header}${[...local, ...own].join("\n")}\n${aliasLines(hostAliases)}`;
}
