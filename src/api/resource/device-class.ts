import { deviceclasses, type DeviceClass } from "../generated/resource-v1.ts";
import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { isExtended } from "../core/resource-names.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { addAll } from "../../stdx/add-all.ts";
import { configurationsMax, validateConfiguration, validateSelectors } from "./claim-validation.ts";
import { validateSet } from "./device-names.ts";

export const deviceClassResource = defineResource<DeviceClass>(deviceclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  validate,
  validateUpdate: (next) => validate(next),
  columns: [nameColumn, ageColumn],
});

function validate({ spec }: DeviceClass): readonly FieldError[] {
  const { selectors = [], config = [], extendedResourceName } = spec ?? {};
  const errors: FieldError[] = [];
  addAll(errors, validateSelectors(selectors, "spec.selectors"));
  addAll(errors, validateSet(config, configurationsMax, "spec.config", undefined, validateConfiguration));
  if (extendedResourceName !== undefined && !isExtended(extendedResourceName)) errors.push(invalid("spec.extendedResourceName", extendedResourceName, "must be a valid extended resource name"));
  return errors;
}
