import { servicecidrs, type ServiceCIDR } from "../generated/networking-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";

export const serviceCidrResource = defineResource<ServiceCIDR>(servicecidrs, {
  validateName: dnsSubdomainName,
  prepareForCreate: (range) => ({ ...range, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true }) },
  columns: [nameColumn, text("CIDRs", ({ spec }) => (spec?.cidrs ?? []).join(",")), ageColumn],
});
