import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { cronJobResource } from "./cron-job.ts";

const jobTemplate = { spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "nginx" }] } } } };
const cronJob = (more: Loose = {}): Loose => ({ spec: { schedule: "*/5 * * * *", jobTemplate, ...more } });
testCreates(cronJobResource, [
  ["a good one", cronJob(), []],
  ["a long name", { ...cronJob(), metadata: { name: "a".repeat(53) } }, [`metadata.name: Invalid value: "${"a".repeat(53)}": must be no more than 52 characters`]],
  ["a minute too many", cronJob({ schedule: "60 * * * *" }), ['spec.schedule: Invalid value: "60 * * * *": end of range (60) above maximum (59): 60']],
  ["an unknown policy", cronJob({ concurrencyPolicy: "X" }), ['spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"']],
  ["no zone", cronJob({ timeZone: "" }), ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
]);
testUpdates(cronJobResource, [["another schedule", cronJob(), cronJob({ schedule: "@hourly" }), []]]);
testWarnings(cronJobResource, [
  ["a name with a dot", { ...cronJob(), metadata: { name: "a.b" } }, ["metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"]],
]);
