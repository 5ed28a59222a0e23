import { resourceclaimtemplates, type ResourceClaimTemplate } from "../generated/resource-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { annotationsErrors, labelsErrors } from "../../apimachinery/validation.ts";
import { immutable, onlyFields } from "../checks.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { claimSpecDefaults } from "./defaults.ts";

export const resourceClaimTemplateResource = defineResource<ResourceClaimTemplate>(resourceclaimtemplates, {
  validateName: dnsSubdomainName,
  defaults: (template) => changeField(template, "spec", (spec) => changeField(withDefaults(spec, { metadata: {} }), "spec", claimSpecDefaults)),
  *validate({ spec }) {
    const { metadata } = spec ?? {};
    yield* annotationsErrors("spec.metadata.annotations", metadata?.annotations);
    yield* labelsErrors("spec.metadata.labels", metadata?.labels);
    yield* onlyFields("spec.metadata", metadata, ["annotations", "labels", "creationTimestamp"], "cannot be set");
    yield* validateClaimSpec(spec?.spec ?? {}, "spec.spec");
  },
  validateUpdate: (next, previous) => immutable("spec", next.spec, previous.spec),
  columns: [nameColumn, ageColumn],
});
