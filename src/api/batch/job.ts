import { jobs, type Job, type JobSpec } from "../generated/batch-v1.ts";
import { containersColumn, imagesColumn, selectorColumn } from "../apps/workload-columns.ts";
import { podTemplateDefaults } from "../core/pod-spec/defaults.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import { changeEach, changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { humanDuration } from "../../apimachinery/duration.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { labelValueErrors } from "../../apimachinery/validation.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { validateJobStatus } from "./job-status-validation.ts";
import { validateJob, validateJobUpdate } from "./job-validation.ts";
import { jobSpecWarnings, nameWarnings } from "./job-warnings.ts";

/** The largest backoff limit: with a limit per index, the one for the whole job does not count. */
const backoffLimitMax = 2 ** 31 - 1;

/** Used by CronJob for its template too, which gets everything but what only makes sense of a whole Job. */
export function jobTemplateSpecDefaults(spec: JobSpec): JobSpec {
  const policy = changeField(spec, "podFailurePolicy", (podFailurePolicy) =>
    changeEach(podFailurePolicy, "rules", (rule) => changeEach(rule, "onPodConditions", (pattern) => withDefaults(pattern, { status: "True" }))));
  return changeField(withStruct(policy, "template"), "template", podTemplateDefaults);
}

function jobSpecDefaults(spec: JobSpec): JobSpec {
  let next = spec;
  if (next.completions === undefined && next.parallelism === undefined) next = { ...next, completions: 1, parallelism: 1 };
  next = withDefaults(next, {
    parallelism: 1,
    backoffLimit: next.backoffLimitPerIndex === undefined ? 6 : backoffLimitMax,
    completionMode: "NonIndexed", suspend: false,
    podReplacementPolicy: next.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed",
    manualSelector: false,
  });
  return jobTemplateSpecDefaults(next);
}

function labelDefaults(job: Job): Job {
  const labels = job.spec?.template?.metadata?.labels;
  return labels === undefined || Object.keys(job.metadata.labels ?? {}).length > 0 ? job : { ...job, metadata: { ...job.metadata, labels } };
}

/**
 * The template has the labels to be found by only once the Job is made, and then a Job without labels takes them over. Where its name is no label the
 * template is refused for it.
 */
const labelsFromTemplate = (job: Job): Job => (labelValueErrors(job.metadata.name ?? "").length > 0 ? job : labelDefaults(job));

const isTrue = ({ status }: Job, type: string): boolean => status?.conditions?.find((condition) => condition.type === type)?.status === "True";

function statusText(job: Job): string {
  if (isTrue(job, "Complete")) return "Complete";
  if (isTrue(job, "Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find((type) => isTrue(job, type)) ?? "Running";
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return "";
  const endMs = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime);
  return humanDuration(endMs - Date.parse(status.startTime));
}

export const jobResource = defineResource<Job>(jobs, {
  validateName: dnsSubdomainName,
  generation: true,
  defaultGarbageCollection: "orphan",
  defaults: (job) => changeField(withStruct(labelDefaults(job), "spec"), "spec", jobSpecDefaults),
  prepareForCreate: (job) => labelsFromTemplate({ ...withSelector(withoutDisabledWorkloadFields(job, undefined)), status: {} }),
  prepareForUpdate: (next, previous) => labelDefaults(withoutDisabledWorkloadFields(keepStatus(next, previous), previous)),
  validate: (job) => validateJob(job),
  validateUpdate: validateJobUpdate,
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...jobSpecWarnings(spec, "spec")],
  warningsOnUpdate: (next, previous) => (next.metadata.generation === previous.metadata.generation ? [] : jobSpecWarnings(next.spec, "spec")),
  subresources: { status: statusStrategy({ validateUpdate: validateJobStatus }) },
  selectableFields: { "status.successful": ({ status }) => `${status?.succeeded ?? 0}` },
  columns: [
    nameColumn, text("Status", statusText), text("Completions", completionsText), text("Duration", durationText), ageColumn,
    containersColumn, imagesColumn, selectorColumn,
  ],
});

/**
 * A Job that does not bring its own selector gets one that selects by the Job's uid, and a template that carries the labels to be found by,
 * in their present form and in the one from before they had a prefix.
 */
function withSelector(job: Job): Job {
  const { spec, metadata: { uid = "", name = "" } } = job;
  if (spec === undefined) return job;
  const labels = spec.template?.metadata?.labels ?? {};
  const generated = { "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name };
  const own = { "controller-uid": uid, "job-name": name, ...generated };
  const selector = spec.manualSelector === true ? spec.selector : {
    ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, "batch.kubernetes.io/controller-uid": uid },
  };
  const nextLabels = spec.manualSelector === true ? labels : { ...own, ...labels };
  // A Job without labels of its own has those of its template: upstream defaults it so whenever it reads it.
  const shared = Object.keys(job.metadata.labels ?? {}).length === 0 || job.metadata.labels === spec.template?.metadata?.labels;
  return {
    ...job,
    ...(shared && Object.keys(nextLabels).length > 0 && { metadata: { ...job.metadata, labels: nextLabels } }),
    spec: {
      ...spec, ...(selector !== undefined && { selector }),
      template: { ...spec.template, metadata: { ...spec.template?.metadata, ...(Object.keys(nextLabels).length > 0 && { labels: nextLabels }) } },
    },
  };
}
