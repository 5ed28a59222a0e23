import { createHash } from "node:crypto";
import type { ServicePortRoute, Target } from "./service-ports.ts";

/** The rules of one node as data: chains by name, and elements of the verdict maps by key. Two of them can be compared. */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly elements: Readonly<Record<MapName, ReadonlyMap<string, string>>>;
  /** Sets that remember which client goes where, with their timeout in seconds. */
  readonly affinities: ReadonlyMap<string, number>;
}
export type MapName = "service-ips" | "service-nodeports" | "no-endpoint-services" | "no-endpoint-nodeports";
export const mapNames: readonly MapName[] = ["service-ips", "service-nodeports", "no-endpoint-services", "no-endpoint-nodeports"];

/** The table has the name that upstream's kube-proxy gives it, so that two of them do not work side by side unnoticed. */
export const table = "ip kube-proxy";
/** Marks a packet whose source has to become the node's own: the answer must come back this way. */
const masqueradeMark = "0x4000";

const idOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 10);
const chainPart = (name: string): string => name.replaceAll(/[^A-Za-z0-9/_-]/g, "-").replaceAll("/", "-").slice(0, 80);

/** `clusterCidr` tells pods from others: what comes from elsewhere to a cluster address is masqueraded. */
export function rulesetOf(routes: readonly ServicePortRoute[], options: { readonly clusterCidr: string }): Ruleset {
  const chains = new Map<string, readonly string[]>();
  const affinities = new Map<string, number>();
  const maps: Record<MapName, Map<string, string>> = { "service-ips": new Map(), "service-nodeports": new Map(), "no-endpoint-services": new Map(), "no-endpoint-nodeports": new Map() };

  for (const route of routes) {
    const id = idOf(`${route.name}/${route.protocol}/${route.port}`);
    const label = `${chainPart(route.name)}-${route.protocol}`;
    const addressKey = (ip: string) => `${ip} . ${route.protocol} . ${route.port}`;

    if (route.internal.length > 0) {
      const chain = `service-${id}-${label}`;
      chains.set(chain, [`ip saddr != ${options.clusterCidr} jump mark-for-masquerade`, ...balance(route, route.internal, id, chains, affinities)]);
      for (const ip of route.clusterIps) maps["service-ips"].set(addressKey(ip), `goto ${chain}`);
    } else for (const ip of route.clusterIps) maps["no-endpoint-services"].set(addressKey(ip), "goto reject-chain");

    if (route.nodePort === undefined && route.externalIps.length === 0) continue;
    const nodePortKey = route.nodePort === undefined ? undefined : `${route.protocol} . ${route.nodePort}`;
    // A pod that asks for an outside address of a Local service is inside, and gets any endpoint; so does the node itself.
    const fromInside = route.externalLocal && route.internal.length > 0;
    if (route.external.length > 0 || fromInside) {
      const chain = `external-${id}-${label}`;
      const rules = route.externalLocal
        ? [
            ...(fromInside ? [`ip saddr ${options.clusterCidr} goto service-${id}-${label}`, `fib saddr type local jump mark-for-masquerade`, `fib saddr type local goto service-${id}-${label}`] : []),
            ...(route.external.length > 0 ? balance(route, route.external, id, chains, affinities) : ["drop"]),
          ]
        : ["jump mark-for-masquerade", ...balance(route, route.external, id, chains, affinities)];
      chains.set(chain, rules);
      for (const ip of route.externalIps) maps["service-ips"].set(addressKey(ip), `goto ${chain}`);
      if (nodePortKey !== undefined) maps["service-nodeports"].set(nodePortKey, `goto ${chain}`);
    } else {
      const verdict = route.externalLocal ? "drop" : "goto reject-chain";
      for (const ip of route.externalIps) maps["no-endpoint-services"].set(addressKey(ip), verdict);
      if (nodePortKey !== undefined) maps["no-endpoint-nodeports"].set(nodePortKey, verdict);
    }
  }
  return { chains, elements: maps, affinities };
}

/** Spreads over targets evenly; with affinity a client that is remembered goes where it went. */
function balance(route: ServicePortRoute, among: readonly Target[], id: string, chains: Map<string, readonly string[]>, affinities: Map<string, number>): readonly string[] {
  const chainOf = (target: Target): string => {
    const name = `endpoint-${id}-${target.ip}-${target.port}`;
    const affinity = `affinity-${id}-${target.ip}-${target.port}`;
    if (route.affinitySeconds !== undefined) affinities.set(affinity, route.affinitySeconds);
    chains.set(name, [
      // A pod that reaches itself through its Service must not get its own address as the sender.
      `ip saddr ${target.ip} jump mark-for-masquerade`,
      ...(route.affinitySeconds === undefined ? [] : [`update @${affinity} { ip saddr }`]),
      `meta l4proto ${route.protocol} dnat to ${target.ip}:${target.port}`,
    ]);
    return name;
  };
  const names = among.map(chainOf);
  const remembered = route.affinitySeconds === undefined ? [] : among.map((target, index) => `ip saddr @affinity-${id}-${target.ip}-${target.port} goto ${names[index]}`);
  const verdicts = names.map((name, index) => `${index} : goto ${name}`).join(", ");
  return [...remembered, names.length === 1 ? `goto ${names[0]}` : `numgen random mod ${names.length} vmap { ${verdicts} }`];
}



/** Everything that does not depend on any Service. */
function base(options: { readonly serviceCidr: string }): string {
  return `
add table ${table}
delete table ${table}
table ${table} {
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  map service-nodeports { type inet_proto . inet_service : verdict; }
  map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
  chain mark-for-masquerade { meta mark set meta mark or ${masqueradeMark}; }
  chain reject-chain { reject; }
  chain services {
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports
  }
  chain no-endpoints {
    ip daddr . meta l4proto . th dport vmap @no-endpoint-services
    fib daddr type local meta l4proto . th dport vmap @no-endpoint-nodeports
  }
  chain prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain postrouting {
    type nat hook postrouting priority srcnat
    meta mark & ${masqueradeMark} == 0 return
    meta mark set meta mark xor ${masqueradeMark}
    masquerade fully-random
  }
  chain filter-input { type filter hook input priority -110; ct state new jump no-endpoints; }
  chain filter-forward {
    type filter hook forward priority -110
    ct state new jump no-endpoints
    ct status dnat accept
    ip daddr ${options.serviceCidr} reject
  }
  chain filter-output {
    type filter hook output priority -110
    ct state new jump no-endpoints
  }
}
`;
}

const addChain = (name: string): string => `add chain ${table} ${name}`;
const chainLines = (name: string, rules: readonly string[]): readonly string[] => rules.map((rule) => `add rule ${table} ${name} ${rule}`);
const affinityLine = (name: string, seconds: number): string => `add set ${table} ${name} { type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; }`;

/** The whole table anew, in one transaction: for a start, and after an error. */
export function wholeTransaction(next: Ruleset, options: { readonly serviceCidr: string }): string {
  return [
    base(options),
    ...[...next.affinities].map(([name, seconds]) => affinityLine(name, seconds)),
    ...[...next.chains.keys()].map(addChain),
    ...[...next.chains].flatMap(([name, rules]) => chainLines(name, rules)),
    ...mapNames.flatMap((map) => elementLines("add", map, next.elements[map])),
    "",
  ].join("\n");
}

const elementLines = (verb: "add" | "delete", map: MapName, elements: ReadonlyMap<string, string>): readonly string[] =>
  elements.size === 0 ? [] : [`${verb} element ${table} ${map} { ${[...elements].map(([key, verdict]) => (verb === "add" ? `${key} : ${verdict}` : key)).join(", ")} }`];

const sameRules = (a: readonly string[] | undefined, b: readonly string[]): boolean => a !== undefined && a.length === b.length && a.every((rule, index) => rule === b[index]);

/** The smallest transaction from one ruleset to the next; empty when they are the same. What is still referred to is never removed before its last user. */
export function changeTransaction(previous: Ruleset, next: Ruleset): string {
  const lines: string[] = [];
  const newAffinities = [...next.affinities].filter(([name, seconds]) => previous.affinities.get(name) !== seconds);
  const goneAffinities = [...previous.affinities.keys()].filter((name) => !next.affinities.has(name));
  const changedChains = [...next.chains].filter(([name, rules]) => !sameRules(previous.chains.get(name), rules));
  const goneChains = [...previous.chains.keys()].filter((name) => !next.chains.has(name));

  for (const [name, seconds] of newAffinities) if (!previous.affinities.has(name)) lines.push(affinityLine(name, seconds));
  for (const [name] of changedChains) lines.push(previous.chains.has(name) ? `flush chain ${table} ${name}` : addChain(name));
  for (const [name, rules] of changedChains) lines.push(...chainLines(name, rules));
  for (const map of mapNames) {
    const [before, after] = [previous.elements[map], next.elements[map]];
    const removed = new Map([...before].filter(([key, verdict]) => after.get(key) !== verdict));
    const added = new Map([...after].filter(([key, verdict]) => before.get(key) !== verdict));
    lines.push(...elementLines("delete", map, removed), ...elementLines("add", map, added));
  }
  for (const name of goneChains) lines.push(`flush chain ${table} ${name}`);
  for (const name of goneChains) lines.push(`delete chain ${table} ${name}`);
  for (const name of goneAffinities) lines.push(`delete set ${table} ${name}`);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
