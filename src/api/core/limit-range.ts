import { duplicate, forbidden, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityMilliValue } from "../../apimachinery/quantity.ts";
import { qualifiedName } from "../checks.ts";
import { mayOvercommit, validateContainerResourceName, validateResourceName } from "./resource-names.ts";
import { limitranges, type LimitRange, type LimitRangeItem } from "../generated/core-v1.ts";
import { changeEach, changeField, missing } from "../defaulting.ts";
import { dnsSubdomainName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { createdAtColumns } from "../rbac/columns.ts";
import { addAll } from "../../stdx/add-all.ts";
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
  // One without a name gets one that is as good as any.
  prepareForCreate: (range) => (missing(range.metadata.name) && range.metadata.uid !== undefined ? { ...range, metadata: { ...range.metadata, name: range.metadata.uid } } : range),
  validate,
  validateUpdate: validate,
  columns: createdAtColumns,
});

/** Amounts that must not be above one another: [the smaller, the larger, where it is reported, the words]. */
const orders = [
  ["min", "max", "min", "min value", "max value"],
  ["min", "defaultRequest", "defaultRequest", "min value", "default request value"],
  ["defaultRequest", "max", "defaultRequest", "default request value", "max value"],
  ["defaultRequest", "default", "defaultRequest", "default request value", "default limit value"],
  ["min", "default", "default", "min value", "default value"],
  ["default", "max", "default", "default value", "max value"],
] as const;

function validateItem(item: LimitRangeItem, path: string, seen: boolean): readonly FieldError[] {
  const type = item.type ?? "";
  const problems = qualifiedName(`${path}.type`, type);
  const errors: FieldError[] = [];
  addAll(errors, problems);
  if (problems.length === 0 && !type.includes("/") && !["Pod", "Container", "PersistentVolumeClaim"].includes(type)) errors.push(invalid(`${path}.type`, type, "must be a standard limit type or fully qualified"));
  if (seen) errors.push(duplicate(`${path}.type`, type));
  const ofPod = type === "Pod";
  const names = new Set<string>();
  function namesOf(field: "max" | "min" | "default" | "defaultRequest" | "maxLimitRequestRatio"): readonly FieldError[] {
    const errors: FieldError[] = [];
    for (const name of Object.keys(item[field] ?? {})) {
      addAll(errors, (ofPod || type === "Container" ? validateContainerResourceName : validateResourceName)(name, `${path}.${field}[${name}]`));
      names.add(name);
    }
    return errors;
  }
  addAll(errors, namesOf("max"));
  addAll(errors, namesOf("min"));
  for (const field of ["default", "defaultRequest"] as const) {
    if (!ofPod) addAll(errors, namesOf(field));
    else if (Object.keys(item[field] ?? {}).length > 0) errors.push(forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
  }
  if (type === "PersistentVolumeClaim" && item.min?.["storage"] === undefined && item.max?.["storage"] === undefined) {
    errors.push(required(`${path}.limits`, "either minimum or maximum storage value is required, but neither was provided"));
  }
  addAll(errors, namesOf("maxLimitRequestRatio"));
  const amount = (field: "min" | "max" | "default" | "defaultRequest" | "maxLimitRequestRatio", name: string): string | undefined => {
    const value = ofPod && (field === "default" || field === "defaultRequest") ? undefined : item[field]?.[name];
    return value !== undefined && isQuantity(value) ? value : undefined;
  };
  for (const name of names) {
    for (const [low, high, at, lowText, highText] of orders) {
      const [smaller, larger] = [amount(low, name), amount(high, name)];
      if (smaller !== undefined && larger !== undefined && compareQuantities(smaller, larger) > 0) {
        const shown = at === "default" && high === "max" ? larger : at === high ? (high === "default" ? smaller : larger) : smaller;
        errors.push(invalid(`${path}.${at}[${name}]`, shown, `${lowText} ${smaller} is greater than ${highText} ${larger}`));
      }
    }
    const ratio = amount("maxLimitRequestRatio", name);
    if (ratio !== undefined && compareQuantities(ratio, "1") < 0) errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
    const [low, high] = [amount("min", name), amount("max", name)];
    if (ratio !== undefined && low !== undefined && high !== undefined) {
      const widest = quantityMilliValue(high) / quantityMilliValue(low);
      if (quantityMilliValue(ratio) / 1000 > widest) errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`));
    }
    const [limit, request] = [amount("default", name), amount("defaultRequest", name)];
    if (!mayOvercommit(name) && limit !== undefined && request !== undefined && compareQuantities(limit, request) !== 0) {
      errors.push(invalid(`${path}.defaultRequest[${name}]`, request, `default value ${limit} must equal to defaultRequest value ${request} in ${name}`));
    }
  }
  return errors;
}

function validate({ spec }: LimitRange): readonly FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, item] of (spec?.limits ?? []).entries()) {
    const at = `spec.limits[${index}]`;
    addAll(errors, validateItem(item, at, seen.has(item.type)));
    seen.add(item.type);
  }
  return errors;
}
