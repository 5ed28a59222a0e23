import { configmaps, type ConfigMap } from "../generated/core-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";

export const configMapResource = defineResource<ConfigMap>(configmaps, {
  validateName: dnsSubdomainName,
  columns: [nameColumn, text("Data", ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length), ageColumn],
});
