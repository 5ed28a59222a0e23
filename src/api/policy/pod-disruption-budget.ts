import { poddisruptionbudgets, type PodDisruptionBudget } from "../generated/policy-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, integer, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

export const podDisruptionBudgetResource = defineResource<PodDisruptionBudget>(poddisruptionbudgets, {
  validateName: dnsSubdomainName,
  generation: true,
  unconditionalUpdate: false,
  prepareForCreate: (budget) => ({ ...budget, status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  columns: [
    nameColumn,
    text("Min Available", ({ spec }) => `${spec?.minAvailable ?? "N/A"}`),
    text("Max Unavailable", ({ spec }) => `${spec?.maxUnavailable ?? "N/A"}`),
    integer("Allowed Disruptions", ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
});
