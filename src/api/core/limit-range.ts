import { limitranges, type LimitRange, type LimitRangeItem } from "../generated/core-v1.ts";
import { changeEach, changeField } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { createdAtColumns } from "../rbac/columns.ts";
import { canonicalResources, type ResourceList } from "./resource-list.ts";

const within = (all: ResourceList, list: ResourceList): boolean => Object.keys(all).every((name) => name in list);

/** For containers, the default limit follows from the maximum, and the default request from the default limit or the minimum. */
function itemDefaults(item: LimitRangeItem): LimitRangeItem {
  let next = item;
  for (const key of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const) next = changeField(next, key, canonicalResources);
  if (next.type !== "Container") return next;
  const limits = { ...next.max, ...next.default };
  const requests = { ...next.min, ...limits, ...next.defaultRequest };
  const complete = within(limits, next.default ?? {}) && within(requests, next.defaultRequest ?? {});
  return complete ? next : {
    ...next, ...(Object.keys(limits).length > 0 && { default: limits }), ...(Object.keys(requests).length > 0 && { defaultRequest: requests }),
  };
}

export const limitRangeResource = defineResource<LimitRange>(limitranges, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  defaults: (range) => changeField(range, "spec", (spec) => changeEach(spec, "limits", itemDefaults)),
  columns: createdAtColumns,
});
