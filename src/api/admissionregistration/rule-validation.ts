import { duplicate, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { invalidEach } from "../checks.ts";
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from "../generated/admissionregistration-v1.ts";

/** Which requests a webhook or a policy is asked about. */
const operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
/** What is being deleted cannot be changed. */
const mutatingOperations = ["*", "CONNECT", "CREATE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];
export const matchPolicies = ["Equivalent", "Exact"];
export const failurePolicies = ["Fail", "Ignore"];
export const reinvocationPolicies = ["IfNeeded", "Never"];

function* validateResources(resources: readonly string[], path: string): Generator<FieldError> {
  if (resources.length === 0) yield required(path);
  const wholeResources = new Set<string>();
  const wholeSubresources = new Set<string>();
  let plainLast = false;
  for (const [index, each] of resources.entries()) {
    const at = `${path}[${index}]`;
    if (each === "") {
      yield required(at);
      continue;
    }
    const slash = each.indexOf("/");
    if (slash < 0) {
      plainLast = each !== "*";
      continue;
    }
    const [resource, subresource] = [each.slice(0, slash), each.slice(slash + 1)];
    if (wholeResources.has(resource)) yield invalid(at, each, `if '${resource}/*' is present, must not specify ${each}`);
    if (wholeSubresources.has(subresource)) yield invalid(at, each, `if '*/${subresource}' is present, must not specify ${each}`);
    if (subresource === "*") wholeResources.add(resource);
    if (resource === "*") wholeSubresources.add(subresource);
  }
  if (resources.length > 1 && resources.includes("*/*")) yield invalid(path, resources, "if '*/*' is present, must not specify other resources");
  if (resources.includes("*") && plainLast) yield invalid(path, resources, "if '*' is present, must not specify other resources without subresources");
}

export function* validateRule({ operations: asked = [], apiGroups = [], apiVersions = [], resources = [], scope }: RuleWithOperations, path: string): Generator<FieldError> {
  if (asked.length === 0) yield required(`${path}.operations`);
  if (asked.length > 1 && asked.includes("*")) yield invalid(`${path}.operations`, asked, "if '*' is present, must not specify other operations");
  for (const [index, operation] of asked.entries()) if (!operations.includes(operation)) yield notSupported(`${path}.operations[${index}]`, operation, operations);
  if (apiGroups.length === 0) yield required(`${path}.apiGroups`);
  if (apiGroups.length > 1 && apiGroups.includes("*")) yield invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other API groups");
  if (apiVersions.length === 0) yield required(`${path}.apiVersions`);
  if (apiVersions.length > 1 && apiVersions.includes("*")) yield invalid(`${path}.apiVersions`, apiVersions, "if '*' is present, must not specify other API versions");
  for (const [index, version] of apiVersions.entries()) if (version === "") yield required(`${path}.apiVersions[${index}]`);
  yield* validateResources(resources, `${path}.resources`);
  if (scope !== undefined && !scopes.includes(scope)) yield notSupported(`${path}.scope`, scope, scopes);
}

function* validateNamedRule(rule: NamedRuleWithOperations, path: string): Generator<FieldError> {
  const names = rule.resourceNames ?? [];
  for (const [index, name] of names.entries()) {
    yield* invalidEach(`${path}.resourceNames[${index}]`, name, pathSegmentNameErrors(name));
    if (names.indexOf(name) < index) yield duplicate(`${path}.resourceNames[${index}]`, name);
  }
  yield* validateRule(rule, path);
}

export function* validateMatchResources(match: MatchResources, path: string): Generator<FieldError> {
  const { matchPolicy, resourceRules = [], excludeResourceRules = [] } = match;
  if (matchPolicy === undefined) yield required(`${path}.matchPolicy`);
  else if (!matchPolicies.includes(matchPolicy)) yield notSupported(`${path}.matchPolicy`, matchPolicy, matchPolicies);
  for (const field of ["namespaceSelector", "objectSelector"] as const) {
    if (match[field] === undefined) yield required(`${path}.${field}`);
    else yield* labelSelectorErrors(`${path}.${field}`, match[field]);
  }
  for (const [index, rule] of resourceRules.entries()) yield* validateNamedRule(rule, `${path}.resourceRules[${index}]`);
  for (const [index, rule] of excludeResourceRules.entries()) yield* validateNamedRule(rule, `${path}.excludeResourceRules[${index}]`);
}

export function* validateMutatingOperations({ resourceRules = [] }: MatchResources, path: string): Generator<FieldError> {
  for (const rule of resourceRules) {
    for (const operation of rule.operations ?? []) if (!mutatingOperations.includes(operation)) yield notSupported(`${path}.resourceRules.operations`, operation, mutatingOperations);
  }
}
