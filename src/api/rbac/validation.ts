import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { absent, invalidEach } from "../checks.ts";
import type { AggregationRule, PolicyRule, RoleRef, Subject } from "../generated/rbac-v1.ts";
import { goForm, roleRefFields } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";

const rbacGroup = "rbac.authorization.k8s.io";
interface Scope { readonly namespaced: boolean }

export function* validateRules(rules: readonly PolicyRule[], { namespaced }: Scope): Generator<FieldError> {
  for (const [index, { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] }] of rules.entries()) {
    const at = `rules[${index}]`;
    if (verbs.length === 0) yield required(`${at}.verbs`, "verbs must contain at least one value");
    if (nonResourceURLs.length > 0) {
      if (namespaced) yield invalid(`${at}.nonResourceURLs`, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs");
      if (apiGroups.length + resources.length + resourceNames.length > 0) yield invalid(`${at}.nonResourceURLs`, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs");
      continue;
    }
    if (apiGroups.length === 0) yield required(`${at}.apiGroups`, "resource rules must supply at least one api group");
    if (resources.length === 0) yield required(`${at}.resources`, "resource rules must supply at least one resource");
  }
}

export function* validateAggregation(rule: AggregationRule | undefined): Generator<FieldError> {
  if (rule === undefined || rule === null) return;
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) yield required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (const [index, selector] of selectors.entries()) {
    const problems = labelSelectorErrors(`${path}[${index}]`, selector);
    yield* problems;
    if (problems.length > 0) yield invalid(`${path}[${index}]`, null, "invalid label selector.");
  }
}

function* validateSubject({ kind, name = "", apiGroup = "", namespace = "" }: Subject, path: string, { namespaced }: Scope): Generator<FieldError> {
  if (name === "") yield required(`${path}.name`);
  if (kind === "ServiceAccount") {
    if (name !== "") yield* invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name));
    if (apiGroup !== "") yield notSupported(`${path}.apiGroup`, apiGroup, [""]);
    if (!namespaced && namespace === "") yield required(`${path}.namespace`);
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== rbacGroup) yield notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]);
  } else {
    yield notSupported(`${path}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]);
  }
}

interface BindingLike extends KubeObject { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }

export function* validateBinding({ roleRef, subjects = [] }: BindingLike, scope: Scope): Generator<FieldError> {
  const { apiGroup = "", kind = "", name } = roleRef ?? {};
  const kinds = scope.namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  if (apiGroup !== rbacGroup) yield notSupported("roleRef.apiGroup", apiGroup, [rbacGroup]);
  if (!kinds.includes(kind)) yield notSupported("roleRef.kind", kind, kinds);
  if (absent(name)) yield required("roleRef.name");
  else yield* invalidEach("roleRef.name", name, pathSegmentNameErrors(name));
  for (const [index, subject] of subjects.entries()) yield* validateSubject(subject, `subjects[${index}]`, scope);
}

/** Whom a binding binds may change, to what may not. */
export function* validateBindingUpdate(next: BindingLike, previous: BindingLike, scope: Scope): Generator<FieldError> {
  yield* validateBinding(next, scope);
  if (!semanticallyEqual(next.roleRef, previous.roleRef)) yield invalid("roleRef", goForm(next.roleRef, roleRefFields), "cannot change roleRef");
}
