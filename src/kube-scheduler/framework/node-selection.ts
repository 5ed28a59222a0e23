import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../../api/generated/core-v1.ts";
import { matchesLabels, matcherOfLabels, type LabelMatcher, type LabelOperator, type LabelRequirement } from "../../apimachinery/label-selector.ts";

/** A test of one node, parsed once per pod. */
export type NodePredicate = (node: Node) => boolean;

const operators: Readonly<Record<string, LabelOperator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!", Gt: "gt", Lt: "lt" };

/** A term without any requirement matches no node; neither does one that cannot be understood. */
export function termPredicate({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodePredicate {
  if (matchExpressions.length === 0 && matchFields.length === 0) return () => false;
  const requirements: LabelRequirement[] = [];
  for (const { key, operator, values = [] } of matchExpressions) {
    const known = operators[operator];
    if (known === undefined) return () => false;
    requirements.push({ key, operator: known, values });
  }
  const matcher: LabelMatcher = { requirements };
  return (node) => matchesLabels(matcher, node.metadata.labels) && matchFields.every((field) => matchesField(field, node));
}

function matchesField({ key, operator, values = [] }: NodeSelectorRequirement, node: Node): boolean {
  if (values.length !== 1) return false;
  const same = (key === "metadata.name" ? (node.metadata.name ?? "") : "") === values[0];
  return operator === "In" ? same : operator === "NotIn" && !same;
}

/** What `nodeSelector` and the required part of node affinity demand together; undefined when they demand nothing. */
export function requiredNodes(pod: Pod): NodePredicate | undefined {
  const { nodeSelector = {}, affinity } = pod.spec ?? {};
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const labels = Object.keys(nodeSelector).length === 0 ? undefined : matcherOfLabels(nodeSelector);
  const terms = required?.nodeSelectorTerms?.map(termPredicate);
  if (!labels && !terms) return undefined;
  return (node) => (!labels || matchesLabels(labels, node.metadata.labels)) && (!terms || terms.some((matches) => matches(node)));
}

/** Nodes named by `metadata.name` in every term, as pods of DaemonSets have it: then only those need to be looked at. */
export function namedNodes(pod: Pod): ReadonlySet<string> | undefined {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  let names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In").map(({ values = [] }) => new Set(values));
    const [first, ...others] = lists;
    if (!first) return undefined;
    names = names.union(others.reduce((both, other) => both.intersection(other), first));
  }
  return names;
}

export interface PreferredNodes { readonly weight: number; readonly matches: NodePredicate }

export const preferredNodes = (pod: Pod): PreferredNodes[] =>
  (pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    // An empty preferred term matches no node, and a weight of 0 changes nothing.
    .filter(({ weight }) => weight !== 0)
    .map(({ weight, preference }) => ({ weight, matches: termPredicate(preference) }));
