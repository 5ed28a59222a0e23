import type { Node, NodeSelectorRequirement, Pod } from "../../api/generated/core-v1.ts";
import { quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import type { ResizeVerdict } from "../status/conditions.ts";
import type { PodVerdict } from "../status/pod-status.ts";
import { isSidecar, specOf } from "./pod.ts";

type Amounts = ReadonlyMap<string, number>;
const amountOf = (name: string, text: string): number => (name === "cpu" ? quantityMilliValue(text) : quantityValue(text));

/** What a pod asks for together: main containers and sidecars at once, or the largest init container with the sidecars before it. */
export function requestsOf(pod: Pod): Amounts {
  const { containers, initContainers = [], overhead = {}, resources } = specOf(pod);
  const total = new Map<string, number>();
  const add = (to: Map<string, number>, list: Readonly<Record<string, string>> = {}): void => {
    for (const [name, text] of Object.entries(list)) to.set(name, (to.get(name) ?? 0) + amountOf(name, text));
  };
  for (const container of containers) add(total, container.resources?.requests);
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of initContainers) {
    const now = new Map(sidecars);
    add(now, container.resources?.requests);
    if (isSidecar(container)) {
      add(sidecars, container.resources?.requests);
      add(total, container.resources?.requests);
    }
    for (const [name, amount] of now) peak.set(name, Math.max(peak.get(name) ?? 0, amount));
  }
  for (const [name, amount] of peak) total.set(name, Math.max(total.get(name) ?? 0, amount));
  for (const [name, text] of Object.entries(resources?.requests ?? {})) total.set(name, amountOf(name, text));
  add(total, overhead);
  return total;
}

const resourceName = (name: string): string => (name === "ephemeral-storage" ? "ephemeral-storage" : name);

function outOf(pod: Pod, others: readonly Pod[], allocatable: Readonly<Record<string, string>>): PodVerdict | undefined {
  const refuse = (name: string, requested: number, used: number, capacity: number): PodVerdict =>
    ({ reason: `OutOf${resourceName(name)}`, message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}` });
  const pods = quantityValue(allocatable["pods"] ?? "0");
  if (others.length + 1 > pods) return refuse("pods", 1, others.length, pods);
  const all = others.map(requestsOf);
  for (const [name, requested] of requestsOf(pod)) {
    if (requested === 0) continue;
    const used = all.reduce((sum, amounts) => sum + (amounts.get(name) ?? 0), 0);
    const capacity = amountOf(name, allocatable[name] ?? "0");
    if (requested > capacity - used) return refuse(name, requested, used, capacity);
  }
  return undefined;
}

/** Whether the node can give a pod other resources than it has: undefined when it can, else whether to wait. */
export function admitResize(pod: Pod, others: readonly Pod[], allocatable: Readonly<Record<string, string>>): ResizeVerdict | undefined {
  const all = others.map(requestsOf);
  for (const [name, requested] of requestsOf(pod)) {
    const capacity = amountOf(name, allocatable[name] ?? "0");
    if (requested > capacity) return { type: "PodResizePending", reason: "Infeasible", message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}` };
  }
  for (const [name, requested] of requestsOf(pod)) {
    const capacity = amountOf(name, allocatable[name] ?? "0");
    const used = all.reduce((sum, amounts) => sum + (amounts.get(name) ?? 0), 0);
    if (requested > capacity - used) return { type: "PodResizePending", reason: "Deferred", message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}` };
  }
  return undefined;
}

const portsOf = (pod: Pod): readonly string[] =>
  [...specOf(pod).containers, ...(specOf(pod).initContainers ?? []).filter(isSidecar)].flatMap(({ ports = [] }) => ports.flatMap(({ hostPort = 0, hostIP = "", protocol = "TCP" }) => (hostPort > 0 ? [`${protocol} ${hostPort} ${hostIP === "" ? "0.0.0.0" : hostIP}`] : [])));

function portsConflict(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap(portsOf).map((port) => port.split(" "));
  return portsOf(pod).some((port) => {
    const [protocol, number, ip] = port.split(" ");
    return taken.some(([otherProtocol, otherNumber, otherIp]) => protocol === otherProtocol && number === otherNumber && (ip === otherIp || ip === "0.0.0.0" || otherIp === "0.0.0.0"));
  });
}

function matches({ key, operator, values = [] }: NodeSelectorRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case "In": return value !== undefined && values.includes(value);
    case "NotIn": return value === undefined || !values.includes(value);
    case "Exists": return value !== undefined;
    case "DoesNotExist": return value === undefined;
    case "Gt": return value !== undefined && Number(value) > Number(values[0]);
    case "Lt": return value !== undefined && Number(value) < Number(values[0]);
    default: return false;
  }
}

function fitsNode(pod: Pod, node: Node): boolean {
  const { nodeSelector = {}, affinity } = specOf(pod);
  const labels = node.metadata.labels ?? {};
  if (Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value)) return false;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!terms) return true;
  const fields = { "metadata.name": node.metadata.name ?? "" };
  return terms.some(({ matchExpressions = [], matchFields = [] }) =>
    matchExpressions.length + matchFields.length > 0 && matchExpressions.every((each) => matches(each, labels)) && matchFields.every((each) => matches(each, fields)));
}

function untolerated(pod: Pod, node: Node): boolean {
  return (node.spec?.taints ?? []).some(({ key, value = "", effect }) => effect === "NoExecute" && !(specOf(pod).tolerations ?? []).some((toleration) =>
    (toleration.effect === undefined || toleration.effect === "" || toleration.effect === effect)
    && (toleration.key === undefined || toleration.key === "" ? toleration.operator === "Exists" : toleration.key === key && (toleration.operator === "Exists" || (toleration.value ?? "") === value))));
}

/** The node's own look at a pod that was given to it: whoever bound it may have known less. Undefined when it is welcome. */
export function admit(pod: Pod, others: readonly Pod[], node: Node | undefined, allocatable: Readonly<Record<string, string>>): PodVerdict | undefined {
  const predicate = (name: string, text: string): PodVerdict => ({ reason: name, message: `Predicate ${name} failed: ${text}` });
  const verdict = outOf(pod, others, allocatable)
    ?? (node && !fitsNode(pod, node) ? predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector") : undefined)
    ?? (portsConflict(pod, others) ? predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports") : undefined)
    ?? (node && untolerated(pod, node) ? predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate") : undefined);
  return verdict;
}
