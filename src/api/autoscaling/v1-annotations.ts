import { goJson } from "../../apimachinery/go-json.ts";
import { goForm } from "../go-form.ts";
import type { HorizontalPodAutoscaler as Stored, MetricSpec, MetricStatus } from "../generated/autoscaling-v2.ts";

type Behavior = NonNullable<Stored["spec"]["behavior"]>;
type Conditions = NonNullable<NonNullable<Stored["status"]>["conditions"]>;
type Fields = Readonly<Record<string, unknown>>;
type Source = Readonly<Record<string, Fields | undefined>>;

/** What autoscaling/v1 has no fields for, and how it travels in annotations there: in v1's own shapes, which upstream has for nothing else (pkg/apis/autoscaling/v1/conversion.go). */
export interface BeyondV1 {
  readonly metrics?: readonly MetricSpec[];
  readonly currentMetrics?: readonly MetricStatus[];
  readonly conditions?: Conditions;
  readonly behavior?: Behavior;
}

const prefix = "autoscaling.alpha.kubernetes.io/";
const names = { metrics: `${prefix}metrics`, currentMetrics: `${prefix}current-metrics`, conditions: `${prefix}conditions`, behavior: `${prefix}behavior` };
const dropped: readonly string[] = [...Object.values(names), `${prefix}scale-down-tolerance`, `${prefix}scale-up-tolerance`];

export const withoutBeyondV1 = (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(annotations).filter(([key]) => !dropped.includes(key)));

/** Only what there is something of gets an annotation. */
export function annotationsOf({ metrics = [], currentMetrics = [], conditions = [], behavior }: BeyondV1): Readonly<Record<string, string>> {
  const text = (value: unknown): string => goJson(value, undefined, { keepOrder: true });
  return {
    ...(metrics.length > 0 && { [names.metrics]: text(metrics.map((metric) => toV1(metric, targetsToV1))) }),
    ...(currentMetrics.length > 0 && { [names.currentMetrics]: text(currentMetrics.map((metric) => toV1(metric, currentToV1))) }),
    // The one thing that upstream writes in the form of its own memory.
    ...(behavior && { [names.behavior]: text(goForm(behavior, "HorizontalPodAutoscalerBehavior")) }),
    ...(conditions.length > 0 && { [names.conditions]: text(conditions.map(({ type, status, lastTransitionTime = null, reason, message }) => ({ type, status, lastTransitionTime, reason, message }))) }),
  };
}

/** Annotations are anybody's to write: what cannot be read says nothing. */
export function beyondV1Of(annotations: Readonly<Record<string, string>>): BeyondV1 {
  const [metrics, currentMetrics, conditions] = [names.metrics, names.currentMetrics, names.conditions].map((name) => listIn(annotations[name]));
  const behavior = behaviorIn(annotations[names.behavior]);
  return {
    ...(metrics && { metrics: metrics.map((metric) => fromV1(metric, targetsFromV1) as unknown as MetricSpec) }),
    ...(currentMetrics && { currentMetrics: currentMetrics.map((metric) => fromV1(metric, currentFromV1) as unknown as MetricStatus) }),
    ...(conditions && { conditions: conditions as unknown as Conditions }),
    ...(behavior && { behavior }),
  };
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listIn(text: string | undefined): readonly Fields[] | undefined {
  const value = parsed(text);
  return Array.isArray(value) && value.every(isFields) ? value : undefined;
}

/** Names begin with a capital letter where upstream has written it; Go's decoder does not care, and people write it as they do in v2. */
function behaviorIn(text: string | undefined): Behavior | undefined {
  const uncapitalized = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(uncapitalized);
    if (!isFields(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null).map(([key, each]) => [`${key.slice(0, 1).toLowerCase()}${key.slice(1)}`, uncapitalized(each)]));
  };
  const value = uncapitalized(parsed(text));
  return isFields(value) && (isFields(value["scaleUp"]) || isFields(value["scaleDown"])) ? value : undefined;
}

type Sources = "object" | "pods" | "resource" | "containerResource" | "external";
type Converters = Readonly<Record<Sources, (source: Source & Fields) => Fields>>;

const selectorOf = (metric: Fields | undefined): unknown => {
  const selector = metric?.["selector"];
  if (!isFields(selector)) return undefined;
  const { matchLabels, matchExpressions } = selector;
  return { matchLabels: isFields(matchLabels) ? Object.fromEntries(Object.entries(matchLabels).toSorted(([a], [b]) => (a < b ? -1 : 1))) : undefined, matchExpressions };
};
const referenceOf = (reference: Fields | undefined): Fields => ({ kind: reference?.["kind"] ?? "", name: reference?.["name"] ?? "", apiVersion: reference?.["apiVersion"] });
/** v1 has room for a plain quantity where v2 may leave it away. */
const zero = "0";

const targetsToV1: Converters = {
  object: ({ describedObject, metric, target }) => ({ target: referenceOf(describedObject), metricName: metric?.["name"] ?? "", targetValue: target?.["value"] ?? zero, selector: selectorOf(metric), averageValue: target?.["averageValue"] }),
  pods: ({ metric, target }) => ({ metricName: metric?.["name"] ?? "", targetAverageValue: target?.["averageValue"] ?? zero, selector: selectorOf(metric) }),
  resource: ({ name, target }) => ({ name, targetAverageUtilization: target?.["averageUtilization"], targetAverageValue: target?.["averageValue"] }),
  containerResource: ({ name, target, container }) => ({ name, targetAverageUtilization: target?.["averageUtilization"], targetAverageValue: target?.["averageValue"], container }),
  external: ({ metric, target }) => ({ metricName: metric?.["name"] ?? "", metricSelector: selectorOf(metric), targetValue: target?.["value"], targetAverageValue: target?.["averageValue"] }),
};
const currentToV1: Converters = {
  object: ({ describedObject, metric, current }) => ({ target: referenceOf(describedObject), metricName: metric?.["name"] ?? "", currentValue: current?.["value"] ?? zero, selector: selectorOf(metric), averageValue: current?.["averageValue"] }),
  pods: ({ metric, current }) => ({ metricName: metric?.["name"] ?? "", currentAverageValue: current?.["averageValue"] ?? zero, selector: selectorOf(metric) }),
  resource: ({ name, current }) => ({ name, currentAverageUtilization: current?.["averageUtilization"], currentAverageValue: current?.["averageValue"] ?? zero }),
  containerResource: ({ name, current, container }) => ({ name, currentAverageUtilization: current?.["averageUtilization"], currentAverageValue: current?.["averageValue"] ?? zero, container }),
  external: ({ metric, current }) => ({ metricName: metric?.["name"] ?? "", metricSelector: selectorOf(metric), currentValue: current?.["value"] ?? zero, currentAverageValue: current?.["averageValue"] }),
};

const defined = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
const metricOf = (name: unknown, selector: unknown): Fields => defined({ name: name ?? "", selector });
const utilizationOf = ({ targetAverageUtilization, targetAverageValue }: Fields): Fields =>
  defined({ type: targetAverageUtilization === undefined ? "AverageValue" : "Utilization", averageValue: targetAverageValue, averageUtilization: targetAverageUtilization });
const usageOf = ({ currentAverageUtilization, currentAverageValue = zero }: Fields): Fields => defined({ averageValue: currentAverageValue, averageUtilization: currentAverageUtilization });

const targetsFromV1: Converters = {
  object: ({ target, metricName, targetValue, selector, averageValue }) => ({
    describedObject: defined(referenceOf(target)), metric: metricOf(metricName, selector),
    target: averageValue === undefined ? { type: "Value", value: targetValue ?? zero } : defined({ type: "AverageValue", value: (targetValue as unknown) === zero ? undefined : targetValue, averageValue }),
  }),
  pods: ({ metricName, targetAverageValue, selector }) => ({ metric: metricOf(metricName, selector), target: { type: "AverageValue", averageValue: targetAverageValue ?? zero } }),
  resource: (source) => ({ name: source["name"], target: utilizationOf(source) }),
  containerResource: (source) => ({ name: source["name"], container: source["container"], target: utilizationOf(source) }),
  external: ({ metricName, metricSelector, targetValue, targetAverageValue }) => ({ metric: metricOf(metricName, metricSelector), target: defined({ type: targetValue === undefined ? "AverageValue" : "Value", value: targetValue, averageValue: targetAverageValue }) }),
};
const currentFromV1: Converters = {
  object: ({ target, metricName, currentValue, selector, averageValue }) => ({ describedObject: defined(referenceOf(target)), metric: metricOf(metricName, selector), current: defined({ value: currentValue ?? zero, averageValue }) }),
  pods: ({ metricName, currentAverageValue, selector }) => ({ metric: metricOf(metricName, selector), current: { averageValue: currentAverageValue ?? zero } }),
  resource: (source) => ({ name: source["name"], current: usageOf(source) }),
  containerResource: (source) => ({ name: source["name"], container: source["container"], current: usageOf(source) }),
  external: ({ metricName, metricSelector, currentValue, currentAverageValue }) => ({ metric: metricOf(metricName, metricSelector), current: defined({ value: currentValue ?? zero, averageValue: currentAverageValue }) }),
};

const order: readonly Sources[] = ["object", "pods", "resource", "containerResource", "external"];

function converted(metric: Fields, converters: Converters): Fields {
  const sources = order.flatMap((name) => {
    const source = metric[name];
    return isFields(source) ? [[name, converters[name](source as Source & Fields)] as const] : [];
  });
  return { type: metric["type"] ?? "", ...Object.fromEntries(sources) };
}
const toV1 = (metric: MetricSpec | MetricStatus, converters: Converters): Fields => converted(metric as unknown as Fields, converters);
const fromV1 = converted;
