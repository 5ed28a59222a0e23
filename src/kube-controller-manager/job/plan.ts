import type { Job, JobCondition, JobStatus, PodFailurePolicyRule } from "../../api/generated/batch-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";
import { formatTime, timeMs } from "../../apimachinery/time.ts";
import { cheapestFirst, isActive, isReady, isTerminating } from "../shared/pods.ts";
import { withCondition } from "../shared/status.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
export const indexAnnotation = "batch.kubernetes.io/job-completion-index";
/** Failures in a row delay the next pod by this, doubled each time. */
const retryDelayMs = 10_000;
const retryDelayMsMax = 600_000;
const burstMax = 500;

export const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === "Indexed";
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;
const conditionOf = ({ status }: Job, type: string): JobCondition | undefined => status?.conditions?.find((each) => each.type === type && each.status === "True");
export const isFinishedJob = (job: Job): boolean => conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;
export const indexOf = ({ metadata }: Pod): number => Number.parseInt(metadata.annotations?.[indexAnnotation] ?? "-1", 10);

const isSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";
/** A pod that is being deleted counts as failed at once, unless the Job wants to wait for its end. */
const isFailed = (job: Job) => (pod: Pod): boolean =>
  pod.status?.phase === "Failed" || (job.spec?.podReplacementPolicy !== "Failed" && pod.metadata.deletionTimestamp !== undefined && !isSucceeded(pod));

export interface Ending { readonly type: "FailureTarget" | "SuccessCriteriaMet"; readonly reason: string; readonly message: string }

export interface JobPlan {
  /** How many pods to start; for Indexed Jobs, with these indexes. */
  readonly create: number;
  readonly indexes: readonly number[];
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
  const failure = failureOf(job, pods, failed, deadlineMs, policed.find(({ match }) => match?.rule.action === "FailJob")?.match);
  const managed = failure || suspended ? { create: 0, indexes: [], remove: active, againMs: undefined } : manage(job, pods, active, terminating, succeeded, done, nowMs);
  const isComplete = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions && active.length === 0;
  const success: Ending | undefined = failure || !isComplete ? undefined : { type: "SuccessCriteriaMet", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
  const ending = failure ?? success;

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
    ...managed, ending, ignored, suspension,
    againMs: waits.length === 0 ? undefined : Math.min(...waits),
    status: {
      ...before,
      ...(since !== undefined && { startTime: since }),
      ...(isIndexed(job) && done.size > 0 && { completedIndexes: formatIndexes(done) }),
      ...(conditions.length > 0 && { conditions }),
      ready: active.filter(isReady).length,
      terminating: terminating.length,
      uncountedTerminatedPods: {
        ...(uncounted.succeeded.length + newSucceeded.length > 0 && { succeeded: [...uncounted.succeeded, ...uids(newSucceeded)] }),
        ...(uncounted.failed.length + newFailed.length > 0 && { failed: [...uncounted.failed, ...uids(newFailed)] }),
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

function manage(job: Job, pods: readonly Pod[], active: readonly Pod[], terminating: readonly Pod[], succeeded: number, done: ReadonlySet<number>, nowMs: number): Pick<JobPlan, "create" | "indexes" | "remove" | "againMs"> {
  const { parallelism = 1, completions } = job.spec ?? {};
  const idle = { create: 0, indexes: [], remove: [], againMs: undefined };
  if (job.metadata.deletionTimestamp !== undefined || conditionOf(job, "SuccessCriteriaMet")) return idle;
  const wanted = completions === undefined ? (succeeded > 0 ? Math.min(active.length, parallelism) : parallelism) : Math.min(parallelism, completions - succeeded);
  if (active.length > wanted) return { ...idle, remove: active.toSorted(cheapestFirst(nowMs, () => 0)).slice(0, active.length - Math.max(wanted, 0)) };

  const held = job.spec?.podReplacementPolicy === "Failed" ? terminating.length : 0;
  const missing = Math.min(wanted - active.length - held, burstMax);
  if (missing <= 0) return idle;
  const waitMs = retryInMs(pods, nowMs);
  if (waitMs > 0) return { ...idle, againMs: waitMs };
  if (!isIndexed(job)) return { ...idle, create: missing };
  const taken = new Set([...done, ...active.map(indexOf), ...(held > 0 ? terminating.map(indexOf) : [])]);
  const indexes: number[] = [];
  for (let index = 0; index < (completions ?? 0) && indexes.length < missing; index++) if (!taken.has(index)) indexes.push(index);
  return { ...idle, create: indexes.length, indexes };
}

function finishedMs({ status, metadata }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => timeMs(state?.terminated?.finishedAt) ?? 0);
  return Math.max(0, ...ends) || (timeMs(metadata.deletionTimestamp) ?? timeMs(metadata.creationTimestamp) ?? 0);
}

/** Failures since the last success put off the next attempt. */
function retryInMs(pods: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(isSucceeded).map(finishedMs));
  const failures = pods.filter(({ status }) => status?.phase === "Failed").map(finishedMs).filter((ms) => ms > lastSuccessMs);
  if (failures.length === 0) return 0;
  return Math.max(Math.max(...failures) + Math.min(retryDelayMs * 2 ** (failures.length - 1), retryDelayMsMax) - nowMs, 0);
}

function failureOf(job: Job, pods: readonly Pod[], failed: number, deadlineMs: number | undefined, policy: PolicyMatch | undefined): Ending | undefined {
  if (conditionOf(job, "SuccessCriteriaMet")) return undefined;
  const begun = conditionOf(job, "FailureTarget");
  if (begun) return { type: "FailureTarget", reason: begun.reason ?? "", message: begun.message ?? "" };
  if (policy) return { type: "FailureTarget", reason: "PodFailurePolicy", message: policy.message };
  const limit = job.spec?.backoffLimit ?? 6;
  if (failed > limit || restartsExceed(job, pods, limit)) return { type: "FailureTarget", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  if (deadlineMs !== undefined && deadlineMs <= 0) return { type: "FailureTarget", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  return undefined;
}

/** Containers that the kubelet starts again in place count too. */
function restartsExceed({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec?.template.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = pods.filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]).reduce((total, { restartCount }) => total + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

interface PolicyMatch { readonly rule: PodFailurePolicyRule; readonly message: string }

/** The first rule of the Job's podFailurePolicy that fits how the pod failed. */
function matchPolicy({ spec }: Job, pod: Pod): PolicyMatch | undefined {
  if (pod.status?.phase !== "Failed") return undefined;
  const where = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const { onExitCodes, onPodConditions = [] } = rule;
    if (onExitCodes) {
      const { containerName, operator, values } = onExitCodes;
      const hit = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])].find(({ name, state }) => {
        const code = state?.terminated?.exitCode ?? 0;
        return code !== 0 && (containerName === undefined || containerName === name) && values.includes(code) === (operator === "In");
      });
      if (hit) return { rule, message: `Container ${hit.name} for pod ${where} failed with exit code ${hit.state?.terminated?.exitCode} matching ${rule.action} rule at index ${index}` };
    }
    const met = pod.status.conditions?.find(({ type, status }) => onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? "True") === status));
    if (met) return { rule, message: `Pod ${where} has condition ${met.type} matching ${rule.action} rule at index ${index}` };
  }
  return undefined;
}
