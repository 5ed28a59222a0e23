import { validatingadmissionpolicybindings, type ValidatingAdmissionPolicyBinding } from "../generated/admissionregistration-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import type { FieldError } from "../../apimachinery/field-error.ts";
import { addAll } from "../../stdx/add-all.ts";
import { policyBindingColumns } from "./columns.ts";
import { matchResourcesDefaults } from "./defaults.ts";
import { validateActions, validateBinding } from "./policy-validation.ts";

export const validatingAdmissionPolicyBindingResource = defineResource<ValidatingAdmissionPolicyBinding>(validatingadmissionpolicybindings, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (binding) => changeField(binding, "spec", (spec) => changeField(spec, "matchResources", matchResourcesDefaults)),
  validate,
  validateUpdate: (next) => validate(next),
  columns: policyBindingColumns,
});

function validate({ spec }: ValidatingAdmissionPolicyBinding): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateBinding(spec ?? {}));
  addAll(errors, validateActions(spec?.validationActions ?? [], "spec.validationActions"));
  return errors;
}
