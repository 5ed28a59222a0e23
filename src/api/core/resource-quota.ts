import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity } from "../../apimachinery/quantity.ts";
import type { ResourceQuotaSpec } from "../generated/core-v1.ts";
import { validateScopes } from "./resource-quota-scopes.ts";
import { validateAmount } from "./pod-spec/validation-resources.ts";
import { validateQuotaResourceName } from "./resource-names.ts";
import { resourcequotas, type ResourceQuota } from "../generated/core-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
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
  validate: ({ spec }) => validateSpec(spec ?? {}),
  warningsOnCreate: ({ spec }) => ["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => excessWarning(spec?.hard ?? {}, name)),
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validateSpec(next.spec ?? {}));
    const [now, before] = [new Set(next.spec?.scopes), new Set(previous.spec?.scopes)];
    if (now.symmetricDifference(before).size > 0) errors.push(invalid("spec.scopes", next.spec?.scopes ?? null, "field is immutable"));
    return errors;
  },
  subresources: {
    status: statusStrategy({
      validateUpdate({ status }) {
        const errors: FieldError[] = [];
        addAll(errors, validateAmounts(status?.hard, "status.hard"));
        addAll(errors, validateAmounts(status?.used, "status.used"));
        return errors;
      },
    }),
  },
  columns: [nameColumn, text("Request", usage(false)), text("Limit", usage(true)), ageColumn],
});

/** More can be asked for than may be used: the limit will always be met first. */
function excessWarning(hard: Readonly<Record<string, string>>, name: string): readonly string[] {
  const bare = hard[`requests.${name}`] === undefined && (name === "cpu" || name === "memory");
  const [requestName, limitName] = [bare ? name : `requests.${name}`, `limits.${name}`];
  const [request, limit] = [hard[requestName], hard[limitName]];
  const exceeds = request !== undefined && limit !== undefined && isQuantity(request) && isQuantity(limit) && compareQuantities(request, limit) > 0;
  return exceeds ? [`ResourceQuota ${requestName} (${request}) should be less than ${limitName} (${limit})`] : [];
}

function validateSpec(spec: ResourceQuotaSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateAmounts(spec.hard, "spec.hard"));
  addAll(errors, validateScopes(spec));
  return errors;
}

function validateAmounts(amounts: Readonly<Record<string, string>> | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    addAll(errors, validateQuotaResourceName(name, `${path}[${name}]`));
    addAll(errors, validateAmount(name, amount, `${path}[${name}]`));
  }
  return errors;
}
