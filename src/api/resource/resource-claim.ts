import { resourceclaims, type ResourceClaim } from "../generated/resource-v1.ts";
import { changeField, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { immutable } from "../checks.ts";
import { validateClaimStatus } from "./claim-status-validation.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { claimSpecDefaults } from "./defaults.ts";

function stateText({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const allocated = status?.allocation !== undefined;
  return [
    ...(deleted ? ["deleted"] : []),
    ...(allocated ? ["allocated", ...((status.reservedFor ?? []).length > 0 ? ["reserved"] : [])] : deleted ? [] : ["pending"]),
  ].join(",");
}

export const resourceClaimResource = defineResource<ResourceClaim>(resourceclaims, {
  validateName: dnsSubdomainName,
  defaults: (claim) => changeField(withStruct(claim, "spec"), "spec", claimSpecDefaults),
  prepareForCreate: (claim) => ({ ...claim, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true, validateUpdate: validateClaimStatus }) },
  validate: ({ spec }) => validateClaimSpec(spec ?? {}, "spec"),
  validateUpdate: (next, previous) => immutable("spec", next.spec, previous.spec, "ResourceClaimSpec"),
  columns: [nameColumn, text("State", stateText), ageColumn],
});
