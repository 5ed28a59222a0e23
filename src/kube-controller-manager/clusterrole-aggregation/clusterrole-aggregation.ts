import { clusterroles, type ClusterRole } from "../../api/generated/rbac-v1.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { keyOf } from "../../apimachinery/object.ts";
import { cacheOf, watching, type Controller } from "../../client/controller.ts";
import { equal } from "../../stdx/equal.ts";

type Rules = NonNullable<ClusterRole["rules"]>;

/** The rules of all roles that the role's selectors choose, by name of role, each rule once. */
export function planRules(role: ClusterRole, all: readonly ClusterRole[]): Rules {
  const rules: Rules[number][] = [];
  const sources = all.toSorted((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matcher = labelMatcherOf(selector);
    for (const source of sources) {
      if (source.metadata.name === role.metadata.name || !matchesLabels(matcher, source.metadata.labels)) continue;
      for (const rule of source.rules ?? []) if (!rules.some((known) => equal(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** Keeps roles that are made of others (admin, edit, view) equal to what they are made of. */
export const clusterRoleAggregation: Controller = {
  name: "clusterrole-aggregation-controller",
  resource: clusterroles,
  watches: [watching(clusterroles, (_, context) => cacheOf(context, clusterroles).list().filter(({ aggregationRule }) => aggregationRule).map(keyOf))],

  async reconcile(key, context) {
    const cache = cacheOf(context, clusterroles);
    const role = cache.get(key);
    if (!role?.aggregationRule) return;
    const rules = planRules(role, cache.list());
    if (equal(rules, role.rules ?? [])) return;
    await context.client.update(clusterroles, { ...role, rules }, { signal: context.signal });
  },
};
