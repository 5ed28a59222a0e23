import type { FieldError } from "../../apimachinery/field-error.ts";
import { resourceclaimtemplates, type ResourceClaimTemplate } from "../generated/resource-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { annotationsErrors, labelsErrors } from "../../apimachinery/validation.ts";
import { immutable, onlyLabelsAndAnnotations } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { claimSpecDefaults } from "./defaults.ts";

export const resourceClaimTemplateResource = defineResource<ResourceClaimTemplate>(resourceclaimtemplates, {
  validateName: dnsSubdomainName,
  defaults: (template) => changeField(withStruct(template, "spec"), "spec", (spec) => changeField(withDefaults(withStruct(spec, "spec"), { metadata: {} }), "spec", claimSpecDefaults)),
  validate,
  validateUpdate(next, previous) {
    const errors: FieldError[] = [];
    addAll(errors, validate(next));
    addAll(errors, immutable("spec", next.spec, previous.spec, "ResourceClaimTemplateSpec"));
    return errors;
  },
  columns: [nameColumn, ageColumn],
});

function validate({ spec }: ResourceClaimTemplate): readonly FieldError[] {
  const { metadata } = spec ?? {};
  const errors: FieldError[] = [];
  addAll(errors, annotationsErrors("spec.metadata.annotations", metadata?.annotations));
  addAll(errors, labelsErrors("spec.metadata.labels", metadata?.labels));
  addAll(errors, onlyLabelsAndAnnotations("spec.metadata", metadata));
  addAll(errors, validateClaimSpec(spec?.spec ?? {}, "spec.spec"));
  return errors;
}
