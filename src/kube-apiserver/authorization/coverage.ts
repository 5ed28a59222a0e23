import type { PolicyRule } from "../../api/generated/rbac-v1.ts";
import { pathMatches } from "./rules.ts";

/** A rule taken apart: one verb on one resource (or one path), of one name at most. */
interface Grain {
  readonly group?: string;
  readonly resource?: string;
  readonly path?: string;
  readonly name?: string;
  readonly verb: string;
}

const none: readonly string[] = [];

function grainsOf({ apiGroups = none, resources = none, resourceNames = none, nonResourceURLs = none, verbs }: PolicyRule): readonly Grain[] {
  const names: readonly (string | undefined)[] = resourceNames.length === 0 ? [undefined] : resourceNames;
  return [
    ...apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb) => names.map((name) => ({ group, resource, verb, ...(name !== undefined && { name }) }))))),
    ...nonResourceURLs.flatMap((path) => verbs.map((verb) => ({ path, verb }))),
  ];
}

const has = (list: readonly string[], value: string): boolean => list.includes("*") || list.includes(value);

function resourceCovered(resources: readonly string[], resource: string): boolean {
  const slash = resource.indexOf("/");
  return has(resources, resource) || (slash >= 0 && resources.includes(`*${resource.slice(slash)}`));
}

function covers({ apiGroups = none, resources = none, resourceNames = none, nonResourceURLs = none, verbs }: PolicyRule, grain: Grain): boolean {
  if (!has(verbs, grain.verb)) return false;
  if (grain.path !== undefined) {
    const { path } = grain;
    return resourceNames.length === 0 && nonResourceURLs.some((pattern) => (pattern === "*" ? true : path === "*" ? false : pathMatches(pattern, path)));
  }
  return has(apiGroups, grain.group ?? "") && resourceCovered(resources, grain.resource ?? "") &&
    (resourceNames.length === 0 || (grain.name !== undefined && resourceNames.includes(grain.name)));
}

const uncovered = (owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly Grain[] =>
  wanted.flatMap(grainsOf).filter((grain) => !owned.some((rule) => covers(rule, grain)));

/** What of `wanted` is not granted by `owned`: rules of one verb on one thing each, as upstream adds them to a default role that lacks them. */
export const uncoveredRules = (owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] =>
  uncovered(owned, wanted).map(({ group = "", resource = "", path, name, verb }) =>
    path !== undefined ? { nonResourceURLs: [path], verbs: [verb] } : { apiGroups: [group], resources: [resource], verbs: [verb], ...(name !== undefined && { resourceNames: [name] }) },
  );

const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;

/**
 * What of `wanted` is not granted by `owned`, described as upstream does: one line for each resource with all the verbs that are missing on it.
 * Empty when everything is covered.
 */
export function missingRights(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly string[] {
  const lines = new Set<string>();
  const verbsOf = new Map<string, string[]>();
  for (const { group, resource, path, name, verb } of uncovered(owned, wanted)) {
    if (path !== undefined) lines.add(`{NonResourceURLs:${quoted([path])}, Verbs:${quoted([verb])}}`);
    else {
      const what = `{APIGroups:${quoted([group ?? ""])}, Resources:${quoted([resource ?? ""])}${name === undefined ? "" : `, ResourceNames:${quoted([name])}`}`;
      const verbs = verbsOf.get(what) ?? [];
      verbsOf.set(what, verbs);
      verbs.push(verb);
    }
  }
  for (const [what, verbs] of verbsOf) lines.add(`${what}, Verbs:${quoted(verbs)}}`);
  return [...lines].toSorted();
}
