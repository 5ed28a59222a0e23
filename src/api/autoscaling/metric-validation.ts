import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import { pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsLabel, invalidEach } from "../checks.ts";
import { validateContainerResourceName } from "../core/resource-names.ts";
import type { CrossVersionObjectReference, MetricSpec, MetricTarget } from "../generated/autoscaling-v2.ts";

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

export function* validateReference(reference: Partial<CrossVersionObjectReference>, path: string, rules: ReferenceRules): Generator<FieldError> {
  for (const field of ["kind", "name"] as const) {
    const value = reference[field];
    if (absent(value)) yield required(`${path}.${field}`);
    else yield* invalidEach(`${path}.${field}`, value, pathSegmentNameErrors(value));
  }
  const problem = apiVersionProblem(reference as CrossVersionObjectReference, rules);
  if (problem !== undefined) yield invalid(`${path}.apiVersion`, reference.apiVersion ?? "", problem);
}

const isPositive = (amount: string): boolean => !isQuantity(`${amount}`) || compareQuantities(amount, "0") > 0;

function* validateTarget(target: Partial<MetricTarget>, path: string): Generator<FieldError> {
  const { type = "", value, averageValue, averageUtilization } = target;
  if (type === "") yield required(`${path}.type`, "must specify a metric target type");
  if (!targetTypes.includes(type)) yield invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue");
  if (value !== undefined && !isPositive(value)) yield invalid(`${path}.value`, value, "must be positive");
  if (averageValue !== undefined && !isPositive(averageValue)) yield invalid(`${path}.averageValue`, averageValue, "must be positive");
  if (averageUtilization !== undefined && averageUtilization < 1) yield invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0");
}

function* validateMetricName(name: string | undefined, path: string): Generator<FieldError> {
  if (absent(name)) yield required(`${path}.name`, "must specify a metric name");
  else yield* invalidEach(`${path}.name`, name, pathSegmentNameErrors(name));
}

/** Use of a resource is wanted as an amount or as a share, not both. */
function* validateResourceTarget(target: Partial<MetricTarget>, path: string): Generator<FieldError> {
  yield* validateTarget(target, path);
  const [amount, share] = [target.averageValue !== undefined, target.averageUtilization !== undefined];
  if (!amount && !share) yield required(`${path}.averageUtilization`, "must set either a target raw value or a target utilization");
  if (amount && share) yield forbidden(`${path}.averageValue`, "may not set both a target raw value and a target utilization");
}

function* validateSource(metric: MetricSpec, field: (typeof sources)[number][1], path: string, rules: ReferenceRules): Generator<FieldError> {
  const { object, external, pods, resource, containerResource } = metric;
  if (field === "object" && object) {
    yield* validateReference(object.describedObject ?? {}, `${path}.describedObject`, rules);
    yield* validateMetricName(object.metric?.name, `${path}.metric`);
    yield* validateTarget(object.target ?? {}, `${path}.target`);
    if (object.target?.value === undefined && object.target?.averageValue === undefined) yield required(`${path}.target.averageValue`, "must set either a target value or averageValue");
  } else if (field === "external" && external) {
    yield* validateMetricName(external.metric?.name, `${path}.metric`);
    yield* validateTarget(external.target ?? {}, `${path}.target`);
    const [whole, perPod] = [external.target?.value !== undefined, external.target?.averageValue !== undefined];
    if (!whole && !perPod) yield required(`${path}.target.averageValue`, "must set either a target value for metric or a per-pod target");
    if (whole && perPod) yield forbidden(`${path}.target.value`, "may not set both a target value for metric and a per-pod target");
  } else if (field === "pods" && pods) {
    yield* validateMetricName(pods.metric?.name, `${path}.metric`);
    yield* validateTarget(pods.target ?? {}, `${path}.target`);
    if (pods.target?.averageValue === undefined) yield required(`${path}.target.averageValue`, "must specify a positive target averageValue");
  } else if (field === "resource" && resource) {
    if (absent(resource.name)) yield required(`${path}.name`, "must specify a resource name");
    yield* validateResourceTarget(resource.target ?? {}, `${path}.target`);
  } else if (field === "containerResource" && containerResource) {
    const { name, container } = containerResource;
    if (absent(name)) yield required(`${path}.name`, "must specify a resource name");
    else yield* validateContainerResourceName(name, `${path}.name`);
    if (absent(container)) yield required(`${path}.container`, "must specify a container");
    else yield* dnsLabel(`${path}.container`, container);
    yield* validateResourceTarget(containerResource.target ?? {}, `${path}.target`);
  }
}

export function* validateMetric(metric: MetricSpec, path: string, rules: ReferenceRules): Generator<FieldError> {
  const type: string = metric.type ?? "";
  const known = sources.find(([name]) => name === type);
  if (type === "") yield required(`${path}.type`, "must specify a metric source type");
  if (!known) yield notSupported(`${path}.type`, type, sourceTypes);
  const present = sources.map(([, field]) => field).filter((field) => metric[field] !== undefined && metric[field] !== null);
  const [first] = present;
  if (first !== undefined) yield* validateSource(metric, first, `${path}.${first}`, rules);
  const expected = known?.[1];
  if (expected === undefined) yield notSupported(`${path}.type`, type, sourceTypes);
  else if (!present.includes(expected)) yield required(`${path}.${expected}`, "must populate information for the given metric source");
  if (present.length === 1) return;
  for (const field of present) if (field !== expected) yield forbidden(`${path}.${field}`, "must populate the given metric source only");
}
