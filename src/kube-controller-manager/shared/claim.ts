import { controllerOf, keyOf, type KubeObject, type ResourceType } from "../../apimachinery/object.ts";
import { matchesLabels, type LabelMatcher } from "../../apimachinery/label-selector.ts";
import { isNotFound, isStatusError } from "../../apimachinery/status-error.ts";
import { cacheOf, type Context } from "../../client/controller.ts";
import { controllerReference } from "./owner.ts";

const orphanIndex = "uncontrolled";

/** For `Controller.prepare`: what belongs to nobody is found by namespace. */
export function indexOrphans(context: Context, type: ResourceType): void {
  cacheOf(context, type).addIndex(orphanIndex, (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? ""]));
}

export interface Claims<T> {
  readonly keep: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
}

/** Decides which objects belong to an owner: those that it controls and selects, and matching ones that nobody controls. */
export function planClaims<T extends KubeObject>(owner: KubeObject, selector: LabelMatcher, controlled: readonly T[], orphans: readonly T[]): Claims<T> {
  const matches = (object: T) => matchesLabels(selector, object.metadata.labels);
  const ownerEnds = owner.metadata.deletionTimestamp !== undefined;
  return {
    keep: controlled.filter(matches),
    adopt: ownerEnds ? [] : orphans.filter((object) => object.metadata.deletionTimestamp === undefined && matches(object)),
    release: ownerEnds ? [] : controlled.filter((object) => !matches(object)),
  };
}

/**
 * Objects of `type` that belong to `owner` now, after adopting and releasing. Adoption asks the server first whether the owner still exists, since the cache may
 * know an owner that is gone. `eligible` leaves out objects that must not be adopted or released (finished pods).
 */
export async function claim<T extends KubeObject, O extends KubeObject>(
  { owner, ownerType, type, selector, eligible = () => true }: { readonly owner: O; readonly ownerType: ResourceType<O>; readonly type: ResourceType<T>; readonly selector: LabelMatcher; readonly eligible?: (object: T) => boolean },
  context: Context,
): Promise<T[]> {
  const { client, signal } = context;
  const cache = cacheOf(context, type);
  const { namespace = "", name = "", uid = "" } = owner.metadata;
  const controlled = cache.controlledBy(uid);
  const { keep, adopt, release } = planClaims(owner, selector, controlled, cache.by(orphanIndex, namespace).filter(eligible));
  const claimed = [...keep];

  if (adopt.length > 0) {
    const fresh = await client.get(ownerType, { name, namespace }, { signal });
    if (fresh.metadata.uid === uid && fresh.metadata.deletionTimestamp === undefined) {
      for (const object of adopt) {
        const adopted = await patchOwners(object, { metadata: { uid: object.metadata.uid, ownerReferences: [...(object.metadata.ownerReferences ?? []), controllerReference(owner)] } });
        if (adopted) claimed.push(adopted);
      }
    }
  }
  for (const object of release.filter(eligible)) {
    await patchOwners(object, { metadata: { uid: object.metadata.uid, ownerReferences: (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid) } });
  }
  return claimed.map((object) => cache.get(keyOf(object)) ?? object);

  /** The UID in the patch makes the server refuse it when the name belongs to another object by now. */
  async function patchOwners(object: T, patch: { readonly metadata: Record<string, unknown> }): Promise<T | undefined> {
    const { name: objectName = "", namespace: objectNamespace = "", resourceVersion } = object.metadata;
    try {
      return await client.patch(type, { name: objectName, namespace: objectNamespace }, "application/merge-patch+json", { metadata: { ...patch.metadata, resourceVersion } }, { signal });
    } catch (error) {
      if (isNotFound(error) || isStatusError(error, "Invalid")) return undefined; // It is gone, or another object has its name.
      throw error;
    }
  }
}
