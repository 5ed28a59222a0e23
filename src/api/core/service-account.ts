import { serviceaccounts, type ServiceAccount } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const serviceAccountResource = defineResource<ServiceAccount>(serviceaccounts, {
  validateName: dnsSubdomainName,
  columns: [nameColumn, ageColumn],
});
