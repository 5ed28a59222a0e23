import type { PolicyRule } from "../../api/generated/rbac-v1.ts";
import type { Attributes } from "../access.ts";

const none: readonly string[] = [];

const has = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes("*") || list.includes(value));

function resourceMatches(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (resources === undefined) return false;
  if (subresource === "") return resources.includes("*") || resources.includes(resource);
  return resources.includes("*") || resources.includes(`${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

/** "/healthz/*" stands for everything that begins with "/healthz/". */
export const pathMatches = (pattern: string, path: string): boolean =>
  pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, "")));

/** Whether one rule of RBAC grants what the attributes ask for. */
export function ruleAllows(rule: PolicyRule, { isResourceRequest, verb, group, resource, subresource, name, path }: Attributes): boolean {
  if (!has(rule.verbs, verb)) return false;
  if (!isResourceRequest) return (rule.nonResourceURLs ?? none).some((pattern) => pathMatches(pattern, path));
  const names = rule.resourceNames ?? none;
  return has(rule.apiGroups, group) && resourceMatches(rule.resources, resource, subresource) && (names.length === 0 || names.includes(name));
}
