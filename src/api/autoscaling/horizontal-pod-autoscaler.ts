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
  subresources: { status: statusStrategy() },
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
