import { duplicate, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero } from "../checks.ts";
import type { Job, JobStatus } from "../generated/batch-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { overlapOf, parseIndexes } from "./indexes.ts";

const path = "status.conditions";
/** An invalid value that is not shown. */
const wrong = (detail: string): FieldError => ({ reason: "FieldValueInvalid", field: path, message: `Invalid value: ${detail}` });

const has = ({ status }: Job, type: string, value = "True"): boolean => (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === value);
const isFinished = (job: Job): boolean => has(job, "Complete") || has(job, "Failed");

/** Most rules look only at what this update changes, so that what was stored before them stays. */
function changesOf(next: Job, previous: Job): { readonly field: (...names: readonly (keyof JobStatus)[]) => boolean; readonly condition: (...types: readonly string[]) => boolean; readonly finished: boolean } {
  return {
    field: (...names) => names.some((name) => !semanticallyEqual(next.status?.[name], previous.status?.[name])),
    condition: (...types) => types.some((type) => has(next, type) !== has(previous, type)),
    finished: isFinished(next) !== isFinished(previous),
  };
}

function validateUncounted(status: JobStatus): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const field of ["succeeded", "failed"] as const) {
    for (const [index, uid] of (status.uncountedTerminatedPods?.[field] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${field}[${index}]`;
      if (uid === "") errors.push(invalid(at, uid, "must not be empty"));
      else if (seen.has(uid)) errors.push(duplicate(at, uid));
      seen.add(uid);
    }
  }
  return errors;
}

function validateEnd(next: Job, previous: Job): readonly FieldError[] {
  const status = next.status ?? {};
  const changed = changesOf(next, previous);
  const [complete, failed, finished] = [has(next, "Complete"), has(next, "Failed"), isFinished(next)];
  const { startTime, completionTime, uncountedTerminatedPods: uncounted } = status;
  const errors: FieldError[] = [];
  if (changed.condition("Complete", "Failed") && complete && failed) errors.push(wrong("cannot set Complete=True and Failed=true conditions"));
  if (changed.condition("Complete", "FailureTarget") && complete && has(next, "FailureTarget")) errors.push(wrong("cannot set Complete=True and FailureTarget=true conditions"));
  if (changed.condition("Complete") || changed.field("completionTime")) {
    if (completionTime !== undefined && !complete) errors.push(invalid("status.completionTime", completionTime, "cannot set completionTime when there is no Complete=True condition"));
    if (completionTime === undefined && complete) errors.push(required("status.completionTime", "completionTime is required for Complete jobs"));
  }
  if (changed.field("startTime", "completionTime") && startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(invalid("status.completionTime", completionTime, "must be equal to or after `startTime`"));
  }
  if ((changed.condition("Failed") || changed.field("failedIndexes")) && failed && !has(next, "FailureTarget")) errors.push(wrong("cannot set Failed=True condition without the FailureTarget=true condition"));
  if (changed.condition("Complete", "SuccessCriteriaMet") && complete && !has(next, "SuccessCriteriaMet")) errors.push(wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition"));
  if ((changed.finished || changed.field("active")) && finished && (status.active ?? 0) > 0) errors.push(invalid("status.active", status.active, "active>0 is invalid for finished job"));
  const neverStarts = next.spec?.suspend === true && next.spec.completions === 0;
  if ((changed.finished || changed.field("startTime")) && !neverStarts && finished && startTime === undefined) errors.push(required("status.startTime", "startTime is required for finished job"));
  if ((changed.finished || changed.field("uncountedTerminatedPods")) && finished && (uncounted?.failed ?? []).length + (uncounted?.succeeded ?? []).length > 0) {
    errors.push(invalid("status.uncountedTerminatedPods", uncounted, "must be empty for finished job"));
  }
  return errors;
}

function validateIndexes(next: Job, previous: Job): readonly FieldError[] {
  const { completedIndexes = "", failedIndexes } = next.status ?? {};
  const { completions, backoffLimitPerIndex, completionMode } = next.spec ?? {};
  const { field } = changesOf(next, previous);
  const errors: FieldError[] = [];
  for (const [name, text, applies] of [["completedIndexes", completedIndexes, true], ["failedIndexes", failedIndexes ?? "", backoffLimitPerIndex !== undefined]] as const) {
    const parsed = field(name) && completions !== undefined && applies ? parseIndexes(text, completions) : { total: 0 };
    if ("problem" in parsed) errors.push(invalid(`status.${name}`, text, `error parsing ${name}: ${parsed.problem}`));
  }
  if (field("completedIndexes") && completedIndexes !== "" && completionMode !== "Indexed") errors.push(invalid("status.completedIndexes", completedIndexes, "cannot set non-empty completedIndexes when non-indexed completion mode"));
  if (field("failedIndexes") && failedIndexes !== undefined && backoffLimitPerIndex === undefined) errors.push(invalid("status.failedIndexes", failedIndexes, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"));
  if (field("completedIndexes", "failedIndexes") && completions !== undefined && failedIndexes !== undefined) {
    const index = overlapOf(completedIndexes, failedIndexes, completions);
    if (index !== undefined) errors.push(invalid("status.failedIndexes", failedIndexes, `failedIndexes and completedIndexes overlap at index: ${index}`));
  }
  return errors;
}

function validateCriteria(next: Job): readonly FieldError[] {
  const met = has(next, "SuccessCriteriaMet");
  const errors: FieldError[] = [];
  if (met && has(next, "Failed")) errors.push(wrong("cannot set SuccessCriteriaMet=True and Failed=true conditions"));
  if (met && has(next, "FailureTarget")) errors.push(wrong("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"));
  if (next.spec?.successPolicy !== undefined && !met && has(next, "Complete")) errors.push(wrong("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"));
  return errors;
}

/** What was counted and decided stays. */
function validateProgress(next: Job, previous: Job): readonly FieldError[] {
  const [status, before] = [next.status ?? {}, previous.status ?? {}];
  const errors: FieldError[] = [];
  for (const type of ["Failed", "Complete", "FailureTarget"]) if (has(previous, type) && !has(next, type)) errors.push(wrong(`cannot disable the terminal ${type}=True condition`));
  const elastic = next.spec?.completionMode === "Indexed" && next.spec.completions === next.spec.parallelism;
  if ((status.failed ?? 0) < (before.failed ?? 0)) errors.push(invalid("status.failed", status.failed ?? 0, "cannot decrease the failed counter"));
  if (!elastic && (status.succeeded ?? 0) < (before.succeeded ?? 0)) errors.push(invalid("status.succeeded", status.succeeded ?? 0, "cannot decrease the succeeded counter"));
  if (status.completionTime !== undefined && before.completionTime !== undefined && status.completionTime !== before.completionTime) errors.push(invalid("status.completionTime", status.completionTime, "field is immutable"));
  const resuming = has(previous, "Suspended") && has(next, "Suspended", "False");
  if (before.startTime !== undefined && status.startTime !== before.startTime && !resuming && next.spec?.suspend !== true) {
    errors.push(invalid("status.startTime", status.startTime ?? null, "field is immutable for unsuspended job once set"));
  }
  const [met, wasMet] = [has(next, "SuccessCriteriaMet"), has(previous, "SuccessCriteriaMet")];
  if (wasMet && !met) errors.push(wrong("cannot disable the SuccessCriteriaMet=True condition"));
  if (has(previous, "Complete") && !wasMet && met) errors.push(wrong("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"));
  return errors;
}

export function validateJobStatus(next: Job, previous: Job): readonly FieldError[] {
  const status = next.status ?? {};
  const changed = changesOf(next, previous);
  const errors: FieldError[] = [];
  for (const field of ["active", "succeeded", "failed", "ready", "terminating"] as const) addAll(errors, atLeastZero(`status.${field}`, status[field]));
  addAll(errors, validateUncounted(status));
  addAll(errors, validateEnd(next, previous));
  addAll(errors, validateIndexes(next, previous));
  if ((changed.finished || changed.field("terminating")) && isFinished(next) && (status.terminating ?? 0) > 0) errors.push(invalid("status.terminating", status.terminating, "terminating>0 is invalid for finished job"));
  if (changed.field("ready", "active") && (status.ready ?? 0) > (status.active ?? 0)) errors.push(invalid("status.ready", status.ready, "cannot set more ready pods than active"));
  addAll(errors, validateCriteria(next));
  addAll(errors, validateProgress(next, previous));
  return errors;
}
