import { changeField, withStruct } from "../defaulting.ts";
import { resourceslices, type ResourceSlice } from "../generated/resource-v1.ts";
import { dnsSubdomainName } from "../names.ts";
import { ageColumn, nameColumn, text } from "../printing/columns.ts";
import { defineResource } from "../resource.ts";
import { canonicalSliceSpec } from "./defaults.ts";
import { validateSlice } from "./slice-validation.ts";

export const resourceSliceResource = defineResource<ResourceSlice>(resourceslices, {
  validateName: dnsSubdomainName,
  generation: true,
  defaults: (slice) => changeField(withStruct(slice, "spec"), "spec", (spec) => canonicalSliceSpec(withStruct(spec, "pool"))),
  validate: ({ spec }) => validateSlice(spec),
  validateUpdate: (next, previous) => validateSlice(next.spec, previous.spec),
  selectableFields: { "spec.nodeName": ({ spec }) => spec.nodeName ?? "", "spec.driver": ({ spec }) => spec.driver },
  warningsOnCreate: driverWarnings,
  warningsOnUpdate: driverWarnings,
  columns: [nameColumn, text("Node", ({ spec }) => spec.nodeName ?? ""), text("Driver", ({ spec }) => spec.driver), text("Pool", ({ spec }) => spec.pool.name), ageColumn],
});

function driverWarnings({ spec }: ResourceSlice): readonly string[] {
  const driver = spec?.driver ?? "";
  return driver === driver.toLowerCase() ? [] : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
}
