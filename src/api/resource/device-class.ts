import { deviceclasses, type DeviceClass } from "../generated/resource-v1.ts";
import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { isExtended } from "../core/resource-names.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { configurationsMax, validateConfiguration, validateSelectors } from "./claim-validation.ts";
import { validateSet } from "./device-names.ts";

export const deviceClassResource = defineResource<DeviceClass>(deviceclasses, {
  validateName: dnsSubdomainName,
  generation: true,
  validate,
  validateUpdate: (next) => validate(next),
  columns: [nameColumn, ageColumn],
});

function* validate({ spec }: DeviceClass): Generator<FieldError> {
  const { selectors = [], config = [], extendedResourceName } = spec ?? {};
  yield* validateSelectors(selectors, "spec.selectors");
  yield* validateSet(config, configurationsMax, "spec.config", undefined, validateConfiguration);
  if (extendedResourceName !== undefined && !isExtended(extendedResourceName)) yield invalid("spec.extendedResourceName", extendedResourceName, "must be a valid extended resource name");
}
