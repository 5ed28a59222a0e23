import type { KubeObject, OwnerReference } from "../../apimachinery/object.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

const has = ({ metadata }: KubeObject, finalizer: string): boolean => metadata.finalizers?.includes(finalizer) ?? false;
const isEnding = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
/** Waits for its dependents to go before it goes. */
export const waitsForDependents = (object: KubeObject): boolean => isEnding(object) && has(object, foregroundFinalizer);
/** Lets go of its dependents before it goes. */
export const orphansDependents = (object: KubeObject): boolean => isEnding(object) && has(object, orphanFinalizer);

/** What became of an owner: there, waiting for its dependents to go, or gone (or another object of the same name). */
export type OwnerState = "solid" | "waiting" | "absent" | "unknown";
export const stateOf = (owner: KubeObject): OwnerState => (waitsForDependents(owner) ? "waiting" : "solid");

export type Decision =
  | { readonly act: "keep" }
  /** Owners that are gone or going are taken off, others remain. */
  | { readonly act: "release"; readonly ownerReferences: readonly OwnerReference[] }
  /** `unblock`: the object and one of its dependents wait for each other. */
  | { readonly act: "delete"; readonly policy: "Foreground" | "Background" | "Orphan"; readonly unblock: boolean };

export interface Owned {
  readonly object: KubeObject;
  /** One for each of the object's owner references, in their order. */
  readonly owners: readonly OwnerState[];
  readonly dependents: readonly KubeObject[];
}

/** Whether an object may go because everybody who wanted it is gone. Nothing is decided while an owner's state is unknown. */
export function decide({ object, owners, dependents }: Owned): Decision {
  const references = object.metadata.ownerReferences ?? [];
  if (isEnding(object) || references.length === 0 || owners.includes("unknown")) return { act: "keep" };
  if (owners.includes("solid")) {
    const remaining = references.filter((_, index) => owners[index] === "solid");
    return remaining.length === references.length ? { act: "keep" } : { act: "release", ownerReferences: remaining };
  }
  if (owners.includes("waiting") && dependents.length > 0) {
    return { act: "delete", policy: "Foreground", unblock: dependents.some(waitsForDependents) };
  }
  const policy = has(object, orphanFinalizer) ? "Orphan" : has(object, foregroundFinalizer) ? "Foreground" : "Background";
  return { act: "delete", policy, unblock: false };
}

/** Dependents that keep an owner from going in the foreground. */
export const blockersOf = (owner: KubeObject, dependents: readonly KubeObject[]): readonly KubeObject[] =>
  dependents.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true));
