import type { Pod } from "../../api/generated/core-v1.ts";
import type { Labels } from "../../apimachinery/label-selector.ts";
import { Interned } from "./interned.ts";

/** What selectors see of a pod. Pods of one controller are one group, so that nodes can count them instead of listing them. */
export interface PodGroup {
  readonly namespace: string;
  readonly labels: Labels;
  /** The pod is being deleted. */
  readonly leaving: boolean;
}

const interned = new Interned<PodGroup>({ max: 50_000 });

export function podGroupOf({ metadata: { namespace = "", labels = {}, deletionTimestamp } }: Pod): PodGroup {
  const leaving = deletionTimestamp !== undefined;
  return interned.get(JSON.stringify([namespace, labels, leaving]), () => ({ namespace, labels, leaving }));
}
