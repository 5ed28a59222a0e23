import { certificatesigningrequests } from "../../api/generated/certificates-v1.ts";
import { leases } from "../../api/generated/coordination-v1.ts";
import { configmaps, endpoints, events, nodes, pods, secrets, services, type ConfigMap, type Endpoints, type Node, type Pod, type PodStatus, type Secret, type Service } from "../../api/generated/core-v1.ts";
import { endpointslices, type EndpointSlice } from "../../api/generated/discovery-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { StoredForm } from "../../kube-apiserver/cache/cache-entry.ts";
import { prefixInKey, prefixOf, storageRoot } from "../../kube-apiserver/cache/storage-keys.ts";
import { cidrContains, parseCidr, parseIp, type Cidr } from "../../stdx/ip.ts";
import { isEncrypted } from "../../storage/encryption/transformer.ts";
import type { Entry } from "../../storage/store.ts";
import type { ClusterSpec } from "../spec.ts";

/** What a fork must know of itself and of the cluster that it comes from. */
export interface ForkFacts {
  readonly from: Pick<ClusterSpec, "podCidr" | "nodeCidr">;
  readonly to: Pick<ClusterSpec, "podCidr" | "nodes">;
  /** The fork's own authority, in PEM. */
  readonly caPem: string;
}

/** What is done to the objects of one resource: the object as it is in the fork, the same one when nothing is to change, undefined when it is left behind. */
type Rewrite = (object: KubeObject, facts: ForkFacts) => KubeObject | undefined;
interface Rule {
  readonly type: ResourceType;
  readonly rewrite: Rewrite;
}
const rule = <T extends KubeObject>(type: ResourceType<T>, rewrite: (object: T, facts: ForkFacts) => KubeObject | undefined): Rule => ({ type, rewrite: rewrite as unknown as Rewrite });
const leave: Rewrite = () => undefined;
const leftBehind = (type: ResourceType): Rule => ({ type, rewrite: leave });

/**
 * Everything in a cluster's state that says who the cluster is, where it is, or what runs in it. All other objects are the same in a fork, UIDs
 * included: names of cgroups, folders and traces that are made of UIDs lie under the cluster's own.
 */
const rules: readonly Rule[] = [
  rule(nodes, movedNode),
  rule(pods, freshPod),
  rule(services, movedService),
  rule(endpoints, movedEndpoints),
  rule(endpointslices, movedSlice),
  rule(configmaps, trustingConfigMap),
  rule(secrets, tokenlessSecret),
  // Signs of life are each node's own, and are written anew as soon as it has started.
  rule(leases, (lease) => (lease.metadata.namespace === "kube-node-lease" ? undefined : lease)),
  // What happened, happened in the other cluster.
  leftBehind(events),
  // They ask for signatures of the other cluster's authority.
  leftBehind(certificatesigningrequests),
];
const byPrefix = new Map(rules.map(({ type, rewrite }) => [prefixOf(type), { form: new StoredForm(type), rewrite }]));

/** Which servers of the other cluster live. */
const masterLeases = `${storageRoot}masterleases/`;
/** With one of them a machine joins the other cluster; told by their name, since their content may be encrypted. */
const bootstrapTokens = `${prefixOf(secrets)}kube-system/bootstrap-token-`;

/** An entry as it is in the fork; undefined when it is left behind. */
export function forkedEntry(entry: Entry, facts: ForkFacts): Entry | undefined {
  if (entry.key.startsWith(masterLeases) || entry.key.startsWith(bootstrapTokens)) return undefined;
  const found = byPrefix.get(prefixInKey(entry.key, byPrefix) ?? "");
  if (!found) return entry;
  if (found.rewrite === leave) return undefined;
  if (isEncrypted(entry.value)) {
    if (found.form.kind !== secrets.kind) throw new Error(`${entry.key} is encrypted at rest, and must be another one in the fork: only Secrets may be encrypted in a cluster that is forked`);
    return entry; // The fork has the keys.
  }
  const object = found.form.decode(entry.value, entry.revision);
  const forked = found.rewrite(object, facts);
  return forked === undefined ? undefined : forked === object ? entry : { ...entry, value: found.form.encode(forked) };
}

/** The same part of the fork's block as the node had of the other's: "10.128.3.0/24" → "10.129.3.0/24". Undefined for what was not of that block. */
function movedCidr(text: string | undefined, { from, to }: ForkFacts): string | undefined {
  const [octets, length] = (text ?? "").split("/");
  const [old, next] = [from.podCidr.split(".").slice(0, 2).join("."), to.podCidr.split(".").slice(0, 2).join(".")];
  return octets?.startsWith(`${old}.`) === true ? `${next}.${octets.slice(old.length + 1)}/${length}` : undefined;
}

function movedNode(node: Node, facts: ForkFacts): Node | undefined {
  const own = facts.to.nodes.find(({ name }) => name === node.metadata.name);
  // A machine that has joined the other cluster has not joined this one.
  if (!own) return undefined;
  const { podCIDR: _, podCIDRs: __, ...spec } = node.spec ?? {};
  const podCidr = movedCidr(node.spec?.podCIDR, facts);
  // What its kubelet says of it, it says again; until then nothing is known.
  const { conditions: ___, images: ____, volumesInUse: _____, volumesAttached: ______, ...status } = node.status ?? {};
  return {
    ...node,
    spec: { ...spec, ...(podCidr !== undefined && { podCIDR: podCidr, podCIDRs: [podCidr] }) },
    status: { ...status, addresses: [{ type: "InternalIP", address: own.address }, { type: "Hostname", address: node.metadata.name ?? "" }] },
  };
}

const ended: ReadonlySet<string | undefined> = new Set(["Succeeded", "Failed"]);
/** Conditions that others than the kubelet set, which hold in the fork as well. */
const scheduled: ReadonlySet<string> = new Set(["PodScheduled", "DisruptionTarget"]);

/** A pod that ran has yet to start in the fork; one that has ended, has ended. */
function freshPod(pod: Pod, { from }: ForkFacts): Pod {
  if (ended.has(pod.status?.phase)) return { ...pod, status: withoutAddresses(pod.status ?? {}, from) };
  const { qosClass, nominatedNodeName, conditions = [] } = pod.status ?? {};
  const kept = conditions.filter(({ type }) => scheduled.has(type));
  return { ...pod, status: { phase: "Pending", ...(kept.length > 0 && { conditions: kept }), ...(qosClass !== undefined && { qosClass }), ...(nominatedNodeName !== undefined && { nominatedNodeName }) } };
}

function withoutAddresses({ podIP, podIPs, hostIP, hostIPs, ...status }: PodStatus, from: ForkFacts["from"]): PodStatus {
  const isForeign = (ip: string | undefined) => ip !== undefined && isOf(from, ip);
  return {
    ...status, ...(podIP !== undefined && !isForeign(podIP) && { podIP, ...(podIPs && { podIPs }) }), ...(hostIP !== undefined && !isForeign(hostIP) && { hostIP, ...(hostIPs && { hostIPs }) }),
  };
}

function movedService(service: Service, { from }: ForkFacts): Service {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const kept = ingress.filter(({ ip }) => ip === undefined || !isOf(from, ip));
  return kept.length === ingress.length ? service : { ...service, status: { ...service.status, loadBalancer: kept.length > 0 ? { ingress: kept } : {} } };
}

/** Were they kept, the fork's services would lead into the other cluster until the fork's own pods have addresses. */
function movedEndpoints(object: Endpoints, { from }: ForkFacts): Endpoints {
  const subsets = (object.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ...subset }) => {
    const [ready, unready] = [addresses.filter(({ ip }) => !isOf(from, ip)), notReadyAddresses.filter(({ ip }) => !isOf(from, ip))];
    return ready.length + unready.length === 0 ? [] : [{ ...subset, ...(ready.length > 0 && { addresses: ready }), ...(unready.length > 0 && { notReadyAddresses: unready }) }];
  });
  const { subsets: _, ...rest } = object;
  return subsets.length > 0 ? { ...rest, subsets } : rest;
}

function movedSlice(slice: EndpointSlice, { from }: ForkFacts): EndpointSlice {
  const present = slice.endpoints ?? [];
  const kept = present.filter(({ addresses }) => !addresses.some((address) => isOf(from, address)));
  return kept.length === present.length ? slice : { ...slice, endpoints: kept };
}

/** Pods start before the controller has come to it, and must trust the fork's server by then. */
function trustingConfigMap(configMap: ConfigMap, { caPem }: ForkFacts): ConfigMap {
  return configMap.metadata.name === "kube-root-ca.crt" ? { ...configMap, data: { "ca.crt": caPem } } : configMap;
}

/** A token that the other cluster has signed is none here. */
function tokenlessSecret(secret: Secret, { caPem }: ForkFacts): Secret {
  if (secret.type !== "kubernetes.io/service-account-token") return secret;
  const { token: _, ...data } = secret.data ?? {};
  return { ...secret, data: { ...data, "ca.crt": Buffer.from(caPem).toString("base64") } };
}

const blocks = new Map<string, Cidr | undefined>();
function isOf({ podCidr, nodeCidr }: ForkFacts["from"], address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && [podCidr, nodeCidr].some((text) => {
    if (!blocks.has(text)) blocks.set(text, parseCidr(text));
    const block = blocks.get(text);
    return block !== undefined && cidrContains(block, ip);
  });
}
