import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { validateReplicaCounts } from "../apps/workload-status.ts";
import { absent, invalidEach } from "../checks.ts";
import type { HorizontalPodAutoscalerSpec } from "../generated/autoscaling-v2.ts";
import { horizontalpodautoscalers, type HorizontalPodAutoscaler, type HPAScalingRules } from "../generated/autoscaling-v2.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
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

export const horizontalPodAutoscalerResource = defineResource<HorizontalPodAutoscaler>(horizontalpodautoscalers, {
  validateName: dnsSubdomainName,
  defaults: (autoscaler) => changeField(autoscaler, "spec", (spec) => {
    let next = withDefaults(spec, { minReplicas: 1 });
    if ((next.metrics ?? []).length === 0) {
      next = { ...next, metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpuUtilizationPercent } } }] };
    }
    return changeField(next, "behavior", (behavior) => {
      const both = withDefaults(behavior, { scaleUp: scaleUpRules, scaleDown: scaleDownRules });
      return changeField(changeField(both, "scaleUp", (rules) => withDefaults(rules, scaleUpRules)), "scaleDown", (rules) => withDefaults(rules, scaleDownRules));
    });
  }),
  prepareForCreate: (autoscaler) => ({ ...autoscaler, status: { desiredReplicas: 0 } }),
  prepareForUpdate: keepStatus,
  validate: ({ spec }) => validateSpec(spec ?? emptySpec),
  validateUpdate: ({ spec }) => validateSpec(spec ?? emptySpec),
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

function* validateRules(rules: HPAScalingRules, path: string): Generator<FieldError> {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  if ((window ?? 0) < 0) yield invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero");
  if ((window ?? 0) > windowSecondsMax) yield invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${windowSecondsMax}`);
  if (selectPolicy !== undefined && !["Disabled", "Max", "Min"].includes(selectPolicy)) yield notSupported(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]);
  if (policies.length === 0) yield required(`${path}.policies`, "must specify at least one Policy");
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const at = `${path}.policies[${index}]`;
    if (type !== "Pods" && type !== "Percent") yield notSupported(`${at}.type`, type, ["Percent", "Pods"]);
    if (value <= 0) yield invalid(`${at}.value`, value, "must be greater than zero");
    if (periodSeconds <= 0) yield invalid(`${at}.periodSeconds`, periodSeconds, "must be greater than zero");
    if (periodSeconds > periodSecondsMax) yield invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${periodSecondsMax}`);
  }
}

function* validateSpec({ minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior }: HorizontalPodAutoscalerSpec): Generator<FieldError> {
  if (minReplicas !== undefined && minReplicas < 1) yield invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1");
  if (maxReplicas === 0) yield required("spec.maxReplicas", "must be set and greater than 0");
  else if (maxReplicas < 0) yield invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to 1");
  if (minReplicas !== undefined && maxReplicas < minReplicas) yield invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
  for (const field of ["kind", "name"] as const) {
    const value = scaleTargetRef?.[field];
    if (absent(value)) yield required(`spec.scaleTargetRef.${field}`);
    else yield* invalidEach(`spec.scaleTargetRef.${field}`, value, pathSegmentNameErrors(value));
  }
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
    yield forbidden("spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas");
  }
  if (behavior?.scaleUp) yield* validateRules(behavior.scaleUp, "spec.behavior.scaleUp");
  if (behavior?.scaleDown) yield* validateRules(behavior.scaleDown, "spec.behavior.scaleDown");
}
