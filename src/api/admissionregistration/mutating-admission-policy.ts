import { mutatingadmissionpolicies, type MutatingAdmissionPolicy } from "../generated/admissionregistration-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { policyColumns } from "./columns.ts";
import { matchResourcesDefaults } from "./defaults.ts";
import { validateMutatingPolicy } from "./policy-validation.ts";

export const mutatingAdmissionPolicyResource = defineResource<MutatingAdmissionPolicy>(mutatingadmissionpolicies, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (policy) => changeField(withStruct(policy, "spec"), "spec", (spec) => changeField(withDefaults(spec, { failurePolicy: "Fail" }), "matchConstraints", matchResourcesDefaults)),
  validate: ({ spec = {} }) => validateMutatingPolicy(spec),
  validateUpdate: (next, previous) => validateMutatingPolicy(next.spec ?? {}, previous.spec ?? {}),
  columns: policyColumns("Mutations", ({ spec }) => (spec?.mutations ?? []).length),
});
