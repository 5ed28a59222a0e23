import type { Deployment, ReplicaSet } from "../../api/generated/apps-v1.ts";
import { scaledIntOrPercent } from "../../apimachinery/int-or-string.ts";
import { maxReplicasOf } from "./annotations.ts";

export const replicasOf = ({ spec }: ReplicaSet | Deployment): number => spec?.replicas ?? 1;
export const isRolling = ({ spec }: Deployment): boolean => spec?.strategy?.type !== "Recreate";
const sum = (sets: readonly ReplicaSet[], valueOf: (set: ReplicaSet) => number): number => sets.reduce((total, set) => total + valueOf(set), 0);
export const totalReplicas = (sets: readonly ReplicaSet[]): number => sum(sets, replicasOf);
export const totalOfStatus = (sets: readonly ReplicaSet[], field: "replicas" | "readyReplicas" | "availableReplicas" | "terminatingReplicas"): number => sum(sets, ({ status }) => status?.[field] ?? 0);

/** How many pods more, and how many available pods fewer, than `spec.replicas` there may be during a rollout. */
export function limitsOf(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledIntOrPercent(maxSurge, replicasOf(deployment), true);
  const unavailable = scaledIntOrPercent(maxUnavailable, replicasOf(deployment), false);
  // Rounding may leave no way to move at all.
  return surge === 0 && unavailable === 0 ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicasOf(deployment)) };
}

/** How large the new set may be now: as large as asked for, as long as all sets together stay within the surge. */
export function sizeOfNewSet(deployment: Deployment, all: readonly ReplicaSet[], currentSize: number): number {
  const desired = replicasOf(deployment);
  if (!isRolling(deployment)) return desired;
  const room = desired + limitsOf(deployment).maxSurge - totalReplicas(all);
  return room <= 0 ? currentSize : currentSize + Math.min(room, desired - currentSize);
}

const byCreation = (a: ReplicaSet, b: ReplicaSet): number => {
  const [left, right] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  return left === right ? ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1) : left < right ? -1 : 1;
};
export const oldestFirst = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.toSorted(byCreation);

/** New sizes by name, for sets whose size changes. */
export type Sizes = ReadonlyMap<string, number>;
const nameOf = ({ metadata }: ReplicaSet): string => metadata.name ?? "";

/** The next step down of the old sets during a rolling update: first what is not available anyway, then as far as availability allows. */
export function shrinkOldSets(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const sizes = new Map<string, number>();
  const active = oldestFirst(old.filter((set) => replicasOf(set) > 0));
  if (active.length === 0) return sizes;
  const minAvailable = replicasOf(deployment) - limitsOf(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
  let spare = totalReplicas([...active, newSet]) - minAvailable - newUnavailable;
  if (spare <= 0) return sizes;

  for (const set of active) {
    const unhealthy = Math.min(spare, replicasOf(set) - (set.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) continue;
    sizes.set(nameOf(set), replicasOf(set) - unhealthy);
    spare -= unhealthy;
  }

  let removable = totalOfStatus([...active, newSet], "availableReplicas") - minAvailable;
  for (const set of active) {
    const size = sizes.get(nameOf(set)) ?? replicasOf(set);
    const less = Math.min(size, removable);
    if (less <= 0) continue;
    sizes.set(nameOf(set), size - less);
    removable -= less;
  }
  return sizes;
}

/**
 * Sizes after `spec.replicas` changed in the middle of a rollout: what is added or removed is shared among the sets in proportion to their sizes, so that a scaling does
 * not hasten the rollout. `undefined` in place of a size means that only the annotations need to follow.
 */
export function scaleProportionally(deployment: Deployment, newSet: ReplicaSet | undefined, old: readonly ReplicaSet[]): { readonly sizes: Sizes; readonly annotateAll: boolean } {
  const desired = replicasOf(deployment);
  const all = [...old, ...(newSet ? [newSet] : [])];
  const active = all.filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? (newSet ?? oldestFirst(old).at(-1)) : active.length === 1 ? active[0] : undefined;
  if (active.length <= 1) return { sizes: new Map(only && replicasOf(only) !== desired ? [[nameOf(only), desired]] : []), annotateAll: false };

  const isSaturated = newSet !== undefined && replicasOf(newSet) === desired && (maxDesired(newSet) ?? desired) === desired && (newSet.status?.availableReplicas ?? 0) === desired;
  if (isSaturated) return { sizes: new Map(active.filter((set) => set !== newSet).map((set) => [nameOf(set), 0])), annotateAll: false };
  if (!isRolling(deployment)) return { sizes: new Map(), annotateAll: false };

  const { maxSurge } = limitsOf(deployment);
  const toAdd = (desired > 0 ? desired + maxSurge : 0) - totalReplicas(active);
  const bySize = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const set of bySize) {
    const share = toAdd === 0 || added === toAdd ? 0 : limit(fraction(set, deployment, maxSurge), toAdd - added);
    sizes.set(nameOf(set), replicasOf(set) + share);
    added += share;
  }
  const largest = bySize[0];
  if (largest && toAdd !== 0) sizes.set(nameOf(largest), Math.max((sizes.get(nameOf(largest)) ?? 0) + toAdd - added, 0));
  return { sizes, annotateAll: true };
}

const maxDesired = ({ metadata }: ReplicaSet): number | undefined => {
  const text = metadata.annotations?.["deployment.kubernetes.io/desired-replicas"];
  return text === undefined ? undefined : Number(text);
};
const limit = (share: number, left: number): number => (left > 0 ? Math.min(share, left) : Math.max(share, left));

function fraction(set: ReplicaSet, deployment: Deployment, maxSurge: number): number {
  const desired = replicasOf(deployment);
  if (desired === 0) return -replicasOf(set);
  const before = maxReplicasOf(set) || deployment.status?.replicas || 0;
  if (before === 0) return 0;
  const size = (replicasOf(set) * (desired + maxSurge)) / before;
  return Math.sign(size) * Math.round(Math.abs(size)) - replicasOf(set);
}
