import { duplicate, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { invalidEach } from "../checks.ts";
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from "../generated/admissionregistration-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

/** Which requests a webhook or a policy is asked about. */
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
/** What is being deleted cannot be changed. */
const mutatingOperations = ["*", "CONNECT", "CREATE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];
export const matchPolicies = ["Equivalent", "Exact"];
export const failurePolicies = ["Fail", "Ignore"];
export const reinvocationPolicies = ["IfNeeded", "Never"];

function validateResources(resources: readonly string[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (resources.length === 0) errors.push(required(path));
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let plainLast = false;
  for (const [index, each] of resources.entries()) {
    const at = `${path}[${index}]`;
    if (each === "") {
      errors.push(required(at));
      continue;
    }
    const slash = each.indexOf("/");
    if (slash < 0) {
      plainLast = each !== "*";
      continue;
    }
    const [resource, subresource] = [each.slice(0, slash), each.slice(slash + 1)];
    if (wholeResources.has(resource)) errors.push(invalid(at, each, `if '${resource}/*' is present, must not specify ${each}`));
    if (wholeSubresources.has(subresource)) errors.push(invalid(at, each, `if '*/${subresource}' is present, must not specify ${each}`));
    if (subresource === "*") wholeResources.add(resource);
    if (resource === "*") wholeSubresources.add(subresource);
  }
  if (resources.length > 1 && resources.includes("*/*")) errors.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes("*") && plainLast) errors.push(invalid(path, resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

export function validateRule({ operations: asked = [], apiGroups = [], apiVersions = [], resources = [], scope }: RuleWithOperations, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (asked.length === 0) errors.push(required(`${path}.operations`));
  if (asked.length > 1 && asked.includes("*")) errors.push(invalid(`${path}.operations`, asked, "if '*' is present, must not specify other operations"));
  for (const [index, operation] of asked.entries()) if (!operations.includes(operation)) errors.push(notSupported(`${path}.operations[${index}]`, operation, operations));
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`));
  if (apiGroups.length > 1 && apiGroups.includes("*")) errors.push(invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other API groups"));
  if (apiVersions.length === 0) errors.push(required(`${path}.apiVersions`));
  if (apiVersions.length > 1 && apiVersions.includes("*")) errors.push(invalid(`${path}.apiVersions`, apiVersions, "if '*' is present, must not specify other API versions"));
  for (const [index, version] of apiVersions.entries()) if (version === "") errors.push(required(`${path}.apiVersions[${index}]`));
  addAll(errors, validateResources(resources, `${path}.resources`));
  if (scope !== undefined && !scopes.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, scopes));
  return errors;
}

function validateNamedRule(rule: NamedRuleWithOperations, path: string): readonly FieldError[] {
  const names = rule.resourceNames ?? [];
  const errors: FieldError[] = [];
  for (const [index, name] of names.entries()) {
    addAll(errors, invalidEach(`${path}.resourceNames[${index}]`, name, pathSegmentNameErrors(name)));
    if (names.indexOf(name) < index) errors.push(duplicate(`${path}.resourceNames[${index}]`, name));
  }
  addAll(errors, validateRule(rule, path));
  return errors;
}

export function validateMatchResources(match: MatchResources, path: string): readonly FieldError[] {
  const { matchPolicy, resourceRules = [], excludeResourceRules = [] } = match;
  const errors: FieldError[] = [];
  if (matchPolicy === undefined) errors.push(required(`${path}.matchPolicy`));
  else if (!matchPolicies.includes(matchPolicy)) errors.push(notSupported(`${path}.matchPolicy`, matchPolicy, matchPolicies));
  for (const field of ["namespaceSelector", "objectSelector"] as const) {
    if (match[field] === undefined) errors.push(required(`${path}.${field}`));
    else addAll(errors, labelSelectorErrors(`${path}.${field}`, match[field]));
  }
  for (const [index, rule] of resourceRules.entries()) addAll(errors, validateNamedRule(rule, `${path}.resourceRules[${index}]`));
  for (const [index, rule] of excludeResourceRules.entries()) addAll(errors, validateNamedRule(rule, `${path}.excludeResourceRules[${index}]`));
  return errors;
}

export function validateMutatingOperations({ resourceRules = [] }: MatchResources, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const rule of resourceRules) {
    for (const operation of rule.operations ?? []) if (!mutatingOperations.includes(operation)) errors.push(notSupported(`${path}.resourceRules.operations`, operation, mutatingOperations));
  }
  return errors;
}
