import { invalid, notSupported, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors } from "../../apimachinery/validation.ts";
import { countOrPercent, notMoreThanAll } from "../apps/rolling-update.ts";
import { validateReplicaCounts } from "../apps/workload-status.ts";
import { poddisruptionbudgets, type PodDisruptionBudget } from "../generated/policy-v1.ts";
import { goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { validateConditions } from "../condition-validation.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

export const podDisruptionBudgetResource = defineResource<PodDisruptionBudget>(poddisruptionbudgets, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  metadataRules: "afterwards",
  generation: true,
  unconditionalUpdate: false,
  prepareForCreate: (budget) => ({ ...budget, status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } }),
  prepareForUpdate: keepStatus,
  validate,
  validateUpdate: validate,
  subresources: {
    status: statusStrategy({
      validateUpdate({ status }) {
        const errors: FieldError[] = [];
        addAll(errors, validateConditions(status?.conditions, "status.conditions"));
        addAll(errors, validateReplicaCounts(status, ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], []));
        return errors;
      },
    }),
  },
  columns: [
    nameColumn,
    text("Min Available", ({ spec }) => `${spec?.minAvailable ?? "N/A"}`),
    text("Max Unavailable", ({ spec }) => `${spec?.maxUnavailable ?? "N/A"}`),
    integer("Allowed Disruptions", ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
});

function validate({ spec = {} }: PodDisruptionBudget): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) errors.push(invalid("spec", goForm(spec, "PodDisruptionBudgetSpec"), "minAvailable and maxUnavailable cannot be both set"));
  for (const field of ["minAvailable", "maxUnavailable"] as const) {
    if (spec[field] === undefined) continue;
    addAll(errors, countOrPercent(`spec.${field}`, spec[field]));
    addAll(errors, notMoreThanAll(`spec.${field}`, spec[field]));
  }
  addAll(errors, labelSelectorErrors("spec.selector", spec.selector));
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && policy !== "AlwaysAllow" && policy !== "IfHealthyBudget") errors.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, ["AlwaysAllow", "IfHealthyBudget"]));
  return errors;
}
