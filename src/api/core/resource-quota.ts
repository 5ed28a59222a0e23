import { resourcequotas, type ResourceQuota } from "../generated/core-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { canonicalResources } from "./resource-list.ts";

/** "pods: 1/10, …": what is used of what may be used, limits in a column of their own. */
const usage = (limits: boolean) => ({ status }: ResourceQuota): string =>
  Object.entries(status?.hard ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
    .filter(([name]) => name.startsWith("limits.") === limits)
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? "0"}/${hard}`).join(", ");

export const resourceQuotaResource = defineResource<ResourceQuota>(resourcequotas, {
  validateName: dnsSubdomainName,
  defaults: (quota) => changeField(
    changeField(quota, "spec", (spec) => changeField(spec, "hard", canonicalResources)),
    "status", (status) => changeField(changeField(status, "hard", canonicalResources), "used", canonicalResources),
  ),
  prepareForCreate: (quota) => ({ ...quota, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy() },
  columns: [nameColumn, text("Request", usage(false)), text("Limit", usage(true)), ageColumn],
});
