import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { jobResource } from "./job.ts";

const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "nginx" }] } };
const job = (more: Loose = {}): Loose => ({ spec: { template, ...more } });
const indexed = (more: Loose = {}): Loose => job({ completionMode: "Indexed", completions: 5, ...more });
const success = (...rules: readonly Loose[]): Loose => indexed({ successPolicy: { rules } });
const at = "spec.successPolicy.rules[0]";
const [startTime, completionTime] = ["2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"];
const condition = (type: string, status = "True"): Loose => ({ type, status });

testCreates(jobResource, [
  ["a good one", job(), []],
  ["below zero", job({ parallelism: -1, backoffLimit: -1 }), ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0", "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"]],
  ["indexes without a number", job({ completionMode: "Indexed" , parallelism: 1 }), ["spec.completions: Required value: when completion mode is Indexed"]],
  ["a good rule for success", success({ succeededIndexes: "0,2-4", succeededCount: 2 }), []],
  ["an empty rule", success({}), [`${at}: Required value: at least one of succeededCount or succeededIndexes must be specified`]],
  ["more than there are", success({ succeededCount: 6, succeededIndexes: "1-2" }), [`${at}.succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)`, `${at}.succeededCount: Invalid value: 6: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`]],
  ["an index too large", success({ succeededIndexes: "3-5" }), [`${at}.succeededIndexes: Invalid value: "3-5": error parsing succeededIndexes: too large index: "5"`]],
  ["backwards", success({ succeededIndexes: "3,1" }), [`${at}.succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1`]],
  ["no numbers", success({ succeededIndexes: "a" }), [`${at}.succeededIndexes: Invalid value: "a": error parsing succeededIndexes: cannot convert string to integer for index: "a"`]],
]);
testUpdates(jobResource, [
  ["running", job(), { status: { active: 2, ready: 1, startTime } }, []],
  ["complete", { ...job(), status: { startTime } }, { status: { succeeded: 1, startTime, completionTime, conditions: [condition("SuccessCriteriaMet"), condition("Complete")] } }, []],
  ["complete at once", job(), { status: { active: 1, conditions: [condition("Complete")] } }, [
    "status.completionTime: Required value: completionTime is required for Complete jobs", "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    "status.active: Invalid value: 1: active>0 is invalid for finished job", "status.startTime: Required value: startTime is required for finished job",
  ]],
  ["complete and failed", job(), { status: { startTime, completionTime, conditions: ["SuccessCriteriaMet", "Complete", "FailureTarget", "Failed"].map((type) => condition(type)) } }, [
    "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions", "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
    "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions", "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
  ]],
  ["over before it began", job(), { status: { startTime: completionTime, completionTime: startTime, conditions: [condition("SuccessCriteriaMet"), condition("Complete")] } }, [`status.completionTime: Invalid value: "${startTime}": must be equal to or after \`startTime\``]],
  ["no longer failed", { ...job(), status: { startTime, conditions: [condition("FailureTarget"), condition("Failed")] } }, { status: { startTime } }, [
    "status.conditions: Invalid value: cannot disable the terminal Failed=True condition", "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
  ]],
  ["counted backwards", { ...job(), status: { succeeded: 2, failed: 2 } }, { status: { succeeded: 1, failed: 1 } }, ["status.failed: Invalid value: 1: cannot decrease the failed counter", "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter"]],
  ["begins again", { ...job(), status: { startTime } }, { status: { startTime: completionTime } }, [`status.startTime: Invalid value: "${completionTime}": field is immutable for unsuspended job once set`]],
  ["a pod twice", job(), { status: { uncountedTerminatedPods: { succeeded: ["a", ""], failed: ["a"] } } }, ['status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty', 'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"']],
  ["indexes of a job without", job(), { status: { completedIndexes: "0", failedIndexes: "0" } }, [
    'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode', 'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    'status.failedIndexes: Invalid value: "0": failedIndexes and completedIndexes overlap at index: 0',
  ]],
  ["an index that does not exist", indexed({ backoffLimitPerIndex: 1 }), { status: { completedIndexes: "5", failedIndexes: "1-" } }, [
    'status.completedIndexes: Invalid value: "5": error parsing completedIndexes: too large index: "5"', 'status.failedIndexes: Invalid value: "1-": error parsing failedIndexes: cannot convert string to integer for index: ""',
  ]],
  ["an index in both", indexed({ backoffLimitPerIndex: 1 }), { status: { completedIndexes: "0-2", failedIndexes: "2-3" } }, ['status.failedIndexes: Invalid value: "2-3": failedIndexes and completedIndexes overlap at index: 2']],
  ["more ready than there are", job(), { status: { active: 1, ready: 2 } }, ["status.ready: Invalid value: 2: cannot set more ready pods than active"]],
], "status");
testWarnings(jobResource, [
  ["a name with a dot", { ...job(), metadata: { name: "a.b" } }, ["metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"]],
]);
