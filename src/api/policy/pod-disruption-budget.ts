import { invalid, notSupported, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors } from "../../apimachinery/validation.ts";
import { countOrPercent, notMoreThanAll } from "../apps/rolling-update.ts";
import { validateReplicaCounts } from "../apps/workload-status.ts";
import { poddisruptionbudgets, type PodDisruptionBudget } from "../generated/policy-v1.ts";
import { disruptionBudgetFields, goForm } from "../go-form.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { validateConditions } from "../condition-validation.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

export const podDisruptionBudgetResource = defineResource<PodDisruptionBudget>(poddisruptionbudgets, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  prepareForCreate: (budget) => ({ ...budget, status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } }),
  prepareForUpdate: keepStatus,
  validate,
  validateUpdate: validate,
  subresources: {
    status: statusStrategy({
      *validateUpdate({ status }) {
        yield* validateConditions(status?.conditions, "status.conditions");
        yield* validateReplicaCounts(status, ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"], []);
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

function* validate({ spec = {} }: PodDisruptionBudget): Generator<FieldError> {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) yield invalid("spec", goForm(spec, disruptionBudgetFields), "minAvailable and maxUnavailable cannot be both set");
  for (const field of ["minAvailable", "maxUnavailable"] as const) {
    if (spec[field] === undefined) continue;
    yield* countOrPercent(`spec.${field}`, spec[field]);
    yield* notMoreThanAll(`spec.${field}`, spec[field]);
  }
  yield* labelSelectorErrors("spec.selector", spec.selector);
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && policy !== "AlwaysAllow" && policy !== "IfHealthyBudget") yield notSupported("spec.unhealthyPodEvictionPolicy", policy, ["AlwaysAllow", "IfHealthyBudget"]);
}
