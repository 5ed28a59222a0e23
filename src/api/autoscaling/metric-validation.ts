import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, invalidEach } from "../checks.ts";
import { validateContainerResourceName } from "../core/resource-names.ts";
import type { CrossVersionObjectReference, MetricSpec, MetricTarget } from "../generated/autoscaling-v2.ts";
import { addAll } from "../../stdx/add-all.ts";

/** How strictly the apiVersion of a reference is looked at. */
export interface ReferenceRules {
  readonly allowEmptyGroup: boolean;
  /** What was stored before there was a rule stays. */
  readonly allowAny: boolean;
}

/** Sources of metrics: the type's name, the field that goes with it. Looked at in this order, and only the first is checked inside. */
const sources = [["Object", "object"], ["External", "external"], ["Pods", "pods"], ["Resource", "resource"], ["ContainerResource", "containerResource"]] as const;
const sourceTypes = sources.map(([type]) => type).toSorted();
const targetTypes: readonly string[] = ["Utilization", "Value", "AverageValue"];

export function apiVersionProblem({ apiVersion = "" }: Partial<CrossVersionObjectReference> = {}, rules: ReferenceRules): string | undefined {
  if (rules.allowAny) return undefined;
  const slashes = apiVersion.split("/").length - 1;
  if (slashes > 1) return `unexpected GroupVersion string: ${apiVersion}`;
  return !rules.allowEmptyGroup && (slashes === 0 || apiVersion.startsWith("/")) ? "apiVersion must specify API group" : undefined;
}

export function validateReference(reference: Partial<CrossVersionObjectReference>, path: string, rules: ReferenceRules): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["kind", "name"] as const) {
    const value = reference[field];
    if (absent(value)) errors.push(required(`${path}.${field}`));
    else addAll(errors, invalidEach(`${path}.${field}`, value, pathSegmentNameErrors(value)));
  }
  const problem = apiVersionProblem(reference as CrossVersionObjectReference, rules);
  if (problem !== undefined) errors.push(invalid(`${path}.apiVersion`, reference.apiVersion ?? "", problem));
  return errors;
}

const isPositive = (amount: string): boolean => !isQuantity(`${amount}`) || compareQuantities(amount, "0") > 0;

function validateTarget(target: Partial<MetricTarget>, path: string): readonly FieldError[] {
  const { type = "", value, averageValue, averageUtilization } = target;
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric target type"));
  if (!targetTypes.includes(type)) errors.push(invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
  if (value !== undefined && !isPositive(value)) errors.push(invalid(`${path}.value`, value, "must be positive"));
  if (averageValue !== undefined && !isPositive(averageValue)) errors.push(invalid(`${path}.averageValue`, averageValue, "must be positive"));
  if (averageUtilization !== undefined && averageUtilization < 1) errors.push(invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0"));
  return errors;
}

function validateMetricName(name: string | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(`${path}.name`, "must specify a metric name"));
  else addAll(errors, invalidEach(`${path}.name`, name, pathSegmentNameErrors(name)));
  return errors;
}

/** Use of a resource is wanted as an amount or as a share, not both. */
function validateResourceTarget(target: Partial<MetricTarget>, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateTarget(target, path));
  const [amount, share] = [target.averageValue !== undefined, target.averageUtilization !== undefined];
  if (!amount && !share) errors.push(required(`${path}.averageUtilization`, "must set either a target raw value or a target utilization"));
  if (amount && share) errors.push(forbidden(`${path}.averageValue`, "may not set both a target raw value and a target utilization"));
  return errors;
}

function validateSource(metric: MetricSpec, field: (typeof sources)[number][1], path: string, rules: ReferenceRules): readonly FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  const errors: FieldError[] = [];
  if (field === "object" && object) {
    addAll(errors, validateReference(object.describedObject ?? {}, `${path}.describedObject`, rules));
    addAll(errors, validateMetricName(object.metric?.name, `${path}.metric`));
    addAll(errors, validateTarget(object.target ?? {}, `${path}.target`));
    if (object.target?.value === undefined && object.target?.averageValue === undefined) errors.push(required(`${path}.target.averageValue`, "must set either a target value or averageValue"));
  } else if (field === "external" && external) {
    addAll(errors, validateMetricName(external.metric?.name, `${path}.metric`));
    addAll(errors, validateTarget(external.target ?? {}, `${path}.target`));
    const [whole, perPod] = [external.target?.value !== undefined, external.target?.averageValue !== undefined];
    if (!whole && !perPod) errors.push(required(`${path}.target.averageValue`, "must set either a target value for metric or a per-pod target"));
    if (whole && perPod) errors.push(forbidden(`${path}.target.value`, "may not set both a target value for metric and a per-pod target"));
  } else if (field === "pods" && pods) {
    addAll(errors, validateMetricName(pods.metric?.name, `${path}.metric`));
    addAll(errors, validateTarget(pods.target ?? {}, `${path}.target`));
    if (pods.target?.averageValue === undefined) errors.push(required(`${path}.target.averageValue`, "must specify a positive target averageValue"));
  } else if (field === "resource" && resource) {
    if (absent(resource.name)) errors.push(required(`${path}.name`, "must specify a resource name"));
    addAll(errors, validateResourceTarget(resource.target ?? {}, `${path}.target`));
  } else if (field === "containerResource" && containerResource) {
    const { name, container } = containerResource;
    if (absent(name)) errors.push(required(`${path}.name`, "must specify a resource name"));
    else addAll(errors, validateContainerResourceName(name, `${path}.name`));
    if (absent(container)) errors.push(required(`${path}.container`, "must specify a container"));
    else addAll(errors, dnsLabel(`${path}.container`, container));
    addAll(errors, validateResourceTarget(containerResource.target ?? {}, `${path}.target`));
  }
  return errors;
}

export function validateMetric(metric: MetricSpec, path: string, rules: ReferenceRules): readonly FieldError[] {
  const type: string = metric.type ?? "";
  const known = sources.find(([name]) => name === type);
  const errors: FieldError[] = [];
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
  if (!known) errors.push(notSupported(`${path}.type`, type, sourceTypes));
  const present = sources.map(([, field]) => field).filter((field) => metric[field] !== undefined && metric[field] !== null);
  const [first] = present;
  if (first !== undefined) addAll(errors, validateSource(metric, first, `${path}.${first}`, rules));
  const expected = known?.[1];
  if (expected === undefined) errors.push(notSupported(`${path}.type`, type, sourceTypes));
  else if (!present.includes(expected)) errors.push(required(`${path}.${expected}`, "must populate information for the given metric source"));
  if (present.length === 1) return errors;
  for (const field of present) if (field !== expected) errors.push(forbidden(`${path}.${field}`, "must populate the given metric source only"));
  return errors;
}
