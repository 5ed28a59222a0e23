import type { FieldError } from "../../apimachinery/field-error.ts";
import { resourceclaimtemplates, type ResourceClaimTemplate } from "../generated/resource-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { annotationsErrors, labelsErrors } from "../../apimachinery/validation.ts";
import { immutable, onlyLabelsAndAnnotations } from "../checks.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { claimSpecDefaults } from "./defaults.ts";

export const resourceClaimTemplateResource = defineResource<ResourceClaimTemplate>(resourceclaimtemplates, {
  validateName: dnsSubdomainName,
  defaults: (template) => changeField(withStruct(template, "spec"), "spec", (spec) => changeField(withDefaults(withStruct(spec, "spec"), { metadata: {} }), "spec", claimSpecDefaults)),
  validate,
  *validateUpdate(next, previous) {
    yield* validate(next);
    yield* immutable("spec", next.spec, previous.spec);
  },
  columns: [nameColumn, ageColumn],
});

function* validate({ spec }: ResourceClaimTemplate): Generator<FieldError> {
  const { metadata } = spec ?? {};
  yield* annotationsErrors("spec.metadata.annotations", metadata?.annotations);
  yield* labelsErrors("spec.metadata.labels", metadata?.labels);
  yield* onlyLabelsAndAnnotations("spec.metadata", metadata);
  yield* validateClaimSpec(spec?.spec ?? {}, "spec.spec");
}
