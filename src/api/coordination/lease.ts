import { forbidden, invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { aboveZero, absent } from "../checks.ts";
import { leases, type Lease } from "../generated/coordination-v1.ts";
import { changeField, without } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";

export const leaseResource = defineResource<Lease>(leases, {
  validateName: dnsSubdomainName,
  anyFinalizer: true,
  createOnUpdate: true,
  unconditionalUpdate: false,
  // Coordinated leader election is off by default; a lease that takes part in it may go on.
  prepareForCreate: (lease) => withoutCoordination(lease, undefined),
  prepareForUpdate: withoutCoordination,
  validate,
  validateUpdate: validate,
  columns: [nameColumn, text("Holder", ({ spec }) => spec?.holderIdentity ?? ""), ageColumn],
});

function withoutCoordination(lease: Lease, previous: Lease | undefined): Lease {
  const inUse = previous?.spec?.strategy !== undefined || previous?.spec?.preferredHolder !== undefined;
  return inUse ? lease : changeField(lease, "spec", (spec) => without(spec, "strategy", "preferredHolder"));
}

function validate({ spec = {} }: Lease): readonly FieldError[] {
  const { leaseDurationSeconds, leaseTransitions, preferredHolder, strategy } = spec;
  const errors: FieldError[] = [];
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds !== null) addAll(errors, aboveZero("spec.leaseDurationSeconds", leaseDurationSeconds));
  if ((leaseTransitions ?? 0) < 0) errors.push(invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0"));
  if (!absent(preferredHolder) && absent(strategy)) errors.push(forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"));
  return errors;
}
