import { invalid, notSupported, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { labelValueErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, labelName } from "../checks.ts";
import type {
  DeviceClaimConfiguration, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, OpaqueDeviceConfiguration, ResourceClaimSpec,
} from "../generated/resource-v1.ts";
import { validateDriverName, validateQualifiedAttribute, validateSet } from "./device-names.ts";

const requestsMax = 32;
const constraintsMax = 32;
export const configurationsMax = 32;
const selectorsMax = 32;
const alternativesMax = 8;
const expressionBytesMax = 10 * 1024;
const parametersBytesMax = 10 * 1024;
export const taintEffects = ["NoExecute", "NoSchedule", "None"];

/** Names that a configuration or constraint may refer to: of requests, and "request/alternative". */
export type RequestNames = ReadonlySet<string>;
export const requestNamesOf = ({ devices }: ResourceClaimSpec): RequestNames =>
  new Set((devices?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((alternative) => `${name}/${alternative.name}`)]));

export function* validateRequestReference(name: string, names: RequestNames, path: string): Generator<FieldError> {
  const unknown = invalid(path, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
  const parts = name.split("/");
  if (parts.length > 2) return yield unknown;
  for (const part of parts) yield* dnsLabel(path, part);
  if (!names.has(name)) yield unknown;
}
export const validateRequestReferences = (references: readonly string[], names: RequestNames, path: string): Iterable<FieldError> =>
  validateSet(references, requestsMax, path, (name) => name, (name, at) => validateRequestReference(name, names, at));

/** Whether an expression compiles is not looked at here. */
export const validateSelectors = (selectors: readonly DeviceSelector[], path: string): Iterable<FieldError> =>
  validateSet(selectors, selectorsMax, path, undefined, ({ cel }, at) => {
    if (!cel) return [required(`${at}.cel`)];
    return utf8Length(cel.expression ?? "") > expressionBytesMax ? [tooLong(`${at}.cel.expression`, expressionBytesMax)] : [];
  });

/** Data that only a driver understands: a JSON object. */
export function* validateRaw(value: unknown, path: string): Generator<FieldError> {
  if (value === undefined || value === null) return yield required(path);
  if (utf8Length(JSON.stringify(value)) > parametersBytesMax) yield tooLong(path, parametersBytesMax);
  else if (typeof value !== "object" || Array.isArray(value)) yield invalid(path, "<value omitted>", "must be a valid JSON object");
}
export function* validateConfiguration({ opaque }: { readonly opaque?: OpaqueDeviceConfiguration }, path: string): Generator<FieldError> {
  if (!opaque) return yield required(`${path}.opaque`);
  yield* validateDriverName(opaque.driver, `${path}.opaque.driver`);
  yield* validateRaw(opaque.parameters, `${path}.opaque.parameters`);
}

function* validateToleration({ key = "", operator = "", value = "", effect = "" }: DeviceToleration, path: string): Generator<FieldError> {
  if (key !== "") yield* labelName(`${path}.key`, key);
  if (operator === "Exists") {
    if (value !== "") yield invalid(`${path}.value`, value, "must be empty for operator `Exists`");
  } else if (operator === "Equal") {
    yield* invalidEach(`${path}.value`, value, labelValueErrors(value));
  } else if (operator === "") {
    yield required(`${path}.operator`);
  } else {
    yield notSupported(`${path}.operator`, operator, ["Equal", "Exists"]);
  }
  if (effect !== "" && !taintEffects.includes(effect)) yield notSupported(`${path}.effect`, effect, taintEffects);
}

function* validateAmount(request: ExactDeviceRequest | DeviceSubRequest, path: string): Generator<FieldError> {
  const { deviceClassName, selectors = [], allocationMode = "", count = 0, tolerations = [] } = request;
  if (absent(deviceClassName)) yield required(`${path}.deviceClassName`);
  else yield* dnsSubdomain(`${path}.deviceClassName`, deviceClassName);
  yield* validateSelectors(selectors, `${path}.selectors`);
  if (allocationMode === "All") {
    if (count !== 0) yield invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === "ExactCount") {
    if (count <= 0) yield invalid(`${path}.count`, count, "must be greater than zero");
  } else {
    yield notSupported(`${path}.allocationMode`, allocationMode, ["All", "ExactCount"]);
  }
  for (const [index, toleration] of tolerations.entries()) yield* validateToleration(toleration, `${path}.tolerations[${index}]`);
}

function* validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): Generator<FieldError> {
  yield* dnsLabel(`${path}.name`, name ?? "");
  const which = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0) return yield invalid(path, null, `${which}, but multiple fields are set`);
  if (exactly) return yield* validateAmount(exactly, `${path}.exactly`);
  if (firstAvailable.length === 0) return yield required(path, which);
  yield* validateSet(firstAvailable, alternativesMax, `${path}.firstAvailable`, (alternative) => alternative.name, function* one(alternative, at) {
    yield* dnsLabel(`${at}.name`, alternative.name ?? "");
    yield* validateAmount(alternative, at);
  });
}

function* validateConstraint({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, names: RequestNames, path: string): Generator<FieldError> {
  yield* validateRequestReferences(requests, names, `${path}.requests`);
  if (matchAttribute !== undefined) yield* validateQualifiedAttribute(matchAttribute, `${path}.matchAttribute`);
  else if (distinctAttribute !== undefined) yield* validateQualifiedAttribute(distinctAttribute, `${path}.distinctAttribute`);
  else yield required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set');
}

function* validateClaimConfiguration(configuration: DeviceClaimConfiguration, names: RequestNames, path: string): Generator<FieldError> {
  yield* validateRequestReferences(configuration.requests ?? [], names, `${path}.requests`);
  yield* validateConfiguration(configuration, path);
}

/** What devices are asked for, in a claim or in the template of one. */
export function* validateClaimSpec(spec: ResourceClaimSpec, path: string): Generator<FieldError> {
  const { requests: asked, constraints = [], config = [] } = spec.devices ?? {};
  const requests = asked ?? [];
  const names = requestNamesOf(spec);
  const at = `${path}.devices`;
  yield* validateSet(requests, requestsMax, `${at}.requests`, ({ name }) => name, validateRequest);
  yield* validateSet(constraints, constraintsMax, `${at}.constraints`, undefined, (constraint, each) => validateConstraint(constraint, names, each));
  yield* validateSet(config, configurationsMax, `${at}.config`, undefined, (configuration, each) => validateClaimConfiguration(configuration, names, each));
}
