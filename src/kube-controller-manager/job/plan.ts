import type { Job, JobCondition, JobStatus } from "../../api/generated/batch-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";
import { formatTime, timeMs } from "../../apimachinery/time.ts";
import { cheapestFirst, isActive, isReady, isTerminating } from "../shared/pods.ts";
import { withCondition } from "../shared/status.ts";
import { indexOf, isIndexed } from "./completion-index.ts";
import { countAnnotations, failuresPerIndex, indexRetryInMs, type FailuresPerIndex } from "./failures-per-index.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { matchPolicy, type PolicyMatch } from "./pod-failure-policy.ts";
import { finishedMs, retryInMs } from "./retry-delay.ts";
import { metSuccessPolicy } from "./success-policy.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
const burstMax = 500;

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;
const conditionOf = ({ status }: Job, type: string): JobCondition | undefined => status?.conditions?.find((each) => each.type === type && each.status === "True");
export const isFinishedJob = (job: Job): boolean => conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;

const isSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";
/** A pod that is being deleted counts as failed at once, unless the Job wants to wait for its end. */
const isFailed = (job: Job) => (pod: Pod): boolean =>
  pod.status?.phase === "Failed" || (job.spec?.podReplacementPolicy !== "Failed" && pod.metadata.deletionTimestamp !== undefined && !isSucceeded(pod));

export interface Ending { readonly type: "FailureTarget" | "SuccessCriteriaMet"; readonly reason: string; readonly message: string }

/** A pod to start for an index, with what its annotations say about the pods before it. */
export interface PlannedIndex { readonly index: number; readonly annotations: Readonly<Record<string, string>> }

export interface JobPlan {
  /** How many pods to start; for Indexed Jobs, with these indexes. */
  readonly create: number;
  readonly indexes: readonly PlannedIndex[];
  readonly remove: readonly Pod[];
  readonly ending: Ending | undefined;
  /** The status to write before finalizers are taken off: what is counted then is in `uncountedTerminatedPods`. */
  readonly status: JobStatus;
  /** Pods that failed in a way that the Job ignores: counted nowhere, but no longer tracked. */
  readonly ignored: readonly Pod[];
  readonly suspension: "Suspended" | "Resumed" | undefined;
  readonly againMs: number | undefined;
}

export function planJob(job: Job, pods: readonly Pod[], nowMs: number): JobPlan {
  const { spec, status = {} } = job;
  const uncounted = { succeeded: status.uncountedTerminatedPods?.succeeded ?? [], failed: status.uncountedTerminatedPods?.failed ?? [] };
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  const fresh = pods.filter((pod) => isTracked(pod) && !known.has(pod.metadata.uid ?? ""));
  const newSucceeded = fresh.filter(isSucceeded);
  const policed = fresh.filter(isFailed(job)).map((pod) => ({ pod, match: matchPolicy(job, pod) }));
  const ignored = policed.filter(({ match }) => match?.rule.action === "Ignore").map(({ pod }) => pod);
  const newFailed = policed.filter(({ match }) => match?.rule.action !== "Ignore").map(({ pod }) => pod);

  const completions = spec?.completions;
  const done = isIndexed(job) ? parseIndexes(status.completedIndexes, completions ?? 0) : new Set<number>();
  if (isIndexed(job)) for (const pod of newSucceeded) if (indexOf(pod) >= 0 && indexOf(pod) < (completions ?? 0)) done.add(indexOf(pod));
  const succeeded = isIndexed(job) ? done.size : (status.succeeded ?? 0) + uncounted.succeeded.length + newSucceeded.length;
  const failed = (status.failed ?? 0) + uncounted.failed.length + newFailed.length;

  const suspended = spec?.suspend === true;
  const active = pods.filter(isActive);
  const terminating = pods.filter(isTerminating);
  const startTime = status.startTime ?? (suspended ? undefined : formatTime(nowMs));
  const deadlineMs = spec?.activeDeadlineSeconds === undefined || suspended ? undefined : (timeMs(startTime) ?? nowMs) + spec.activeDeadlineSeconds * 1000 - nowMs;
  const perIndex = failuresPerIndex(job, policed, done, new Set(active.map(indexOf)));
  const decided = decidedEnding(job, { pods, failed, deadlineMs, policy: policed.find(({ match }) => match?.rule.action === "FailJob")?.match, done, perIndex });
  const managed = decided || suspended ? { create: 0, indexes: [], remove: active, againMs: undefined } : manage(job, { pods, active, terminating, succeeded, done, perIndex, nowMs });
  const isComplete = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions && active.length === 0;
  const ending = decided ?? (isComplete ? { type: "SuccessCriteriaMet", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" } satisfies Ending : undefined);
  const isKept = (pod: Pod): boolean => ending === undefined && perIndex?.last.get(indexOf(pod))?.pod === pod;
  const counted = newFailed.filter((pod) => !isKept(pod));

  const isToldSuspended = conditionOf(job, "Suspended") !== undefined;
  const suspension = ending ? undefined : suspended && !isToldSuspended ? "Suspended" : !suspended && isToldSuspended ? "Resumed" : undefined;
  let conditions = status.conditions ?? [];
  if (suspension) conditions = withCondition(conditions, condition("Suspended", suspension === "Suspended" ? "True" : "False", `Job${suspension}`, suspension === "Suspended" ? "Job suspended" : "Job resumed", nowMs));
  if (ending) conditions = withCondition(conditions, condition(ending.type, "True", ending.reason, ending.message, nowMs));

  const { startTime: _, completedIndexes: __, ...before } = status;
  const since = suspension === "Resumed" ? formatTime(nowMs) : suspension === "Suspended" ? undefined : startTime;
  const uids = (each: readonly Pod[]) => each.map(({ metadata }) => metadata.uid ?? "");
  const waits = [deadlineMs !== undefined && deadlineMs > 0 ? deadlineMs : undefined, managed.againMs].filter((each) => each !== undefined);
  return {
    ...managed, ending, suspension, ignored: ignored.filter((pod) => !isKept(pod)),
    againMs: waits.length === 0 ? undefined : Math.min(...waits),
    status: {
      ...before,
      ...(since !== undefined && { startTime: since }),
      ...(isIndexed(job) && done.size > 0 && { completedIndexes: formatIndexes(done) }),
      ...(perIndex && { failedIndexes: formatIndexes(perIndex.failed) }),
      ...(conditions.length > 0 && { conditions }),
      ready: active.filter(isReady).length,
      terminating: terminating.length,
      uncountedTerminatedPods: {
        ...(uncounted.succeeded.length + newSucceeded.length > 0 && { succeeded: [...uncounted.succeeded, ...uids(newSucceeded)] }),
        ...(uncounted.failed.length + counted.length > 0 && { failed: [...uncounted.failed, ...uids(counted)] }),
      },
    },
  };
}

/** What the status is when the pods in `uncountedTerminatedPods` are counted, and the pods are as they are now. */
export function countedStatus(job: Job, pods: readonly Pod[], ending: Ending | undefined, nowMs: number): JobStatus {
  const { uncountedTerminatedPods: { succeeded = [], failed = [] } = {}, active: _, succeeded: __, failed: ___, ...before } = job.status ?? {};
  const active = pods.filter(isActive);
  const total = isIndexed(job) ? parseIndexes(before.completedIndexes, job.spec?.completions ?? 0).size : (job.status?.succeeded ?? 0) + succeeded.length;
  const lost = (job.status?.failed ?? 0) + failed.length;
  const terminating = pods.filter(isTerminating).length;
  const isOver = ending !== undefined && active.length === 0 && terminating === 0;
  const final = isOver && (ending.type === "FailureTarget" ? condition("Failed", "True", ending.reason, ending.message, nowMs) : condition("Complete", "True", ending.reason, ending.message, nowMs));
  return {
    ...before,
    ...(active.length > 0 && { active: active.length }), ...(total > 0 && { succeeded: total }), ...(lost > 0 && { failed: lost }),
    ready: active.filter(isReady).length, terminating, uncountedTerminatedPods: {},
    ...(final && { conditions: withCondition(before.conditions, final) }),
    ...(final && final.type === "Complete" && { completionTime: formatTime(nowMs) }),
  };
}

const condition = (type: string, status: "True" | "False", reason: string, message: string, nowMs: number): JobCondition =>
  ({ type, status, reason, message, lastProbeTime: formatTime(nowMs), lastTransitionTime: formatTime(nowMs) });

interface Standing {
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly succeeded: number;
  /** Indexes that have succeeded. */
  readonly done: ReadonlySet<number>;
  readonly perIndex: FailuresPerIndex | undefined;
  readonly nowMs: number;
}

function manage(job: Job, { pods, active, terminating, succeeded, done, perIndex, nowMs }: Standing): Pick<JobPlan, "create" | "indexes" | "remove" | "againMs"> {
  const { parallelism = 1, completions } = job.spec ?? {};
  const idle = { create: 0, indexes: [], remove: [], againMs: undefined };
  if (job.metadata.deletionTimestamp !== undefined) return idle;
  const wanted = completions === undefined ? (succeeded > 0 ? Math.min(active.length, parallelism) : parallelism) : Math.min(parallelism, completions - succeeded);
  if (active.length > wanted) return { ...idle, remove: active.toSorted(cheapestFirst(nowMs, () => 0)).slice(0, active.length - Math.max(wanted, 0)) };

  const held = job.spec?.podReplacementPolicy === "Failed" ? terminating.length : 0;
  const missing = Math.min(wanted - active.length - held, burstMax);
  if (missing <= 0) return idle;
  // Where failures are limited per index, each index waits for itself.
  const waitMs = perIndex ? 0 : retryOfAllInMs(pods, nowMs);
  if (waitMs > 0) return { ...idle, againMs: waitMs };
  if (!isIndexed(job)) return { ...idle, create: missing };
  const taken = new Set([...done, ...(perIndex?.failed ?? []), ...active.map(indexOf), ...(held > 0 ? terminating.map(indexOf) : [])]);
  const indexes: number[] = [];
  for (let index = 0; index < (completions ?? 0) && indexes.length < missing; index++) if (!taken.has(index)) indexes.push(index);
  if (!perIndex) return { ...idle, create: indexes.length, indexes: indexes.map((index) => ({ index, annotations: {} })) };
  const waits = indexes.map((index) => ({ index, ms: indexRetryInMs(perIndex.last.get(index), nowMs) }));
  const now = waits.filter(({ ms }) => ms === 0).map(({ index }) => ({ index, annotations: countAnnotations(perIndex.last.get(index)) }));
  const later = waits.filter(({ ms }) => ms > 0).map(({ ms }) => ms);
  return { ...idle, create: now.length, indexes: now, againMs: later.length === 0 ? undefined : Math.min(...later) };
}

/** Failures since the last success put off the next attempt. */
function retryOfAllInMs(pods: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(isSucceeded).map(finishedMs));
  const failures = pods.filter(({ status }) => status?.phase === "Failed").map(finishedMs).filter((ms) => ms > lastSuccessMs);
  return retryInMs(failures.length, Math.max(0, ...failures), nowMs);
}

interface Evidence {
  readonly pods: readonly Pod[];
  readonly failed: number;
  readonly deadlineMs: number | undefined;
  readonly policy: PolicyMatch | undefined;
  readonly done: ReadonlySet<number>;
  readonly perIndex: FailuresPerIndex | undefined;
}

/** The end of a Job that stops what still runs: what was decided before, then failures, then success by the Job's own rules. */
function decidedEnding(job: Job, { pods, failed, deadlineMs, policy, done, perIndex }: Evidence): Ending | undefined {
  for (const type of ["SuccessCriteriaMet", "FailureTarget"] as const) {
    const begun = conditionOf(job, type);
    if (begun) return { type, reason: begun.reason ?? "", message: begun.message ?? "" };
  }
  const failure = (reason: string, message: string): Ending => ({ type: "FailureTarget", reason, message });
  if (policy) return failure("PodFailurePolicy", policy.message);
  const { backoffLimit: limit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {};
  if (failed > limit || restartsExceed(job, pods, limit)) return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (deadlineMs !== undefined && deadlineMs <= 0) return failure("DeadlineExceeded", "Job was active longer than specified deadline");
  if (perIndex && maxFailedIndexes !== undefined && perIndex.failed.size > maxFailedIndexes) return failure("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  if (perIndex && perIndex.failed.size > 0 && perIndex.failed.size + done.size >= completions) return failure("FailedIndexes", "Job has failed indexes");
  const met = isIndexed(job) ? metSuccessPolicy(job, done) : undefined;
  return met === undefined ? undefined : { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message: met };
}

/** Containers that the kubelet starts again in place count too. */
function restartsExceed({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec?.template.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]).reduce((total, { restartCount }) => total + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
