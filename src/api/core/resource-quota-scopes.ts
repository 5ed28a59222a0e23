import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { goForm } from "../go-form.ts";
import type { ResourceQuotaSpec, ScopedResourceSelectorRequirement } from "../generated/core-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
import { isStandardQuotaResource } from "./resource-names.ts";

/** What a quota with a scope may count: pods and what they compute with, or claims. */
const podResources: readonly string[] = ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const claimResources: readonly string[] = ["persistentvolumeclaims", "requests.storage"];
const countedIn: Readonly<Record<string, readonly string[]>> = {
  Terminating: podResources, NotTerminating: podResources, NotBestEffort: podResources, PriorityClass: podResources, CrossNamespacePodAffinity: podResources,
  BestEffort: ["pods"], VolumeAttributesClass: claimResources,
};
const conflicting = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] as const;
/** Scopes without values: an object is in them or is not. */
const plainScopes: readonly string[] = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];

const misfits = (scope: string, names: readonly string[]): number => names.filter((name) => isStandardQuotaResource(name) && countedIn[scope]?.includes(name) === false).length;
const conflicts = (scopes: readonly string[]): number => conflicting.filter((pair) => pair.every((scope) => scopes.includes(scope))).length;

function validateRequirement({ operator, scopeName, values = [] }: ScopedResourceSelectorRequirement, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (plainScopes.includes(scopeName) && operator !== "Exists") {
    errors.push(invalid(`${path}.operator`, operator ?? "", "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"));
  }
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) errors.push(invalid(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"));
  } else {
    errors.push(invalid(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  }
  return errors;
}

/** Which objects a quota is about. Paths name no index, as upstream has it. */
export function validateScopes({ scopes = [], scopeSelector, hard = {} }: ResourceQuotaSpec): readonly FieldError[] {
  const names = Object.keys(hard);
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (countedIn[scope] === undefined) errors.push(invalid("spec.scopes", scopes, "unsupported scope"));
    for (let count = misfits(scope, names); count > 0; count -= 1) errors.push(invalid("spec.scopes", scopes, "unsupported scope applied to resource"));
  }
  for (let count = conflicts(scopes); count > 0; count -= 1) errors.push(invalid("spec.scopes", scopes, "conflicting scopes"));

  const path = "spec.scopeSelector.matchExpressions";
  const requirements = scopeSelector?.matchExpressions ?? [];
  for (const requirement of requirements) {
    const { scopeName = "" } = requirement;
    if (countedIn[scopeName] === undefined) errors.push(invalid(`${path}.scopeName`, scopeName, "unsupported scope"));
    for (let count = misfits(scopeName, names); count > 0; count -= 1) errors.push(invalid(path, goForm(scopeSelector, "*ScopeSelector"), "unsupported scope applied to resource"));
    addAll(errors, validateRequirement(requirement, path));
  }
  for (let count = conflicts(requirements.map(({ scopeName }) => scopeName)); count > 0; count -= 1) errors.push(invalid(path, scopes.length === 0 ? null : scopes, "conflicting scopes"));
  return errors;
}
