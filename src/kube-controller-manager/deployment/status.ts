import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/generated/apps-v1.ts";
import { formatTime, parseTime } from "../../apimachinery/time.ts";
import { compact, withCondition, withoutCondition } from "../shared/status.ts";
import { limitsOf, replicasOf, totalOfStatus, totalReplicas } from "./scale.ts";

/** Upstream reads this as "no deadline". */
const noDeadlineSeconds = 2 ** 31 - 1;
export const hasDeadline = ({ spec }: Deployment): boolean => spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadlineSeconds;

export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean => {
  const desired = replicasOf(deployment);
  return (status.updatedReplicas ?? 0) === desired && (status.replicas ?? 0) === desired && (status.availableReplicas ?? 0) === desired && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
};

export interface StatusInput {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly nowMs: number;
  /** A set that this reconcile made. */
  readonly created?: string;
  /** Why a set could not be made. */
  readonly createFailure?: string;
  readonly judgesProgress: boolean;
}

export const condition = (type: string, status: "True" | "False" | "Unknown", reason: string, message: string, nowMs: number): DeploymentCondition =>
  ({ type, status, reason, message, lastUpdateTime: formatTime(nowMs), lastTransitionTime: formatTime(nowMs) });

/** Numbers without zeros, as they are stored; compare with `compactStatus` of what is stored. */
export const compactStatus = (status: DeploymentStatus | undefined): DeploymentStatus => compact({ ...status }, ["terminatingReplicas", "collisionCount"]);

export function planStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newSet, old } = input;
  const all = [...old, ...(newSet ? [newSet] : [])];
  const available = totalOfStatus(all, "availableReplicas");
  const { collisionCount } = deployment.status ?? {};
  const counts: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: totalOfStatus(all, "replicas"),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: totalOfStatus(all, "readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(totalReplicas(all) - available, 0),
    ...(all.every(({ status }) => status?.terminatingReplicas !== undefined) && { terminatingReplicas: totalOfStatus(all, "terminatingReplicas") }),
    ...(collisionCount !== undefined && { collisionCount }),
  };
  const conditions = failures(progress(availability(deployment.status?.conditions ?? [], available, input), counts, input), all, input);
  return compactStatus({ ...counts, conditions });
}

function availability(conditions: readonly DeploymentCondition[], available: number, { deployment, nowMs }: StatusInput): readonly DeploymentCondition[] {
  return withCondition(conditions, available >= replicasOf(deployment) - limitsOf(deployment).maxUnavailable
    ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", nowMs)
    : condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", nowMs));
}

function progress(conditions: readonly DeploymentCondition[], counts: DeploymentStatus, input: StatusInput): readonly DeploymentCondition[] {
  const { deployment, newSet, nowMs, created, createFailure, judgesProgress } = input;
  if (!hasDeadline(deployment)) return withoutCondition(conditions, "Progressing");
  const known = conditions.find(({ type }) => type === "Progressing");
  const set = (status: "True" | "False" | "Unknown", reason: string, message: string) => withCondition(conditions, condition("Progressing", status, reason, message, nowMs));

  if (createFailure !== undefined) return set("False", "ReplicaSetCreateError", createFailure);
  if (created !== undefined) return set("True", "NewReplicaSetCreated", `Created new replica set ${JSON.stringify(created)}`);
  if (deployment.spec?.paused === true && known?.reason !== "DeploymentPaused" && known?.reason !== "ProgressDeadlineExceeded") return set("Unknown", "DeploymentPaused", "Deployment is paused");
  if (deployment.spec?.paused !== true && known?.reason === "DeploymentPaused") return set("Unknown", "DeploymentResumed", "Deployment is resumed");
  if (!known && newSet) return set("True", "FoundNewReplicaSet", `Found new replica set ${JSON.stringify(newSet.metadata.name)}`);
  if (!judgesProgress || (counts.replicas === counts.updatedReplicas && known?.reason === "NewReplicaSetAvailable")) return conditions;

  const what = newSet ? `ReplicaSet ${JSON.stringify(newSet.metadata.name)}` : `Deployment ${JSON.stringify(deployment.metadata.name)}`;
  if (isComplete(deployment, counts)) return set("True", "NewReplicaSetAvailable", `${what} has successfully progressed.`);
  if (hasProgressed(deployment.status ?? {}, counts)) {
    // The same reason again still moves the time from which the deadline counts.
    const next = condition("Progressing", "True", "ReplicaSetUpdated", `${what} is progressing.`, nowMs);
    const since = known?.status === "True" && known.lastTransitionTime !== undefined ? { lastTransitionTime: known.lastTransitionTime } : {};
    return [...withoutCondition(conditions, "Progressing"), { ...next, ...since }];
  }
  return isTimedOut(deployment, known, nowMs) ? set("False", "ProgressDeadlineExceeded", `${what} has timed out progressing.`) : conditions;
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas;
  return (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) || old(after) < old(before)
    || (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) || (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
}

function isTimedOut({ spec }: Deployment, known: DeploymentCondition | undefined, nowMs: number): boolean {
  if (!known || known.reason === "NewReplicaSetAvailable") return false;
  if (known.reason === "ProgressDeadlineExceeded") return true;
  return known.lastUpdateTime !== undefined && parseTime(known.lastUpdateTime) + (spec?.progressDeadlineSeconds ?? 0) * 1000 < nowMs;
}

function failures(conditions: readonly DeploymentCondition[], all: readonly ReplicaSet[], { newSet, judgesProgress }: StatusInput): readonly DeploymentCondition[] {
  if (!judgesProgress) return conditions;
  const failure = [...(newSet ? [newSet] : []), ...all].flatMap(({ status }) => status?.conditions ?? []).find(({ type }) => type === "ReplicaFailure");
  if (!failure) return withoutCondition(conditions, "ReplicaFailure");
  const { lastTransitionTime } = failure;
  return withCondition(conditions, { ...failure, ...(lastTransitionTime !== undefined && { lastUpdateTime: lastTransitionTime }) });
}

/** When to look again whether the deadline has passed; one second is added because times are stored in whole seconds. */
export function nextProgressCheckInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const known = status.conditions?.find(({ type }) => type === "Progressing");
  if (!hasDeadline(deployment) || !known || known.reason === "ProgressDeadlineExceeded" || known.reason === "DeploymentPaused" || isComplete(deployment, status)) return undefined;
  const untilMs = parseTime(known.lastUpdateTime ?? formatTime(nowMs)) + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000;
  return Math.max(untilMs - nowMs, 0) + 1000;
}
