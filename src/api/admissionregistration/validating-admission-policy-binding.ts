import { validatingadmissionpolicybindings, type ValidatingAdmissionPolicyBinding } from "../generated/admissionregistration-v1.ts";
import { changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { policyBindingColumns } from "./columns.ts";
import { matchResourcesDefaults } from "./defaults.ts";

export const validatingAdmissionPolicyBindingResource = defineResource<ValidatingAdmissionPolicyBinding>(validatingadmissionpolicybindings, {
  validateName: dnsSubdomainName,
  generation: true,
  unconditionalUpdate: false,
  defaults: (binding) => changeField(binding, "spec", (spec) => changeField(spec, "matchResources", matchResourcesDefaults)),
  columns: policyBindingColumns,
});
