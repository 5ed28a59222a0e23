import { cronjobs, type CronJob } from "../generated/batch-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageOf } from "../printing/age.ts";
import { ageColumn, integer, nameColumn, text, wide, yesNo } from "../printing/columns.ts";
import { containerImages, containerNames, formatLabelSelector } from "../printing/formats.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { jobTemplateSpecDefaults } from "./job.ts";

export const cronJobResource = defineResource<CronJob>(cronjobs, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (cronJob) => changeField(cronJob, "spec", (spec) => {
    const filled = withDefaults(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    return changeField(filled, "jobTemplate", (template) => changeField(withDefaults(template, { metadata: {} }), "spec", jobTemplateSpecDefaults));
  }),
  prepareForCreate: (cronJob) => ({ ...cronJob, status: {} }),
  prepareForUpdate: keepStatus,
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
