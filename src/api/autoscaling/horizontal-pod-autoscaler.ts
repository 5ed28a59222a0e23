import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { validateReplicaCounts } from "../apps/workload-status.ts";
import { quantityAtLeastZero } from "../checks.ts";
import { canonicalAmount } from "../core/resource-list.ts";
import type { HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget } from "../generated/autoscaling-v2.ts";
import { horizontalpodautoscalers, type HorizontalPodAutoscaler, type HPAScalingRules } from "../generated/autoscaling-v2.ts";
import { changeEach, changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { apiVersionProblem, validateMetric, validateReference, type ReferenceRules } from "./metric-validation.ts";
import { metricsText } from "./metrics-text.ts";

const cpuUtilizationPercent = 80;
/** Growing is quick: the larger of doubling and four more pods, every 15 seconds. */
const scaleUpRules: HPAScalingRules = {
  stabilizationWindowSeconds: 0, selectPolicy: "Max",
  policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent", value: 100, periodSeconds: 15 }],
};
/** Shrinking may take all at once. */
const scaleDownRules: HPAScalingRules = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

const emptySpec = {} as HorizontalPodAutoscalerSpec;
const windowSecondsMax = 3600;
const periodSecondsMax = 1800;

const canonicalTarget = (target: MetricTarget): MetricTarget => changeField(changeField(target, "value", canonicalAmount), "averageValue", canonicalAmount);
function canonicalMetric(metric: MetricSpec): MetricSpec {
  let next = metric;
  for (const field of ["object", "pods", "resource", "containerResource", "external"] as const) {
    const source: { readonly target?: MetricTarget } | undefined = next[field];
    const canonical = source === undefined ? undefined : changeField(source, "target", canonicalTarget);
    if (canonical !== source) next = { ...next, [field]: canonical };
  }
  return next;
}
const canonicalRules = (rules: HPAScalingRules): HPAScalingRules => changeField(rules, "tolerance", canonicalAmount);

export const horizontalPodAutoscalerResource = defineResource<HorizontalPodAutoscaler>(horizontalpodautoscalers, {
  validateName: dnsSubdomainName,
  defaults: (autoscaler) => changeField(withStruct(autoscaler, "spec"), "spec", (spec) => {
    let next = withDefaults(spec, { minReplicas: 1 });
    if ((next.metrics ?? []).length === 0) {
      next = { ...next, metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpuUtilizationPercent } } }] };
    }
    next = changeEach(next, "metrics", canonicalMetric);
    return changeField(next, "behavior", (behavior) => {
      const both = withDefaults(behavior, { scaleUp: scaleUpRules, scaleDown: scaleDownRules });
      return changeField(changeField(both, "scaleUp", (rules) => canonicalRules(withDefaults(rules, scaleUpRules))), "scaleDown", (rules) => canonicalRules(withDefaults(rules, scaleDownRules)));
    });
  }),
  // Upstream shows that nothing was measured yet.
  prepareForCreate: (autoscaler) => ({ ...autoscaler, status: { desiredReplicas: 0, currentMetrics: null } as unknown as NonNullable<HorizontalPodAutoscaler["status"]> }),
  prepareForUpdate: keepStatus,
  validate: ({ spec }) => validateSpec(spec ?? emptySpec, undefined),
  validateUpdate: (next, previous) => validateSpec(next.spec ?? emptySpec, previous.spec ?? emptySpec),
  subresources: { status: statusStrategy({ validateUpdate: ({ status }) => validateReplicaCounts(status, ["currentReplicas", "desiredReplicas"], []) }) },
  columns: [
    nameColumn,
    text("Reference", ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ""}/${spec?.scaleTargetRef?.name ?? ""}`),
    text("Targets", ({ spec, status }) => metricsText(spec?.metrics ?? [], status?.currentMetrics ?? [])),
    text("MinPods", ({ spec }) => `${spec?.minReplicas ?? "<unset>"}`),
    text("MaxPods", ({ spec }) => spec?.maxReplicas ?? 0),
    text("Replicas", ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ],
});

function validateRules(rules: HPAScalingRules, path: string): readonly FieldError[] {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  const errors: FieldError[] = [];
  if ((window ?? 0) < 0) errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero"));
  if ((window ?? 0) > windowSecondsMax) errors.push(invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${windowSecondsMax}`));
  if (selectPolicy !== undefined && !["Disabled", "Max", "Min"].includes(selectPolicy)) errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]));
  if (policies.length === 0) errors.push(required(`${path}.policies`, "must specify at least one Policy"));
  for (const [index, { type, value = 0, periodSeconds = 0 }] of policies.entries()) {
    const at = `${path}.policies[${index}]`;
    if (type !== "Pods" && type !== "Percent") errors.push(notSupported(`${at}.type`, type ?? "", ["Percent", "Pods"]));
    if (value <= 0) errors.push(invalid(`${at}.value`, value, "must be greater than zero"));
    if (periodSeconds <= 0) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, "must be greater than zero"));
    if (periodSeconds > periodSecondsMax) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${periodSecondsMax}`));
  }
  if (rules.tolerance !== undefined) addAll(errors, quantityAtLeastZero(`${path}.tolerance`, rules.tolerance));
  return errors;
}

/** The described object of a metric may be of the core group, as pods and services are. */
const describedRules: ReferenceRules = { allowAny: false, allowEmptyGroup: true };

function targetRules({ scaleTargetRef: now }: HorizontalPodAutoscalerSpec, previous: HorizontalPodAutoscalerSpec | undefined): ReferenceRules {
  const before = previous?.scaleTargetRef;
  return {
    allowAny: before !== undefined && before.apiVersion === now?.apiVersion && before.kind === now?.kind,
    allowEmptyGroup: now?.kind === "ReplicationController",
  };
}

function validateSpec(spec: HorizontalPodAutoscalerSpec, previous: HorizontalPodAutoscalerSpec | undefined): readonly FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec;
  // Scaling to zero is off by default; what is there already may stay.
  const lowest = previous?.minReplicas === 0 ? 0 : 1;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < lowest) errors.push(invalid("spec.minReplicas", minReplicas, `must be greater than or equal to ${lowest}`));
  if (maxReplicas === 0) errors.push(required("spec.maxReplicas", "must be set and greater than 0"));
  else if (maxReplicas < 0) errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to 1"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  addAll(errors, validateReference(scaleTargetRef ?? {}, "spec.scaleTargetRef", targetRules(spec, previous)));
  const invalidBefore = (previous?.metrics ?? []).some(({ type, object }) => type === "Object" && object !== undefined && apiVersionProblem(object.describedObject, describedRules) !== undefined);
  for (const [index, metric] of metrics.entries()) addAll(errors, validateMetric(metric, `spec.metrics[${index}]`, { ...describedRules, allowAny: invalidBefore }));
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
    errors.push(forbidden("spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas"));
  }
  if (behavior?.scaleUp) addAll(errors, validateRules(behavior.scaleUp, "spec.behavior.scaleUp"));
  if (behavior?.scaleDown) addAll(errors, validateRules(behavior.scaleDown, "spec.behavior.scaleDown"));
  return errors;
}
