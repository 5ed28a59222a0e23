import { invalid, notSupported, required, tooLong, type FieldError } from "../../apimachinery/field-error.ts";
import { labelValueErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, dnsSubdomain, invalidEach, labelName } from "../checks.ts";
import type {
  DeviceClaimConfiguration, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, OpaqueDeviceConfiguration, ResourceClaimSpec,
} from "../generated/resource-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
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

export function validateRequestReference(name: string, names: RequestNames, path: string): readonly FieldError[] {
  const unknown = invalid(path, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
  const parts = name.split("/");
  if (parts.length > 2) return [unknown];
  const errors: FieldError[] = [];
  for (const part of parts) addAll(errors, dnsLabel(path, part));
  if (!names.has(name)) errors.push(unknown);
  return errors;
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
export function validateRaw(value: unknown, path: string): readonly FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  const errors: FieldError[] = [];
  if (utf8Length(JSON.stringify(value)) > parametersBytesMax) errors.push(tooLong(path, parametersBytesMax));
  else if (typeof value !== "object" || Array.isArray(value)) errors.push(invalid(path, "<value omitted>", "must be a valid JSON object"));
  return errors;
}
export function validateConfiguration({ opaque }: { readonly opaque?: OpaqueDeviceConfiguration }, path: string): readonly FieldError[] {
  if (!opaque) return [required(`${path}.opaque`)];
  const errors: FieldError[] = [];
  addAll(errors, validateDriverName(opaque.driver, `${path}.opaque.driver`));
  addAll(errors, validateRaw(opaque.parameters, `${path}.opaque.parameters`));
  return errors;
}

function validateToleration({ key = "", operator = "", value = "", effect = "" }: DeviceToleration, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (key !== "") addAll(errors, labelName(`${path}.key`, key));
  if (operator === "Exists") {
    if (value !== "") errors.push(invalid(`${path}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal") {
    addAll(errors, invalidEach(`${path}.value`, value, labelValueErrors(value)));
  } else if (operator === "") {
    errors.push(required(`${path}.operator`));
  } else {
    errors.push(notSupported(`${path}.operator`, operator, ["Equal", "Exists"]));
  }
  if (effect !== "" && !taintEffects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, taintEffects));
  return errors;
}

function validateAmount(request: ExactDeviceRequest | DeviceSubRequest, path: string): readonly FieldError[] {
  const { deviceClassName, selectors = [], allocationMode = "", count = 0, tolerations = [] } = request;
  const errors: FieldError[] = [];
  if (absent(deviceClassName)) errors.push(required(`${path}.deviceClassName`));
  else addAll(errors, dnsSubdomain(`${path}.deviceClassName`, deviceClassName));
  addAll(errors, validateSelectors(selectors, `${path}.selectors`));
  if (allocationMode === "All") {
    if (count !== 0) errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"));
  } else if (allocationMode === "ExactCount") {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, "must be greater than zero"));
  } else {
    errors.push(notSupported(`${path}.allocationMode`, allocationMode, ["All", "ExactCount"]));
  }
  for (const [index, toleration] of tolerations.entries()) addAll(errors, validateToleration(toleration, `${path}.tolerations[${index}]`));
  return errors;
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, dnsLabel(`${path}.name`, name ?? ""));
  const which = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0) return [...errors, invalid(path, null, `${which}, but multiple fields are set`)];
  if (exactly) return [...errors, ...validateAmount(exactly, `${path}.exactly`)];
  if (firstAvailable.length === 0) return [...errors, required(path, which)];
  addAll(errors, validateSet(firstAvailable, alternativesMax, `${path}.firstAvailable`, (alternative) => alternative.name, (alternative, at) => {
    const errors: FieldError[] = [];
    addAll(errors, dnsLabel(`${at}.name`, alternative.name ?? ""));
    addAll(errors, validateAmount(alternative, at));
    return errors;
  }));
  return errors;
}

function validateConstraint({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint, names: RequestNames, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateRequestReferences(requests, names, `${path}.requests`));
  if (matchAttribute !== undefined) addAll(errors, validateQualifiedAttribute(matchAttribute, `${path}.matchAttribute`));
  else if (distinctAttribute !== undefined) addAll(errors, validateQualifiedAttribute(distinctAttribute, `${path}.distinctAttribute`));
  else errors.push(required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'));
  return errors;
}

function validateClaimConfiguration(configuration: DeviceClaimConfiguration, names: RequestNames, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateRequestReferences(configuration.requests ?? [], names, `${path}.requests`));
  addAll(errors, validateConfiguration(configuration, path));
  return errors;
}

/** What devices are asked for, in a claim or in the template of one. */
export function validateClaimSpec(spec: ResourceClaimSpec, path: string): readonly FieldError[] {
  const { requests: asked, constraints = [], config = [] } = spec.devices ?? {};
  const requests = asked ?? [];
  const names = requestNamesOf(spec);
  const at = `${path}.devices`;
  const errors: FieldError[] = [];
  addAll(errors, validateSet(requests, requestsMax, `${at}.requests`, ({ name }) => name, validateRequest));
  addAll(errors, validateSet(constraints, constraintsMax, `${at}.constraints`, undefined, (constraint, each) => validateConstraint(constraint, names, each)));
  addAll(errors, validateSet(config, configurationsMax, `${at}.config`, undefined, (configuration, each) => validateClaimConfiguration(configuration, names, each)));
  return errors;
}
