import { duplicate, forbidden, invalid, notFound, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityMilliValue, quantityValue } from "../../../apimachinery/quantity.ts";
import type { PodSpec, ResourceClaim, ResourceRequirements } from "../../generated/core-v1.ts";
import { absent, dnsLabel, quantityAtLeastZero } from "../../checks.ts";
import { aggregateContainers, isPodLevelResource } from "../pod-resources.ts";
import { isCounted, isHugePages, mayOvercommit, validateContainerResourceName, validateResourceName } from "../resource-names.ts";
import { addAll } from "../../../stdx/add-all.ts";

type NameCheck = (name: string, path: string) => Iterable<FieldError>;
const isAmount = (amount: string): boolean => isQuantity(`${amount}`);

/** An amount of one resource: not negative, and whole where half of one makes no sense. */
export function validateAmount(name: string, amount: string, path: string): readonly FieldError[] {
  const problems = quantityAtLeastZero(path, amount);
  const errors: FieldError[] = [];
  addAll(errors, problems);
  if (isAmount(amount) && isCounted(name) && quantityMilliValue(amount) % 1000 !== 0) errors.push(invalid(path, amount, "must be an integer"));
  return errors;
}

function validateHugePages(name: string, amount: string, path: string): readonly FieldError[] {
  if (!isHugePages(name) || !isAmount(amount)) return [];
  const size = name.slice("hugepages-".length);
  const divisible = isQuantity(size) && quantityValue(size) > 0 && quantityMilliValue(size) % 1000 === 0 && quantityValue(amount) % quantityValue(size) === 0;
  return !divisible ? [invalid(path, amount, `${amount} is not positive integer multiple of ${name}`)] : [];
}

function validateRequirements(requirements: ResourceRequirements, claimNames: ReadonlySet<string>, checkName: NameCheck, path: string): readonly FieldError[] {
  const { limits = {}, requests = {}, claims = [] } = requirements;
  const errors: FieldError[] = [];
  for (const [name, amount] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    addAll(errors, checkName(name, at));
    addAll(errors, validateAmount(name, amount, at));
    addAll(errors, validateHugePages(name, amount, at));
  }
  for (const [name, amount] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    addAll(errors, checkName(name, at));
    addAll(errors, validateAmount(name, amount, at));
    const limit = limits[name];
    if (limit === undefined) {
      if (!mayOvercommit(name)) errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    } else if (isAmount(amount) && isAmount(limit)) {
      const order = compareQuantities(amount, limit);
      if (order !== 0 && !mayOvercommit(name)) errors.push(invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`));
      else if (order > 0) errors.push(invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`));
    }
    addAll(errors, validateHugePages(name, amount, at));
  }
  const all = [...Object.keys(limits), ...Object.keys(requests)];
  if (all.some(isHugePages) && !all.some((name) => name === "cpu" || name === "memory")) errors.push(forbidden(path, "HugePages require cpu or memory"));
  addAll(errors, validateClaims(claims, claimNames, `${path}.claims`));
  return errors;
}

function validateClaims(claims: readonly ResourceClaim[], claimNames: ReadonlySet<string>, path: string): readonly FieldError[] {
  if (claims.length === 0) return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name, request }] of claims.entries()) {
    const at = `${path}[${index}]`;
    if (absent(name)) {
      errors.push(required(at));
      continue;
    }
    if (seen.has(name)) {
      errors.push(duplicate(at, name));
    } else {
      if (!absent(request)) addAll(errors, dnsLabel(`${at}.request`, request));
      const key = absent(request) ? name : `${name}/${request}`;
      if (seen.has(key)) errors.push(duplicate(at, key));
      else if (absent(request) && [...seen].some((each) => each.startsWith(`${name}/`))) errors.push(duplicate(at, name));
      seen.add(key);
    }
    if (!claimNames.has(name)) {
      const known = claimNames.size === 0 ? " which is empty" : `: ${[...claimNames].toSorted().join(", ")}`;
      const error = notFound(at, name);
      errors.push({ ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${known}` });
    }
  }
  return errors;
}

export const validateContainerResources = (requirements: ResourceRequirements | undefined, claimNames: ReadonlySet<string>, path: string): Iterable<FieldError> =>
  requirements === undefined ? [] : validateRequirements(requirements, claimNames, validateContainerResourceName, path);

function validatePodResourceName(name: string, path: string): readonly FieldError[] {
  const problems = [...validateResourceName(name, path)];
  const errors: FieldError[] = [];
  addAll(errors, problems);
  if (problems.length === 0 && !isPodLevelResource(name)) errors.push(notSupported(path, name, ["cpu", "hugepages-", "memory"]));
  return errors;
}

/** Resources of the pod as a whole, which must have room for those of its containers. */
export function validatePodResources(spec: PodSpec, claimNames: ReadonlySet<string>, path: string): readonly FieldError[] {
  const { resources } = spec;
  if (resources === undefined || resources === null) return [];
  const at = `${path}.resources`;
  if (spec.os?.name === "windows") return [forbidden(at, "may not be set for a windows pod")];
  const errors: FieldError[] = [];
  if (resources.claims !== undefined) errors.push(forbidden(`${at}.claims`, "claims may not be set for Resources at pod-level"));
  addAll(errors, validateRequirements(resources, claimNames, validatePodResourceName, at));

  for (const [name, amount] of Object.entries(aggregateContainers(spec, "requests"))) {
    const whole = resources.requests?.[name];
    if (whole !== undefined && isAmount(whole) && compareQuantities(amount, whole) > 0) {
      errors.push(invalid(`${at}.requests[${name}]`, whole, `must be greater than or equal to aggregate container requests of ${amount}`));
    }
  }
  for (const [name, amount] of Object.entries(aggregateContainers(spec, "limits"))) {
    const whole = resources.limits?.[name];
    if (isHugePages(name) && whole !== undefined && isAmount(whole) && compareQuantities(amount, whole) > 0) {
      errors.push(invalid(`${at}.limits[${name}]`, whole, `must be greater than or equal to aggregate container limits of ${amount}`));
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = resources.limits?.[name];
      if (whole !== undefined && isAmount(limit) && isAmount(whole) && compareQuantities(limit, whole) > 0) {
        errors.push(invalid(`${at}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${whole}`));
      }
    }
  }
  return errors;
}
