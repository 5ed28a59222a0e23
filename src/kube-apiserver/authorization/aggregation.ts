import type { LabelSelector } from "../../api/generated/meta-v1.ts";
import type { ClusterRole, PolicyRule } from "../../api/generated/rbac-v1.ts";
import { equal } from "../../stdx/equal.ts";

type Labels = Readonly<Record<string, string>>;

/** A label selector of the API; one without any requirement selects nothing here, as for aggregation upstream. */
function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  const byLabel = Object.entries(matchLabels);
  if (byLabel.length === 0 && matchExpressions.length === 0) return false;
  return byLabel.every(([key, value]) => labels[key] === value) && matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case "In": return value !== undefined && values.includes(value);
      case "NotIn": return value === undefined || !values.includes(value);
      case "Exists": return value !== undefined;
      case "DoesNotExist": return value === undefined;
      default: return false;
    }
  });
}

export const isAggregated = ({ aggregationRule }: ClusterRole): boolean => (aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

/**
 * The rules that a role gathers from others by its aggregationRule, in the order of the selectors and then of names, each rule once. Roles that are
 * gathered may gather themselves (`edit` is part of `admin`); a role is visited once, so that circles end.
 */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[], visited: ReadonlySet<string> = new Set()): readonly PolicyRule[] {
  const seen = new Set([...visited, role.metadata.name ?? ""]);
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const chosen = all.filter(({ metadata }) => !seen.has(metadata.name ?? "") && selects(selector, metadata.labels ?? {}));
    for (const each of chosen.toSorted((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1))) {
      for (const rule of isAggregated(each) ? aggregatedRules(each, all, seen) : each.rules ?? []) {
        if (!rules.some((known) => equal(known, rule))) rules.push(rule);
      }
    }
  }
  return rules;
}
