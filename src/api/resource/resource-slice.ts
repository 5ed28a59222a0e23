import { changeEach, changeField, changeValues, without, withStruct } from "../defaulting.ts";
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
  prepareForCreate: (slice) => withoutMappings(withoutLists(slice, undefined), undefined),
  prepareForUpdate: (next, previous) => withoutMappings(withoutLists(next, previous), previous),
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

const lists = ["ints", "bools", "strings", "versions"] as const;
const hasLists = ({ spec }: ResourceSlice): boolean =>
  (spec?.devices ?? []).some(({ attributes = {} }) => Object.values(attributes).some((attribute) => lists.some((field) => attribute[field] !== undefined)));

/** Attributes with several values are behind a gate that is off by default (DRAListTypeAttributes): they stay only where there were some. */
function withoutLists(slice: ResourceSlice, previous: ResourceSlice | undefined): ResourceSlice {
  if (!hasLists(slice) || (previous && hasLists(previous))) return slice;
  return changeField(slice, "spec", (spec) => changeEach(spec, "devices", (device) => changeField(device, "attributes", (attributes) => changeValues(attributes, (attribute) => without(attribute, ...lists)))));
}

const hasMappings = ({ spec }: ResourceSlice): boolean => (spec?.devices ?? []).some(({ nodeAllocatableResourceMappings = {} }) => Object.keys(nodeAllocatableResourceMappings).length > 0);

/** Behind DRANodeAllocatableResources, which is off by default too. */
function withoutMappings(slice: ResourceSlice, previous: ResourceSlice | undefined): ResourceSlice {
  if (!hasMappings(slice) || (previous && hasMappings(previous))) return slice;
  return changeField(slice, "spec", (spec) => changeEach(spec, "devices", (device) => without(device, "nodeAllocatableResourceMappings")));
}
