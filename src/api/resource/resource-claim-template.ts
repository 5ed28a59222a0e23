import { resourceclaimtemplates, type ResourceClaimTemplate } from "../generated/resource-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { claimSpecDefaults } from "./defaults.ts";

export const resourceClaimTemplateResource = defineResource<ResourceClaimTemplate>(resourceclaimtemplates, {
  validateName: dnsSubdomainName,
  defaults: (template) => changeField(template, "spec", (spec) => changeField(withDefaults(spec, { metadata: {} }), "spec", claimSpecDefaults)),
  columns: [nameColumn, ageColumn],
});
