import { validatingadmissionpolicies, type ValidatingAdmissionPolicy } from "../generated/admissionregistration-v1.ts";
import { changeField, withDefaults, withStruct } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { policyColumns } from "./columns.ts";
import { validateConditions } from "../condition-validation.ts";
import { matchResourcesDefaults } from "./defaults.ts";
import { validateValidatingPolicy } from "./policy-validation.ts";
import { required, type FieldError } from "../../apimachinery/field-error.ts";
import { addAll } from "../../stdx/add-all.ts";
import { isBlank } from "./expression-validation.ts";

export const validatingAdmissionPolicyResource = defineResource<ValidatingAdmissionPolicy>(validatingadmissionpolicies, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  generation: true,
  unconditionalUpdate: false,
  defaults: (policy) => changeField(withStruct(policy, "spec"), "spec", (spec) => changeField(withDefaults(spec, { failurePolicy: "Fail" }), "matchConstraints", matchResourcesDefaults)),
  prepareForCreate: (policy) => ({ ...policy, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true, validateUpdate: validateStatus }) },
  validate: ({ metadata: { name = "" }, spec = {} }) => validateValidatingPolicy(spec, name),
  validateUpdate: (next, previous) => validateValidatingPolicy(next.spec ?? {}, next.metadata.name ?? "", previous.spec ?? {}),
  columns: policyColumns("Validations", ({ spec }) => (spec?.validations ?? []).length),
});

function validateStatus({ status = {} }: ValidatingAdmissionPolicy): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { warning, fieldRef }] of (status.typeChecking?.expressionWarnings ?? []).entries()) {
    const at = `status.typeChecking.expressionWarnings[${index}]`;
    if (warning === undefined || warning === "") errors.push(required(`${at}.warning`));
    if (isBlank(fieldRef)) errors.push(required(`${at}.fieldRef`));
  }
  addAll(errors, validateConditions(status.conditions, "status.conditions"));
  return errors;
}
