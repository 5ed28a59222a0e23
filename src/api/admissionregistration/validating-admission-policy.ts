import { validatingadmissionpolicies, type ValidatingAdmissionPolicy } from "../generated/admissionregistration-v1.ts";
import { changeField, withDefaults } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { policyColumns } from "./columns.ts";
import { matchResourcesDefaults } from "./defaults.ts";

export const validatingAdmissionPolicyResource = defineResource<ValidatingAdmissionPolicy>(validatingadmissionpolicies, {
  validateName: dnsSubdomainName,
  generation: true,
  unconditionalUpdate: false,
  defaults: (policy) => changeField(policy, "spec", (spec) => changeField(withDefaults(spec, { failurePolicy: "Fail" }), "matchConstraints", matchResourcesDefaults)),
  prepareForCreate: (policy) => ({ ...policy, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true }) },
  columns: policyColumns("Validations", ({ spec }) => (spec?.validations ?? []).length),
});
