import type { Rejection } from "./plugin.ts";

/** Why no node was found, in upstream's words. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** Why each node that was looked at was left out. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Why the others were not even looked at. */
  readonly others?: Rejection;
  /** A plugin refused the pod as such. */
  readonly refused?: Rejection;
  /** Names of all plugins that rejected anything: their events wake the pod. */
  readonly plugins: ReadonlySet<string>;
}

/** "1 node(s) had untolerated taint(s), 2 Insufficient cpu": how often each reason was given, sorted as text. */
export function reasonCounts({ nodeCount, rejections, others }: Pick<Diagnosis, "nodeCount" | "rejections" | "others">): string {
  const counts = new Map<string, number>();
  const count = ({ reasons }: Rejection, times: number): void => {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
  };
  for (const rejection of rejections.values()) count(rejection, 1);
  if (others && rejections.size < nodeCount) count(others, nodeCount - rejections.size);
  return [...counts].map(([reason, times]) => `${times} ${reason}`).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).join(", ");
}

/** "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: 0/3 nodes are available: …" */
export function diagnosisText(diagnosis: Diagnosis, preemption = ""): string {
  const { nodeCount, refused } = diagnosis;
  const reasons = refused ? refused.reasons.join(", ") : reasonCounts(diagnosis);
  return `0/${nodeCount} nodes are available:${reasons === "" ? "" : ` ${reasons}.`}${preemption === "" ? "" : ` ${preemption}`}`;
}
