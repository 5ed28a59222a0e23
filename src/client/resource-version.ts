import type { KubeObject } from "../apimachinery/object.ts";

/**
 * Resource versions of one resource are decimal numbers that grow with each change (promised to clients since Kubernetes 1.35, KEP-5504).
 * Undefined for what is not such a number: nothing can be concluded from it.
 */
export function revisionOf(resourceVersion: string | undefined): number | undefined {
  if (resourceVersion === undefined || !/^[1-9][0-9]*$/.test(resourceVersion)) return undefined;
  const revision = Number(resourceVersion);
  return Number.isSafeInteger(revision) ? revision : undefined;
}

/** Whether `candidate` is surely not newer than `known`. */
export function isNotNewer(candidate: KubeObject, known: KubeObject): boolean {
  const [left, right] = [revisionOf(candidate.metadata.resourceVersion), revisionOf(known.metadata.resourceVersion)];
  return left !== undefined && right !== undefined && left <= right;
}
