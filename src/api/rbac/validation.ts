import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { absent, invalidEach } from "../checks.ts";
import type { AggregationRule, PolicyRule, RoleRef, Subject } from "../generated/rbac-v1.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

const rbacGroup = "rbac.authorization.k8s.io";
interface Scope { readonly namespaced: boolean }

export function validateRules(rules: readonly PolicyRule[], { namespaced }: Scope): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] }] of rules.entries()) {
    const at = `rules[${index}]`;
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (nonResourceURLs.length > 0) {
      if (namespaced) errors.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
      if (apiGroups.length + resources.length + resourceNames.length > 0) errors.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
      continue;
    }
    if (apiGroups.length === 0) errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (resources.length === 0) errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
  }
  return errors;
}

export function validateAggregation(rule: AggregationRule | undefined): readonly FieldError[] {
  if (rule === undefined || rule === null) return [];
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  const errors: FieldError[] = [];
  if (selectors.length === 0) errors.push(required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  for (const [index, selector] of selectors.entries()) {
    const problems = labelSelectorErrors(`${path}[${index}]`, selector);
    addAll(errors, problems);
    if (problems.length > 0) errors.push(invalid(`${path}[${index}]`, null, "invalid label selector."));
  }
  return errors;
}

function validateSubject({ kind, name = "", apiGroup = "", namespace = "" }: Subject, path: string, { namespaced }: Scope): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (name === "") errors.push(required(`${path}.name`));
  if (kind === "ServiceAccount") {
    if (name !== "") addAll(errors, invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name)));
    if (apiGroup !== "") errors.push(notSupported(`${path}.apiGroup`, apiGroup, [""]));
    if (!namespaced && namespace === "") errors.push(required(`${path}.namespace`));
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
  } else {
    errors.push(notSupported(`${path}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]));
  }
  return errors;
}

interface BindingLike extends KubeObject { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }

export function validateBinding({ roleRef, subjects = [] }: BindingLike, scope: Scope): readonly FieldError[] {
  const { apiGroup = "", kind = "", name } = roleRef ?? {};
  const kinds = scope.namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(notSupported("roleRef.apiGroup", apiGroup, [rbacGroup]));
  if (!kinds.includes(kind)) errors.push(notSupported("roleRef.kind", kind, kinds));
  if (absent(name)) errors.push(required("roleRef.name"));
  else addAll(errors, invalidEach("roleRef.name", name, pathSegmentNameErrors(name)));
  for (const [index, subject] of subjects.entries()) addAll(errors, validateSubject(subject, `subjects[${index}]`, scope));
  return errors;
}

/** Whom a binding binds may change, to what may not. */
export function validateBindingUpdate(next: BindingLike, previous: BindingLike, scope: Scope): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateBinding(next, scope));
  if (!semanticallyEqual(next.roleRef, previous.roleRef)) errors.push(invalid("roleRef", goForm(next.roleRef, "RoleRef"), "cannot change roleRef"));
  return errors;
}
