import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { cidrErrors } from "../../apimachinery/validation.ts";
import { parseCidr } from "../../stdx/ip.ts";
import { servicecidrs, type ServiceCIDR } from "../generated/networking-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { keepStatus, statusStrategy } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

function validateRanges(ranges: readonly string[]): readonly FieldError[] {
  if (ranges.length === 0) return [required("spec.cidrs", "at least one CIDR required")];
  if (ranges.length > 2) return [invalid("spec.cidrs", { CIDRs: ranges }, "may only hold up to 2 values")];
  const errors: FieldError[] = [];
  for (const [index, range] of ranges.entries()) addAll(errors, cidrErrors(`spec.cidrs[${index}]`, range));
  const [first, second] = ranges.map((range) => parseCidr(range)?.ip.family);
  if (first !== undefined && first === second) errors.push(invalid("spec.cidrs", ranges, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"));
  return errors;
}

export const serviceCidrResource = defineResource<ServiceCIDR>(servicecidrs, {
  validateName: dnsSubdomainName,
  validate: ({ spec }) => validateRanges(spec?.cidrs ?? []),
  validateUpdate(next, previous): readonly FieldError[] {
    const [now, before] = [next.spec?.cidrs ?? [], previous.spec?.cidrs ?? []];
    // A second range may be added, to serve the other family too.
    const added = before.length === 1 && now.length === 2;
    if (now.length !== before.length && !added) return [invalid("spec.cidrs", now.length === 0 ? null : now, "field is immutable")];
    const errors: FieldError[] = [];
    for (const [index, range] of before.entries()) if (now[index] !== range) errors.push(invalid(`spec.cidrs[${index}]`, now[index], "field is immutable"));
    if (added) addAll(errors, validateRanges(now));
    return errors;
  },
  prepareForCreate: (range) => ({ ...range, status: {} }),
  prepareForUpdate: keepStatus,
  subresources: { status: statusStrategy({ resetMetadata: true }) },
  columns: [nameColumn, text("CIDRs", ({ spec }) => (spec?.cidrs ?? []).join(",")), ageColumn],
});
