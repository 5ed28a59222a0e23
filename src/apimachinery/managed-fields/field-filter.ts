import { differenceWithChildren, fieldPath, fieldSetOf, isEmptySet, type FieldSet, type PathElement } from "./field-set.ts";

/**
 * Which fields one way of writing makes its writer the owner of: all but what the strategy puts back anyway ("status", "metadata.labels"), or only some
 * ("spec.containers.*.resources": below any element). Paths lead to a field with everything below it.
 */
export type TrackedFields = { readonly without: readonly string[] } | { readonly only: readonly string[] };

/** What is left of a set when the fields that nobody comes to own are gone. Made once per rule, so that what was computed with it may be kept by it. */
export type FieldFilter = (set: FieldSet) => FieldSet;

const filters = new WeakMap<TrackedFields, FieldFilter>();

export function filterOf(tracked: TrackedFields): FieldFilter {
  let filter = filters.get(tracked);
  if (!filter) filters.set(tracked, (filter = "without" in tracked ? withoutFields(tracked.without) : onlyFields(tracked.only)));
  return filter;
}

/** Everything may be owned. */
export const keepAll: FieldFilter = (set) => set;

function withoutFields(paths: readonly string[]): FieldFilter {
  const reset = fieldSetOf(...paths.map((path) => fieldPath(...path.split("."))));
  return (set) => differenceWithChildren(set, reset);
}

/** Steps of a path by their name, "*" for any; an empty pattern is the end of a path. */
type Pattern = ReadonlyMap<string, Pattern>;

function onlyFields(paths: readonly string[]): FieldFilter {
  const root = new Map<string, Pattern>();
  for (const path of paths) {
    let at = root as Map<string, Pattern>;
    for (const step of path.split(".")) {
      if (!at.has(step)) at.set(step, new Map());
      at = at.get(step) as Map<string, Pattern>;
    }
  }
  return (set) => matching(set, root);
}

const stepOf = (pattern: Pattern, element: PathElement): Pattern | undefined => (element.startsWith("f:") ? pattern.get(element.slice(2)) : undefined) ?? pattern.get("*");

function matching(set: FieldSet, pattern: Pattern): FieldSet {
  if (pattern.size === 0) return set;
  const members = new Set([...set.members].filter((element) => stepOf(pattern, element)));
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of set.children) {
    const step = stepOf(pattern, element);
    const kept = step && matching(child, step);
    if (kept && !isEmptySet(kept)) children.set(element, kept);
  }
  return { members, children };
}
