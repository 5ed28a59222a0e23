import type { ClusterRole, PolicyRule } from "../../api/generated/rbac-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";

export const isAggregated = ({ aggregationRule }: ClusterRole): boolean => (aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

/**
 * The rules that a role gathers from others by its aggregationRule, in the order of the selectors and then of names, each rule once. Roles that are
 * gathered may gather themselves (`edit` is part of `admin`); a role is visited once, so that circles end.
 */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[], visited: ReadonlySet<string> = new Set()): readonly PolicyRule[] {
  const seen = new Set([...visited, role.metadata.name ?? ""]);
  const rules = new Map<string, PolicyRule>();
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = labelMatcherOf(selector);
    const chosen = all.filter(({ metadata }) => !seen.has(metadata.name ?? "") && matchesLabels(matcher, metadata.labels));
    for (const each of chosen.toSorted((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1))) {
      for (const rule of isAggregated(each) ? aggregatedRules(each, all, seen) : each.rules ?? []) {
        const content = contentOf(rule);
        if (!rules.has(content)) rules.set(content, rule);
      }
    }
  }
  return [...rules.values()];
}

/** Rules with the same content have the same text, whatever the order of their fields; `admin` gathers several hundred, so comparing each with each would take a tenth of a start. */
const contentOf = ({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string => JSON.stringify([verbs, apiGroups, resources, resourceNames, nonResourceURLs]);
