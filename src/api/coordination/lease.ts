import { leases, type Lease } from "../generated/coordination-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const leaseResource = defineResource<Lease>(leases, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, text("Holder", ({ spec }) => spec?.holderIdentity ?? ""), ageColumn],
});
