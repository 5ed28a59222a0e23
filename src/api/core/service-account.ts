import { serviceaccounts, type ServiceAccount } from "../generated/core-v1.ts";
import { changeEach } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

const withNamesOnly = (account: ServiceAccount): ServiceAccount =>
  changeEach(account, "secrets", (secret) => (Object.keys(secret).every((key) => key === "name") ? secret : { ...(secret.name !== undefined && { name: secret.name }) }));

export const serviceAccountResource = defineResource<ServiceAccount>(serviceaccounts, {
  validateName: dnsSubdomainName,
  // Of the references, only the names were ever used; what else they carried would only mislead.
  prepareForCreate: withNamesOnly,
  prepareForUpdate: withNamesOnly,
  columns: [nameColumn, ageColumn],
});
