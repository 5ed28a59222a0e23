import type { ManagedFieldsEntry } from "../object.ts";
import { difference, fieldPath, fieldSetOf, hasPath, isEmptySet, type FieldPath } from "./field-set.ts";
import { decodeOwners, encodeOwners, ownerId, type FieldOwner, type FieldOwners } from "./managers.ts";

/** Where a resource that can be scaled has its number of replicas. */
export interface ScaledResource {
  /** The version of the request: "apps/v1". */
  readonly apiVersion: string;
  /** The versions of the resource that are known; what was written in others is dropped. */
  readonly versions: readonly string[];
  readonly replicas: FieldPath;
}

const scaleVersion = "autoscaling/v1";
const replicasOfScale = fieldPath("spec", "replicas");

/** The same owner, as an owner of fields of the Scale. */
const asScaleOwner = (owner: FieldOwner): FieldOwner => ({ ...owner, apiVersion: scaleVersion, set: fieldSetOf(replicasOfScale) });

/** The owners of a Scale: those who own the number of replicas of the resource behind it. Source: apimachinery/pkg/util/managedfields/scalehandler.go. */
export function entriesOfScale(entries: readonly ManagedFieldsEntry[] | undefined, { versions, replicas }: ScaledResource): readonly ManagedFieldsEntry[] | undefined {
  const owners = [...decodeOwners(entries).values()].filter(({ apiVersion, set }) => versions.includes(apiVersion) && hasPath(set, replicas)).map(asScaleOwner);
  return encodeOwners(new Map(owners.map((owner) => [ownerId(owner), owner])));
}

/**
 * The owners of the resource after its Scale was written: who no longer owns the number there, no longer owns it here. As upstream has it, entries that come from
 * a Scale have no time. (Upstream also takes the number from owners by Update that kept it, and writes them a second entry, which the next write of
 * the object loses; here they keep it.)
 */
export function entriesAfterScale(entries: readonly ManagedFieldsEntry[] | undefined, scaleEntries: readonly ManagedFieldsEntry[] | undefined, { apiVersion, versions, replicas }: ScaledResource): readonly ManagedFieldsEntry[] | undefined {
  const scaleOwners = new Map([...decodeOwners(scaleEntries)].filter(([, { set }]) => hasPath(set, replicasOfScale)));
  const result = new Map<string, FieldOwner>();
  for (const [id, owner] of decodeOwners(entries)) {
    if (!versions.includes(owner.apiVersion)) continue;
    const kept = !hasPath(owner.set, replicas) || scaleOwners.delete(ownerId(asScaleOwner(owner)));
    const set = kept ? owner.set : difference(owner.set, fieldSetOf(replicas));
    if (!isEmptySet(set)) result.set(id, kept ? owner : { ...owner, set });
  }
  for (const owner of scaleOwners.values()) {
    const here: FieldOwner = { ...owner, apiVersion, time: undefined, set: fieldSetOf(replicas) };
    result.set(ownerId(here), here);
  }
  return encodeOwners(result satisfies FieldOwners);
}
