import { duplicate, forbidden, invalid, notFound, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { compareQuantities, isQuantity, quantityMilliValue, quantityValue } from "../../../apimachinery/quantity.ts";
import type { PodSpec, ResourceClaim, ResourceRequirements } from "../../generated/core-v1.ts";
import { absent, dnsLabel, quantityAtLeastZero } from "../../checks.ts";
import { aggregateContainers, isPodLevelResource } from "../pod-resources.ts";
import { isCounted, isHugePages, mayOvercommit, validateContainerResourceName, validateResourceName } from "../resource-names.ts";

type NameCheck = (name: string, path: string) => Iterable<FieldError>;
const isAmount = (amount: string): boolean => isQuantity(`${amount}`);

/** An amount of one resource: not negative, and whole where half of one makes no sense. */
export function* validateAmount(name: string, amount: string, path: string): Generator<FieldError> {
  const problems = quantityAtLeastZero(path, amount);
  yield* problems;
  if (isAmount(amount) && isCounted(name) && quantityMilliValue(amount) % 1000 !== 0) yield invalid(path, amount, "must be an integer");
}

function* validateHugePages(name: string, amount: string, path: string): Generator<FieldError> {
  if (!isHugePages(name) || !isAmount(amount)) return;
  const size = name.slice("hugepages-".length);
  const divisible = isQuantity(size) && quantityValue(size) > 0 && quantityMilliValue(size) % 1000 === 0 && quantityValue(amount) % quantityValue(size) === 0;
  if (!divisible) yield invalid(path, amount, `${amount} is not positive integer multiple of ${name}`);
}

function* validateRequirements(requirements: ResourceRequirements, claimNames: ReadonlySet<string>, checkName: NameCheck, path: string): Generator<FieldError> {
  const { limits = {}, requests = {}, claims = [] } = requirements;
  for (const [name, amount] of Object.entries(limits)) {
    const at = `${path}.limits[${name}]`;
    yield* checkName(name, at);
    yield* validateAmount(name, amount, at);
    yield* validateHugePages(name, amount, at);
  }
  for (const [name, amount] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    yield* checkName(name, at);
    yield* validateAmount(name, amount, at);
    const limit = limits[name];
    if (limit === undefined) {
      if (!mayOvercommit(name)) yield required(`${path}.limits`, "Limit must be set for non overcommitable resources");
    } else if (isAmount(amount) && isAmount(limit)) {
      const order = compareQuantities(amount, limit);
      if (order !== 0 && !mayOvercommit(name)) yield invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`);
      else if (order > 0) yield invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`);
    }
    yield* validateHugePages(name, amount, at);
  }
  const all = [...Object.keys(limits), ...Object.keys(requests)];
  if (all.some(isHugePages) && !all.some((name) => name === "cpu" || name === "memory")) yield forbidden(path, "HugePages require cpu or memory");
  yield* validateClaims(claims, claimNames, `${path}.claims`);
}

function* validateClaims(claims: readonly ResourceClaim[], claimNames: ReadonlySet<string>, path: string): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { name, request }] of claims.entries()) {
    const at = `${path}[${index}]`;
    if (absent(name)) {
      yield required(at);
      continue;
    }
    if (seen.has(name)) {
      yield duplicate(at, name);
    } else {
      if (!absent(request)) yield* dnsLabel(`${at}.request`, request);
      const key = absent(request) ? name : `${name}/${request}`;
      if (seen.has(key)) yield duplicate(at, key);
      else if (absent(request) && [...seen].some((each) => each.startsWith(`${name}/`))) yield duplicate(at, name);
      seen.add(key);
    }
    if (!claimNames.has(name)) {
      const known = claimNames.size === 0 ? " which is empty" : `: ${[...claimNames].toSorted().join(", ")}`;
      const error = notFound(at, name);
      yield { ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${known}` };
    }
  }
}

export const validateContainerResources = (requirements: ResourceRequirements | undefined, claimNames: ReadonlySet<string>, path: string): Iterable<FieldError> =>
  requirements === undefined ? [] : validateRequirements(requirements, claimNames, validateContainerResourceName, path);

function* validatePodResourceName(name: string, path: string): Generator<FieldError> {
  const problems = [...validateResourceName(name, path)];
  yield* problems;
  if (problems.length === 0 && !isPodLevelResource(name)) yield notSupported(path, name, ["cpu", "hugepages-", "memory"]);
}

/** Resources of the pod as a whole, which must have room for those of its containers. */
export function* validatePodResources(spec: PodSpec, claimNames: ReadonlySet<string>, path: string): Generator<FieldError> {
  const { resources } = spec;
  if (resources === undefined || resources === null) return;
  const at = `${path}.resources`;
  if (spec.os?.name === "windows") return yield forbidden(at, "may not be set for a windows pod");
  if (resources.claims !== undefined) yield forbidden(`${at}.claims`, "claims may not be set for Resources at pod-level");
  yield* validateRequirements(resources, claimNames, validatePodResourceName, at);

  for (const [name, amount] of Object.entries(aggregateContainers(spec, "requests"))) {
    const whole = resources.requests?.[name];
    if (whole !== undefined && isAmount(whole) && compareQuantities(amount, whole) > 0) {
      yield invalid(`${at}.requests[${name}]`, whole, `must be greater than or equal to aggregate container requests of ${amount}`);
    }
  }
  for (const [name, amount] of Object.entries(aggregateContainers(spec, "limits"))) {
    const whole = resources.limits?.[name];
    if (isHugePages(name) && whole !== undefined && isAmount(whole) && compareQuantities(amount, whole) > 0) {
      yield invalid(`${at}.limits[${name}]`, whole, `must be greater than or equal to aggregate container limits of ${amount}`);
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = resources.limits?.[name];
      if (whole !== undefined && isAmount(limit) && isAmount(whole) && compareQuantities(limit, whole) > 0) {
        yield invalid(`${at}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${whole}`);
      }
    }
  }
}
