import type { Job } from "../../api/generated/batch-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";
import { indexOf } from "./completion-index.ts";
import { parseIndexes } from "./indexes.ts";
import type { PolicyMatch } from "./pod-failure-policy.ts";
import { finishedMs, retryInMs } from "./retry-delay.ts";

/** How often an index has failed before this pod, which is where the count is kept (KEP-3850). */
const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
/** The same of failures that the Job's podFailurePolicy ignores; they delay the next attempt but do not use the limit up. */
const ignoredCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

export interface FailedPod { readonly pod: Pod; readonly match: PolicyMatch | undefined }

/** Failures of a Job that limits them per index. */
export interface FailuresPerIndex {
  /** Indexes that are not tried again. */
  readonly failed: ReadonlySet<number>;
  /** The last failure of each index that is to be tried again: kept until the next pod has taken over its count. */
  readonly last: ReadonlyMap<number, FailedPod>;
}

const countOf = ({ metadata }: Pod, annotation: string): number => {
  const count = Number(metadata.annotations?.[annotation] ?? "0");
  return Number.isInteger(count) && count >= 0 ? count : 0;
};
const attemptsOf = (pod: Pod): number => countOf(pod, failureCountAnnotation) + countOf(pod, ignoredCountAnnotation);
const isIgnored = ({ match }: FailedPod): boolean => match?.rule.action === "Ignore";

/** `failures`: pods that failed and are not counted yet; `done`, `active`: indexes that have succeeded, and that have a pod. Undefined for other Jobs. */
export function failuresPerIndex({ spec, status }: Job, failures: readonly FailedPod[], done: ReadonlySet<number>, active: ReadonlySet<number>): FailuresPerIndex | undefined {
  const limit = spec?.backoffLimitPerIndex;
  if (limit === undefined) return undefined;
  const completions = spec?.completions ?? 0;
  const ofAnIndex = failures.filter(({ pod }) => indexOf(pod) >= 0 && indexOf(pod) < completions);
  const failed = parseIndexes(status?.failedIndexes, completions);
  for (const each of ofAnIndex) {
    if (each.match?.rule.action === "FailIndex" || (!isIgnored(each) && countOf(each.pod, failureCountAnnotation) >= limit)) failed.add(indexOf(each.pod));
  }
  const last = new Map<number, FailedPod>();
  for (const each of ofAnIndex) {
    const index = indexOf(each.pod);
    if (done.has(index) || failed.has(index) || active.has(index)) continue;
    const before = last.get(index);
    if (!before || (attemptsOf(before.pod) <= attemptsOf(each.pod) && finishedMs(before.pod) <= finishedMs(each.pod))) last.set(index, each);
  }
  return { failed, last };
}

/** What the next pod of an index says about those before it. */
export function countAnnotations(last: FailedPod | undefined): Readonly<Record<string, string>> {
  if (!last) return { [failureCountAnnotation]: "0" };
  const ignored = countOf(last.pod, ignoredCountAnnotation) + (isIgnored(last) ? 1 : 0);
  return { [failureCountAnnotation]: String(countOf(last.pod, failureCountAnnotation) + (isIgnored(last) ? 0 : 1)), ...(ignored > 0 && { [ignoredCountAnnotation]: String(ignored) }) };
}

/** How long the next pod of an index has to wait for. */
export const indexRetryInMs = (last: FailedPod | undefined, nowMs: number): number => (last ? retryInMs(attemptsOf(last.pod) + 1, finishedMs(last.pod), nowMs) : 0);
