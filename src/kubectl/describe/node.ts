import { canonicalQuantity, quantityMilliValue, quantityValue, type Quantity } from "../../apimachinery/quantity.ts";
import { since } from "../../apimachinery/duration.ts";
import type { Session } from "../session.ts";
import { messageOf } from "../errors.ts";
import { isForbidden } from "../status.ts";
import { dateText, describeAnnotations, describeEvents, describeLabels, eventsOf } from "./common.ts";
import type { DescribeSettings } from "./describers.ts";
import { FieldWriter } from "./field-writer.ts";
import { addLists, podResources, quantityText } from "./pod-resources.ts";
import type { Node, Pod } from "./types.ts";

const rolePrefix = "node-role.kubernetes.io/";

function rolesOf(labels: Readonly<Record<string, string>> = {}): string {
  const roles = Object.entries(labels).flatMap(([key, value]) => (key.startsWith(rolePrefix) && key.length > rolePrefix.length ? [key.slice(rolePrefix.length)] : key === "kubernetes.io/role" && value !== "" ? [value] : []));
  return roles.length === 0 ? "<none>" : [...new Set(roles)].toSorted().join(",");
}

async function podsOn(session: Session, name: string): Promise<readonly Pod[] | undefined> {
  try {
    const { items } = await session.json<{ readonly items?: readonly Pod[] }>({
      method: "GET", path: "/api/v1/pods", resource: "pods", query: { fieldSelector: `spec.nodeName=${name},status.phase!=Failed,status.phase!=Succeeded`, limit: "500" },
    });
    return items ?? [];
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

async function describeLease(w: FieldWriter, session: Session, name: string): Promise<void> {
  try {
    const { spec } = await session.json<{ readonly spec?: { readonly holderIdentity?: string; readonly acquireTime?: string; readonly renewTime?: string } }>({
      method: "GET", path: `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${encodeURIComponent(name)}`, resource: "leases.coordination.k8s.io",
    });
    w.line(0, "Lease:");
    w.line(1, `HolderIdentity:\t${spec?.holderIdentity ?? "<unset>"}`);
    w.line(1, `AcquireTime:\t${spec?.acquireTime === undefined ? "<unset>" : dateText(spec.acquireTime)}`);
    w.line(1, `RenewTime:\t${spec?.renewTime === undefined ? "<unset>" : dateText(spec.renewTime)}`);
  } catch (error) {
    session.signal.throwIfAborted();
    w.line(0, `Lease:\tFailed to get lease: ${messageOf(error)}`);
  }
}

type Amounts = Readonly<Record<string, string | number>> | undefined;

/** Whole percents, as Go converts a quotient: what is divided by nothing shows the smallest integer there is. */
function percent(part: number, whole: number): string {
  if (whole === 0) return part === 0 ? "-9223372036854775808" : "9223372036854775807";
  return String(Math.trunc((part / whole) * 100));
}

function describePods(w: FieldWriter, node: Node, pods: readonly Pod[], now: number): void {
  const allocatable: Amounts = Object.keys(node.status?.allocatable ?? {}).length > 0 ? node.status?.allocatable : node.status?.capacity;
  const [cpu, memory] = [quantityMilliValue(allocatable?.["cpu"] ?? 0), quantityValue(allocatable?.["memory"] ?? 0)];
  w.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  w.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
  w.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
  const cpuCell = (quantity: Quantity | undefined): string => `${quantityText(quantity)} (${percent(quantity ? quantityMilliValue(quantity) : 0, cpu)}%)`;
  const memoryCell = (quantity: Quantity | undefined): string => `${quantityText(quantity)} (${percent(quantity ? quantityValue(quantity) : 0, memory)}%)`;
  let [requests, limits]: [ReadonlyMap<string, Quantity>, ReadonlyMap<string, Quantity>] = [new Map(), new Map()];
  for (const pod of pods) {
    const [request, limit] = [podResources(pod, "requests"), podResources(pod, "limits")];
    [requests, limits] = [addLists(requests, request), addLists(limits, limit)];
    w.line(1, [
      pod.metadata.namespace, pod.metadata.name, "", cpuCell(request.get("cpu")), cpuCell(limit.get("cpu")), memoryCell(request.get("memory")), memoryCell(limit.get("memory")), since(pod.metadata.creationTimestamp, now),
    ].join("\t"));
  }
  w.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
  w.line(1, "Resource\tRequests\tLimits");
  w.line(1, "--------\t--------\t------");
  const cell = (name: string, quantity: Quantity | undefined): string => {
    const value = (amount: Quantity | string | number): number => (name === "cpu" ? quantityMilliValue(amount) : quantityValue(amount));
    const whole = value(allocatable?.[name] ?? 0);
    return `${quantityText(quantity)} (${whole === 0 ? 0 : percent(quantity ? value(quantity) : 0, whole)}%)`;
  };
  const names = Object.keys(allocatable ?? {}).toSorted();
  const hugePages = names.filter((name) => name.startsWith("hugepages-"));
  for (const name of ["cpu", "memory", "ephemeral-storage", ...hugePages]) w.line(1, `${name}\t${cell(name, requests.get(name))}\t${cell(name, limits.get(name))}`);
  for (const name of names.filter((each) => !hugePages.includes(each) && !["cpu", "memory", "ephemeral-storage", "pods"].includes(each))) w.line(1, `${name}\t${quantityText(requests.get(name))}\t${quantityText(limits.get(name))}`);
}

export async function describeNode(session: Session, node: Node, settings: DescribeSettings): Promise<string> {
  const { metadata, spec, status } = node;
  const name = metadata.name ?? "";
  const about = (uid: string) => eventsOf(session, { name, namespace: "", uid, kind: "Node" });
  // Events of controllers carry the node's UID, the kubelet's its name.
  const [pods, own, named] = await Promise.all([podsOn(session, name), settings.showEvents ? about(metadata.uid ?? "") : undefined, settings.showEvents ? about(name) : undefined]);
  const w = new FieldWriter();
  w.line(0, `Name:\t${name}`);
  w.line(0, `Roles:\t${rolesOf(metadata.labels)}`);
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  w.line(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}`);
  const taints = (spec?.taints ?? []).map(({ key, value = "", effect }) => ({ order: `${effect},${key}`, text: `${key}${value === "" ? "" : `=${value}`}:${effect}` })).toSorted((a, b) => (a.order < b.order ? -1 : 1));
  w.write(0, "Taints:\t");
  if (taints.length === 0) w.line(0, "<none>");
  taints.forEach(({ text }, index) => w.line(0, `${index > 0 ? "\t" : ""}${text}`));
  w.line(0, `Unschedulable:\t${spec?.unschedulable ?? false}`);
  await describeLease(w, session, name);
  if ((status?.conditions ?? []).length > 0) {
    w.line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    w.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for (const each of status?.conditions ?? []) w.line(1, `${each.type} \t${each.status} \t${dateText(each.lastHeartbeatTime)} \t${dateText(each.lastTransitionTime)} \t${each.reason ?? ""} \t${each.message ?? ""}`);
  }
  w.line(0, "Addresses:");
  for (const { type, address } of status?.addresses ?? []) w.line(1, `${type}:\t${address}`);
  for (const [title, amounts] of [["Capacity", status?.capacity], ["Allocatable", status?.allocatable]] as const) {
    const entries = Object.entries(amounts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length > 0) w.line(0, `${title}:`);
    for (const [resource, quantity] of entries) w.line(1, `${resource}:\t${canonicalQuantity(quantity)}`);
  }
  const info = status?.nodeInfo;
  w.line(0, "System Info:");
  for (const [title, value] of [
    ["Machine ID", info?.machineID], ["System UUID", info?.systemUUID], ["Boot ID", info?.bootID], ["Kernel Version", info?.kernelVersion], ["OS Image", info?.osImage], ["Operating System", info?.operatingSystem],
    ["Architecture", info?.architecture], ["Container Runtime Version", info?.containerRuntimeVersion], ["Kubelet Version", info?.kubeletVersion],
  ] as const) w.line(1, `${title}:\t${value ?? ""}`);
  if ((spec?.podCIDR ?? "") !== "") w.line(0, `PodCIDR:\t${spec?.podCIDR}`);
  if ((spec?.podCIDRs ?? []).length > 0) w.line(0, `PodCIDRs:\t${(spec?.podCIDRs ?? []).join(",")}`);
  if ((spec?.providerID ?? "") !== "") w.line(0, `ProviderID:\t${spec?.providerID}`);
  if (pods) describePods(w, node, pods, session.now);
  else w.line(0, "Pods:\tnot authorized");
  if (own || named) describeEvents(w, [...(own ?? []), ...(named ?? [])], session.now);
  return w.toString();
}
