import type { NodeSelectorTerm } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

/** Labels of nodes that have a newer name. */
export const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
  "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  "app.kubernetes.io/created-by": "deprecated since v1.9",
  "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
  "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
};

function expressionWarnings(expressions: readonly { readonly key: string }[] = [], path: string): readonly string[] {
  const found: string[] = [];
  for (const [index, { key }] of expressions.entries()) {
    if (deprecatedNodeLabels[key] !== undefined) found.push(`${path}[${index}].key: ${key} is ${deprecatedNodeLabels[key]}`);
  }
  return found;
}

export const nodeTermWarnings = (term: NodeSelectorTerm, path: string): Iterable<string> => expressionWarnings(term.matchExpressions, `${path}.matchExpressions`);

export function nodeSelectorWarnings(selector: LabelSelector | undefined, path: string): readonly string[] {
  const found: string[] = [];
  addAll(found, expressionWarnings(selector?.matchExpressions, `${path}.matchExpressions`));
  for (const key of Object.keys(selector?.matchLabels ?? {})) {
    if (deprecatedNodeLabels[key] !== undefined) found.push(`${path}.matchLabels.${key}: ${deprecatedNodeLabels[key]}`);
  }
  return found;
}
