import { difference, emptyFieldSet, intersection, isEmptySet, union, type FieldSet } from "./field-set.ts";
import type { FieldOwner, FieldOwners } from "./managers.ts";
import type { Shape } from "./shape.ts";
import { fieldSetOfLive, removePaths, withNamedFields } from "./typed-value.ts";
import type { Versions } from "./versions.ts";

const namedFields = (value: unknown, shape: Shape): FieldSet => withNamedFields(fieldSetOfLive(value, shape), shape);

/** What the owners of each version own together; the version of the last apply comes first. */
function ownedByVersion(owners: FieldOwners, first: string): ReadonlyMap<string, FieldSet> {
  const owned = new Map<string, FieldSet>([[first, emptyFieldSet]]);
  for (const { apiVersion, set } of owners.values()) owned.set(apiVersion, union(owned.get(apiVersion) ?? emptyFieldSet, set));
  return owned;
}

/**
 * `merged` (in the version `at`) without the fields that the manager applied last time, not this time, and that nobody else owns. `owners` hold
 * what it applies now. Source: structured-merge-diff/merge/update.go.
 */
export function prune(merged: unknown, { owners, last, versions, at }: { readonly owners: FieldOwners; readonly last: FieldOwner | undefined; readonly versions: Versions; readonly at: string }): unknown {
  if (!last || isEmptySet(last.set) || !versions.knows(last.apiVersion)) return merged;
  const { apiVersion: before } = last;
  const shape = versions.shape(before);
  const complete = versions.convert(merged, at, before);
  const lastSet = withNamedFields(last.set, shape);
  let [pruned, prunedAt] = [removePaths(complete, lastSet, shape), before];

  for (const [version, owned] of ownedByVersion(owners, before)) {
    if (!versions.knows(version)) continue;
    const its = versions.shape(version);
    const all = versions.convert(complete, before, version);
    const kept = union(namedFields(versions.convert(pruned, prunedAt, version), its), withNamedFields(owned, its));
    [pruned, prunedAt] = [removePaths(all, difference(namedFields(all, its), kept), its), version];
  }

  // What went only because something around it went, and was not applied last time, comes back.
  const left = namedFields(versions.convert(pruned, prunedAt, before), shape);
  const gone = intersection(difference(namedFields(complete, shape), left), lastSet);
  return versions.convert(removePaths(complete, gone, shape), before, at);
}
