import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero, oneOf } from "../checks.ts";
import type { CronJobSpec, JobSpec } from "../generated/batch-v1.ts";
import { validateJobTemplateSpec } from "./job-validation.ts";
import { scheduleProblem } from "./schedule.ts";
import { cronjobs, type CronJob } from "../generated/batch-v1.ts";
import { withoutDisabledWorkloadFields } from "../core/pod-spec/disabled-fields.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageOf } from "../printing/age.ts";
import { ageColumn, integer, nameColumn, text, wide, yesNo } from "../printing/columns.ts";
import { containerImages, containerNames, formatLabelSelector } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { jobSpecWarnings, nameWarnings } from "./job-warnings.ts";
import { jobTemplateSpecDefaults } from "./job.ts";

/** The name of a Job is that of its CronJob and eleven characters more. */
const nameBytesMax = 52;
const emptySpec = {} as CronJobSpec;

const withoutDisabledJobFields = (cronJob: CronJob, previous: CronJob | undefined): CronJob =>
  changeField(cronJob, "spec", (spec) => changeField(spec, "jobTemplate", (template) => withoutDisabledWorkloadFields(template, previous?.spec?.jobTemplate)));

export const cronJobResource = defineResource<CronJob>(cronjobs, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (cronJob) => changeField(withStruct(cronJob, "spec"), "spec", (spec) => {
    const filled = withDefaults(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    return changeField(withStruct(filled, "jobTemplate"), "jobTemplate", (template) => changeField(withDefaults(withStruct(template, "spec"), { metadata: {} }), "spec", jobTemplateSpecDefaults));
  }),
  prepareForCreate: (cronJob) => ({ ...withoutDisabledJobFields(cronJob, undefined), status: {} }),
  prepareForUpdate: (next, previous) => withoutDisabledJobFields(keepStatus(next, previous), previous),
  validate({ metadata: { name = "" }, spec }) {
    const errors: FieldError[] = [];
    addAll(errors, validateSpec(spec ?? emptySpec, undefined));
    if (name.length > nameBytesMax) errors.push(invalid("metadata.name", name, `must be no more than ${nameBytesMax} characters`));
    return errors;
  },
  validateUpdate: (next, previous) => validateSpec(next.spec ?? emptySpec, previous.spec ?? emptySpec),
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...jobSpecWarnings(spec?.jobTemplate?.spec, "spec.jobTemplate.spec")],
  warningsOnUpdate: (next, previous) => [
    ...(next.metadata.generation === previous.metadata.generation ? [] : jobSpecWarnings(next.spec?.jobTemplate?.spec, "spec.jobTemplate.spec")),
    ...((next.spec?.schedule ?? "").includes("TZ") ? ["cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"] : []),
  ],
  subresources: { status: statusStrategy() },
  columns: [
    nameColumn,
    text("Schedule", ({ spec }) => spec?.schedule ?? ""),
    text("Timezone", ({ spec }) => spec?.timeZone ?? "<none>"),
    yesNo("Suspend", ({ spec }) => (spec?.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False")),
    integer("Active", ({ status }) => (status?.active ?? []).length),
    text("Last Schedule", ({ status }, nowMs) => (status?.lastScheduleTime === undefined ? "<none>" : ageOf(status.lastScheduleTime, nowMs))),
    ageColumn,
    wide("Containers", ({ spec }) => containerNames(spec?.jobTemplate?.spec?.template)),
    wide("Images", ({ spec }) => containerImages(spec?.jobTemplate?.spec?.template)),
    wide("Selector", ({ spec }) => formatLabelSelector(spec?.jobTemplate?.spec?.selector)),
  ],
});

function validateTimeZone(zone: string): readonly FieldError[] {
  const path = "spec.timeZone";
  if (zone === "") return [invalid(path, zone, "timeZone must be nil or non-empty string")];
  if (zone.toLowerCase() === "local") return [invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")];
  const errors: FieldError[] = [];
  try {
    Intl.DateTimeFormat("en", { timeZone: zone });
  } catch {
    errors.push(invalid(path, zone, `unknown time zone ${zone}`));
  }
  return errors;
}

function validateSpec(spec: CronJobSpec, previous: CronJobSpec | undefined): readonly FieldError[] {
  const { schedule = "", timeZone } = spec;
  const errors: FieldError[] = [];
  if (schedule === "") {
    errors.push(required("spec.schedule"));
  } else {
    const problem = scheduleProblem(schedule);
    if (problem !== undefined) errors.push(invalid("spec.schedule", schedule, problem));
    if (schedule.includes("TZ")) {
      const before = previous?.schedule?.includes("TZ") === true;
      if (before && timeZone !== undefined) errors.push(invalid("spec.schedule", schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"));
      else if (!before) errors.push(invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
    }
  }
  addAll(errors, atLeastZero("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds));
  if (timeZone !== undefined && timeZone !== previous?.timeZone) addAll(errors, validateTimeZone(timeZone));
  addAll(errors, oneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]));
  const job: JobSpec = spec.jobTemplate?.spec ?? {} as JobSpec;
  addAll(errors, validateJobTemplateSpec(job, "spec.jobTemplate.spec", previous?.jobTemplate?.spec));
  if (job.selector) errors.push(invalid("spec.jobTemplate.spec.selector", job.selector, "`selector` will be auto-generated"));
  if (job.manualSelector === true) errors.push(notSupported("spec.jobTemplate.spec.manualSelector", job.manualSelector, ["nil", "false"]));
  addAll(errors, atLeastZero("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit));
  addAll(errors, atLeastZero("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit));
  return errors;
}
