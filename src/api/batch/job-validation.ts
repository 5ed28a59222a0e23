import { duplicate, invalid, notSupported, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { dns1123LabelErrors, domainPrefixedPathErrors, labelSelectorErrors } from "../../apimachinery/validation.ts";
import { atLeastZero, immutable, qualifiedName } from "../checks.ts";
import { validatePodTemplate } from "../core/pod-template-validation.ts";
import { withField } from "../defaulting.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import type { Job, JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from "../generated/batch-v1.ts";
import { parseIndexes } from "./indexes.ts";
import type { PodTemplateSpec } from "../generated/core-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const parallelismMax = 100_000;
const failedIndexesMax = 100_000;
const completionsSoftMax = 100_000;
const highCompletionsParallelismMax = 10_000;
const managedByBytesMax = 63;
const rulesMax = 20;
const succeededIndexesBytesMax = 64 * 1024;
const exitCodesMax = 255;
const actions: readonly string[] = ["Count", "FailIndex", "FailJob", "Ignore"];

/** An invalid value that is not shown. */
const wrong = (field: string, detail: string): FieldError => ({ reason: "FieldValueInvalid", field, message: `Invalid value: ${detail}` });

function validateIndexed(spec: JobSpec, path: string): readonly FieldError[] {
  const { completions, parallelism, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  if (completions === undefined) errors.push(required(`${path}.completions`, "when completion mode is Indexed"));
  if ((parallelism ?? 0) > parallelismMax) errors.push(invalid(`${path}.parallelism`, parallelism, `must be less than or equal to ${parallelismMax} when completion mode is Indexed`));
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, "must be less than or equal to completions"));
  if ((maxFailedIndexes ?? 0) > failedIndexesMax) errors.push(invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${failedIndexesMax}`));
  if ((completions ?? 0) <= completionsSoftMax || backoffLimitPerIndex === undefined) return errors;
  const above = `when completions are above ${completionsSoftMax} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) errors.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${completionsSoftMax}`));
  for (const field of ["parallelism", "maxFailedIndexes"] as const) {
    if ((spec[field] ?? 0) > highCompletionsParallelismMax) errors.push(invalid(`${path}.${field}`, spec[field], `must be less than or equal to ${highCompletionsParallelismMax} ${above}`));
  }
  return errors;
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, path: string): readonly FieldError[] {
  const { action = "", onExitCodes, onPodConditions = [] } = rule;
  const errors: FieldError[] = [];
  if (action === "") errors.push(required(`${path}.action`, `valid values: [${actions.map((each) => JSON.stringify(each)).join(" ")}]`));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) errors.push(invalid(`${path}.action`, action, "requires the backoffLimitPerIndex to be set"));
  else if (!actions.includes(action)) errors.push(notSupported(`${path}.action`, action, actions));
  if (onExitCodes) {
    const at = `${path}.onExitCodes`;
    const { operator = "", containerName, values = [] } = onExitCodes;
    if (operator === "") errors.push(required(`${at}.operator`, 'valid values: ["In" "NotIn"]'));
    else if (operator !== "In" && operator !== "NotIn") errors.push(notSupported(`${at}.operator`, operator, ["In", "NotIn"]));
    const names = [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map(({ name }) => name);
    if (containerName !== undefined && !names.includes(containerName)) errors.push(invalid(`${at}.containerName`, containerName, "must be one of the container or initContainer names in the pod template"));
    if (values.length === 0) errors.push(invalid(`${at}.values`, null, "at least one value is required"));
    else if (values.length > exitCodesMax) errors.push(tooMany(`${at}.values`, values.length, exitCodesMax));
    for (const [index, value] of values.entries()) {
      if (operator === "In" && value === 0) errors.push(invalid(`${at}.values[${index}]`, value, "must not be 0 for the In operator"));
      if (values.indexOf(value) < index) errors.push(duplicate(`${at}.values[${index}]`, value));
    }
    if (values.some((value, index) => index > 0 && (values[index - 1] ?? 0) > value)) errors.push(invalid(`${at}.values`, values, "must be ordered"));
  }
  if (onPodConditions.length > rulesMax) errors.push(tooMany(`${path}.onPodConditions`, onPodConditions.length, rulesMax));
  for (const [index, { type, status }] of onPodConditions.entries()) {
    const at = `${path}.onPodConditions[${index}]`;
    addAll(errors, qualifiedName(`${at}.type`, type ?? ""));
    if (status !== "True" && status !== "False" && status !== "Unknown") errors.push(notSupported(`${at}.status`, status ?? "", ["False", "True", "Unknown"]));
  }
  if (onExitCodes && onPodConditions.length > 0) errors.push(wrong(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (!onExitCodes && onPodConditions.length === 0) errors.push(wrong(path, "specifying one of OnExitCodes and OnPodConditions is required"));
  return errors;
}

function validateSuccessRule({ succeededCount: count, succeededIndexes: indexes }: SuccessPolicyRule, completions: number, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined) errors.push(required(path, "at least one of succeededCount or succeededIndexes must be specified"));
  const at = `${path}.succeededIndexes`;
  if (indexes !== undefined && Buffer.byteLength(indexes) > succeededIndexesBytesMax) errors.push(tooLong(at, succeededIndexesBytesMax));
  const parsed = parseIndexes(indexes ?? "", completions);
  if ("problem" in parsed) errors.push(invalid(at, indexes, `error parsing succeededIndexes: ${parsed.problem}`));
  addAll(errors, atLeastZero(`${path}.succeededCount`, count));
  if (count === undefined) return errors;
  if (count > completions) errors.push(invalid(`${path}.succeededCount`, count, `must be less than or equal to ${completions} (the number of specified completions)`));
  const total = "problem" in parsed ? 0 : parsed.total;
  if (indexes !== undefined && count > total) errors.push(invalid(`${path}.succeededCount`, count, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`));
  return errors;
}

/** What a Job is to do, in a Job or in the template of a CronJob. */
export function validateJobTemplateSpec(spec: JobSpec, path: string, previous?: JobSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"] as const) {
    addAll(errors, atLeastZero(`${path}.${field}`, spec[field]));
  }
  const { maxFailedIndexes, backoffLimitPerIndex, managedBy, completionMode, podFailurePolicy, successPolicy, podReplacementPolicy: replacement } = spec;
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) errors.push(required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  if (managedBy !== undefined) {
    addAll(errors, domainPrefixedPathErrors(`${path}.managedBy`, managedBy));
    if (Buffer.byteLength(managedBy) > managedByBytesMax) errors.push(tooLong(`${path}.managedBy`, managedByBytesMax));
  }
  if (completionMode !== undefined && completionMode !== "NonIndexed" && completionMode !== "Indexed") errors.push(notSupported(`${path}.completionMode`, completionMode, ["NonIndexed", "Indexed"]));
  if (completionMode === "Indexed") addAll(errors, validateIndexed(spec, path));
  if (completionMode === undefined || completionMode === "NonIndexed") {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) if (spec[field] !== undefined) errors.push(invalid(`${path}.${field}`, spec[field], "requires indexed completion mode"));
  }
  const rules = podFailurePolicy?.rules ?? [];
  if (rules.length > rulesMax) errors.push(tooMany(`${path}.podFailurePolicy.rules`, rules.length, rulesMax));
  for (const [index, rule] of rules.entries()) addAll(errors, validateFailureRule(rule, spec, `${path}.podFailurePolicy.rules[${index}]`));
  if (successPolicy) {
    if (completionMode !== "Indexed") errors.push(invalid(`${path}.successPolicy`, goForm(successPolicy, "*SuccessPolicy"), "requires indexed completion mode"));
    else if ((successPolicy.rules ?? []).length === 0) errors.push(required(`${path}.successPolicy.rules`, "at least one rules must be specified when the successPolicy is specified"));
    else if (successPolicy.rules.length > rulesMax) errors.push(tooMany(`${path}.successPolicy.rules`, successPolicy.rules.length, rulesMax));
    if (completionMode === "Indexed") {
      for (const [index, rule] of (successPolicy.rules ?? []).entries()) addAll(errors, validateSuccessRule(rule, spec.completions ?? 0, `${path}.successPolicy.rules[${index}]`));
    }
  }
  if (replacement !== undefined) {
    const supported = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
    if (!supported.includes(replacement)) errors.push(notSupported(`${path}.podReplacementPolicy`, replacement, supported));
  }
  addAll(errors, validatePodTemplate(spec.template ?? {}, `${path}.template`, previous?.template));
  const policy = spec.template?.spec?.restartPolicy ?? "";
  const at = `${path}.template.spec.restartPolicy`;
  if (policy === "Always" || policy === "") errors.push(required(at, 'valid values: "OnFailure", "Never"'));
  else if (policy !== "OnFailure" && policy !== "Never") errors.push(notSupported(at, policy, ["OnFailure", "Never"]));
  else if (podFailurePolicy && policy !== "Never") errors.push(invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  return errors;
}

function validateSpec(spec: JobSpec, previous?: JobSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateJobTemplateSpec(spec, "spec", previous));
  if (!spec.selector) errors.push(required("spec.selector"));
  const problems = labelSelectorErrors("spec.selector", spec.selector);
  addAll(errors, problems);
  const labels = spec.template?.metadata?.labels;
  if (problems.length === 0 && !matchesLabels(labelMatcherOf(spec.selector), labels ?? {})) errors.push(invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`"));
  return errors;
}

/** Jobs from before the labels had a prefix need none. */
const isPrefixed = ({ spec }: Job): boolean => ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"].every((key) => spec?.template?.metadata?.labels?.[key] !== undefined);

/** A selector that the server made finds this Job's pods and no others. */
function validateGenerated({ metadata: { uid = "", name = "" }, spec }: Job, previous?: Job): readonly FieldError[] {
  if (spec?.manualSelector === true || !spec?.selector) return [];
  const labels = spec.template?.metadata?.labels ?? {};
  const path = "spec.template.metadata.labels";
  const expected: Readonly<Record<string, string>> = {
    "controller-uid": uid, "job-name": name,
    ...((previous === undefined || isPrefixed(previous)) && { "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name }),
  };
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(expected)) {
    if (labels[key] === undefined) errors.push(required(`${path}[${key}]`, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalid(`${path}[${key}]`, labels, `must be '${value}'`));
  }
  if (labelSelectorErrors("", spec.selector).length === 0 && !matchesLabels(labelMatcherOf(spec.selector), expected)) errors.push(invalid("spec.selector", spec.selector, "`selector` not auto-generated"));
  return errors;
}

export function validateJob(job: Job, previous?: Job): readonly FieldError[] {
  const { spec = {} as JobSpec, metadata: { name = "" } } = job;
  const errors: FieldError[] = [];
  addAll(errors, validateGenerated(job, previous));
  addAll(errors, validateSpec(spec, previous?.spec));
  if (spec.completionMode === "Indexed" && (spec.completions ?? 0) > 0) {
    const hostname = `${name}-${(spec.completions ?? 0) - 1}`;
    if (dns1123LabelErrors(hostname).length > 0) errors.push(invalid("metadata.name", name, `will not able to create pod with invalid DNS label: ${hostname}`));
  }
  return errors;
}

const isTrue = (job: Job, type: string): boolean => (job.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === "True");

/** While a Job has not started, where its pods may go, and what they may use, can still change. */
function withMutableParts(template: PodTemplateSpec, next: PodTemplateSpec): PodTemplateSpec {
  if (!template.spec || !next.spec) return template;
  const affinity = withField(template.spec.affinity ?? {}, "nodeAffinity", next.spec.affinity?.nodeAffinity);
  let spec = withField(template.spec, "affinity", Object.keys(affinity).length === 0 ? undefined : affinity);
  for (const field of ["nodeSelector", "tolerations", "schedulingGates"] as const) spec = withField(spec, field, next.spec[field]);
  for (const field of ["containers", "initContainers"] as const) {
    const containers = spec[field]?.map((container, index) => {
      const other = next.spec?.[field]?.[index];
      return other?.name === container.name ? withField(container, "resources", other.resources) : container;
    });
    spec = withField(spec, field, containers);
  }
  const metadata = withField(withField(template.metadata ?? {}, "labels", next.metadata?.labels), "annotations", next.metadata?.annotations);
  return { ...template, metadata, spec };
}

export function validateJobUpdate(next: Job, previous: Job): readonly FieldError[] {
  const [now, before] = [next.spec ?? {} as JobSpec, previous.spec ?? {} as JobSpec];
  const errors: FieldError[] = [];
  addAll(errors, validateJob(next, previous));
  // The work of an indexed Job may grow or shrink together with its parallelism.
  if (now.completionMode !== "Indexed") addAll(errors, immutable("spec.completions", now.completions, before.completions));
  else if (now.completions !== undefined && now.completions !== before.completions && now.completions !== now.parallelism) {
    errors.push(invalid("spec.completions", now.completions, "can only be modified in tandem with spec.parallelism"));
  }
  addAll(errors, immutable("spec.selector", now.selector, before.selector));
  const mutable = before.suspend === true && (previous.status?.startTime === undefined || isTrue(previous, "Suspended")) && (previous.status?.active ?? 0) === 0;
  const template = mutable ? withMutableParts(before.template ?? {}, now.template ?? {}) : before.template;
  if (mutable) addAll(errors, immutable("spec.template.spec", now.template?.spec, template?.spec, "PodSpec"));
  else addAll(errors, immutable("spec.template", now.template, template, "PodTemplateSpec"));
  addAll(errors, immutable("spec.completionMode", now.completionMode, before.completionMode));
  for (const [field, shape] of [["podFailurePolicy", "*PodFailurePolicy"], ["backoffLimitPerIndex", undefined], ["managedBy", undefined], ["successPolicy", "*SuccessPolicy"]] as const) {
    if (!semanticallyEqual(now[field], before[field])) errors.push(invalid(`spec.${field}`, shape === undefined ? now[field] : goForm(now[field], shape), "field is immutable"));
  }
  return errors;
}
