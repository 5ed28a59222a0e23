import type { Deployment, ReplicaSet } from "../../api/generated/apps-v1.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";
/** Not copied from a Deployment to its ReplicaSets. */
const ownAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration", revisionAnnotation, revisionHistoryAnnotation, desiredReplicasAnnotation, maxReplicasAnnotation, "deprecated.deployment.rollback.to",
]);
/** About a hundred revisions. */
const revisionHistoryCharsMax = 2000;

type Annotations = Readonly<Record<string, string>>;

/** Revisions have 64 bits: whoever makes a ReplicaSet to be adopted may have begun anywhere. Undefined for what is no such number. */
function parseRevision(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) return undefined;
  const revision = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, revision) === revision ? revision : undefined;
}
export const revisionOf = ({ metadata }: ReplicaSet): bigint => parseRevision(metadata.annotations?.[revisionAnnotation] ?? "") ?? 0n;

/** The number of replicas that the Deployment asked for, and the number it allowed, when it last scaled this set. */
export const desiredReplicasOf = ({ metadata }: ReplicaSet): number | undefined => countOf(metadata.annotations?.[desiredReplicasAnnotation]);
export const maxReplicasOf = ({ metadata }: ReplicaSet): number | undefined => countOf(metadata.annotations?.[maxReplicasAnnotation]);
const countOf = (text: string | undefined): number | undefined => (text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined);

export const withReplicas = (annotations: Annotations | undefined, desired: number, max: number): Annotations =>
  ({ ...annotations, [desiredReplicasAnnotation]: String(desired), [maxReplicasAnnotation]: String(max) });

/** What the annotations of the Deployment's current set should be; the same object when they are. */
export function annotationsOfNewSet(deployment: Deployment, current: Annotations | undefined, revision: bigint): Annotations {
  const next: Record<string, string> = { ...current };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!ownAnnotations.has(name)) next[name] = value;
  const before = current?.[revisionAnnotation];
  const beforeNumber = parseRevision(before ?? "0");
  if (beforeNumber === undefined || beforeNumber >= revision) return next;
  next[revisionAnnotation] = String(revision);
  if (before === undefined) return next;
  // Rolled back to: the numbers it had before are kept.
  const history = [...(current?.[revisionHistoryAnnotation] ?? "").split(",").filter((each) => each !== ""), before];
  while (history.length > 1 && history.join(",").length > revisionHistoryCharsMax) history.shift();
  next[revisionHistoryAnnotation] = history.join(",");
  return next;
}
