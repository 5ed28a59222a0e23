import { mutatingadmissionpolicybindings, type MutatingAdmissionPolicyBinding } from "../generated/admissionregistration-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import type { FieldError } from "../../apimachinery/field-error.ts";
import { addAll } from "../../stdx/add-all.ts";
import { policyBindingColumns } from "./columns.ts";
import { matchResourcesDefaults } from "./defaults.ts";
import { validateBinding } from "./policy-validation.ts";
import { validateMutatingOperations } from "./rule-validation.ts";

export const mutatingAdmissionPolicyBindingResource = defineResource<MutatingAdmissionPolicyBinding>(mutatingadmissionpolicybindings, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (binding) => changeField(binding, "spec", (spec) => changeField(spec, "matchResources", matchResourcesDefaults)),
  validate,
  validateUpdate: (next) => validate(next),
  columns: policyBindingColumns,
});

function validate({ spec = {} }: MutatingAdmissionPolicyBinding): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateBinding(spec));
  if (spec.matchResources) addAll(errors, validateMutatingOperations(spec.matchResources, "spec.matchResources"));
  return errors;
}
