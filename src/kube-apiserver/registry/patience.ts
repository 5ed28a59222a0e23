import type { ResourceType } from "../../apimachinery/object.ts";

/**
 * Heartbeats of nodes come every ten seconds, and a node counts as lost after forty: half a second more is nothing to them. Kubelets time the next one from
 * the answer to the last, so nodes whose heartbeats were answered together come back together, and share one flush from then on.
 */
const heartbeatPatienceMs = 500;
/** News for people. Whoever records them waits for one to be taken before sending the next, so this is short. */
const eventPatienceMs = 20;

/** How long a write may wait to be made durable together with others, in milliseconds. `expected` is 0 for an object that is made. */
export function patienceOf({ group, plural }: Pick<ResourceType, "group" | "plural">, namespace: string, expected: number): number {
  if (plural === "leases" && group === "coordination.k8s.io" && namespace === "kube-node-lease" && expected > 0) return heartbeatPatienceMs;
  return plural === "events" && group === "" ? eventPatienceMs : 0;
}
