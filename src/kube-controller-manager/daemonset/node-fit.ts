import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, Toleration } from "../../api/generated/core-v1.ts";
import { tolerates } from "../taint-eviction/plan.ts";

/** What keeps a daemon on nodes that others should leave. */
export const daemonTolerations = (hostNetwork: boolean): readonly Toleration[] => [
  ...["not-ready", "unreachable"].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute" })),
  ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable", ...(hostNetwork ? ["network-unavailable"] : [])].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoSchedule" })),
];

export interface Fit {
  readonly shouldRun: boolean;
  /** A pod that is there already may stay. */
  readonly mayStay: boolean;
}

/** Whether a daemon belongs on a node, by the rules that the scheduler follows too. */
export function fitOf(spec: NonNullable<Pod["spec"]>, node: Node): Fit {
  if (spec.nodeName !== undefined && spec.nodeName !== "" && spec.nodeName !== node.metadata.name) return { shouldRun: false, mayStay: false };
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!selected || (terms && !terms.some((term) => matchesTerm(term, node)))) return { shouldRun: false, mayStay: false };
  const tolerations = [...(spec.tolerations ?? []), ...daemonTolerations(spec.hostNetwork === true)];
  const untolerated = (node.spec?.taints ?? []).filter((taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint)));
  return { shouldRun: untolerated.length === 0, mayStay: untolerated.every(({ effect }) => effect !== "NoExecute") };
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((each) => matches(each, node.metadata.labels?.[each.key])) && matchFields.every((each) => matches(each, each.key === "metadata.name" ? node.metadata.name : undefined));
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In": return value !== undefined && values.includes(value);
    case "NotIn": return value === undefined || !values.includes(value);
    case "Exists": return value !== undefined;
    case "DoesNotExist": return value === undefined;
    case "Gt": return value !== undefined && Number.parseInt(value, 10) > Number.parseInt(values[0] ?? "", 10);
    case "Lt": return value !== undefined && Number.parseInt(value, 10) < Number.parseInt(values[0] ?? "", 10);
    default: return false;
  }
}
