import { forbidden, invalid, notSupported, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { labelValueErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, dnsSubdomain, immutable, invalidEach, labelName } from "../checks.ts";
import { goForm, nodeSelectorTermFields } from "../go-form.ts";
import { validateNodeSelector } from "../core/pod-spec/validation-scheduling.ts";
import type { CounterSet, Device, DeviceAttribute, DeviceTaint, ResourceSliceSpec } from "../generated/resource-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { taintEffects } from "./claim-validation.ts";
import { validateAttributeName, validateBindingConditions, validateDriverName, validatePoolName, validateSet } from "./device-names.ts";

const devicesMax = 128;
/** Devices with taints, counters or lists of attributes are larger. */
const richDevicesMax = 64;
const counterSetsMax = 8;
const countersMax = 32;
const consumptionsMax = 2;
const attributesAndCapacitiesMax = 32;
const attributeValuesMax = 48;
const attributeBytesMax = 64;
const taintsMax = 16;
const semanticVersion = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

const lists = ["bools", "ints", "strings", "versions"] as const;
const valuesOf = (attribute: DeviceAttribute): number => lists.reduce((sum, field) => sum + (attribute[field]?.length ?? 0), 0) || 1;

function* validateText(value: string, path: string): Generator<FieldError> {
  if (utf8Length(value) > attributeBytesMax) yield tooLong(path, attributeBytesMax);
}
function* validateVersion(value: string, path: string): Generator<FieldError> {
  if (!semanticVersion.test(value)) yield invalid(path, value, "must be a string compatible with semver.org spec 2.0.0");
  yield* validateText(value, path);
}

function* validateAttribute(attribute: DeviceAttribute, path: string): Generator<FieldError> {
  const { string, version, strings = [], versions = [] } = attribute;
  if (string !== undefined) yield* validateText(string, `${path}.string`);
  if (version !== undefined) yield* validateVersion(version, `${path}.version`);
  for (const field of lists) if (attribute[field]?.length === 0) yield invalid(`${path}.${field}`, [], "must not be empty if specified");
  for (const [index, value] of strings.entries()) yield* validateText(value, `${path}.strings[${index}]`);
  for (const [index, value] of versions.entries()) yield* validateVersion(value, `${path}.versions[${index}]`);
  const given = Object.values(attribute).filter((value) => value !== undefined && value !== null).length;
  if (given !== 1) yield invalid(path, given === 0 ? "" : attribute, "exactly one value must be specified");
}

function* validateCounters(counters: CounterSet["counters"] = {}, path: string): Generator<FieldError> {
  const names = Object.keys(counters);
  if (names.length === 0) yield required(path);
  else if (names.length > countersMax) yield tooMany(path, names.length, countersMax);
  else for (const name of names) yield* dnsLabel(path, name);
}
function* validateNamedCounters(name: string | undefined, counters: CounterSet["counters"] | undefined, path: string, field: "name" | "counterSet"): Generator<FieldError> {
  if (absent(name)) yield required(`${path}.${field}`);
  else yield* dnsLabel(`${path}.${field}`, name);
  yield* validateCounters(counters, `${path}.counters`);
}

function* validateTaint({ key = "", value = "", effect }: DeviceTaint, path: string): Generator<FieldError> {
  yield* labelName(`${path}.key`, key);
  if (value !== "") yield* invalidEach(`${path}.value`, value, labelValueErrors(value));
  if (absent(effect)) yield required(`${path}.effect`);
  else if (!taintEffects.includes(effect)) yield notSupported(`${path}.effect`, effect, taintEffects);
}

function* validatePlace(device: Device, perDevice: boolean, path: string): Generator<FieldError> {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!perDevice) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined) yield invalid(path, null, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec");
    return;
  }
  const given = [...(absent(nodeName) ? [] : ["`nodeName`"]), ...(nodeSelector ? ["`nodeSelector`"] : []), ...(allNodes === true ? ["`allNodes`"] : [])];
  if (nodeName === "") yield invalid(`${path}.nodeName`, nodeName, "must not be empty");
  else if (nodeName !== undefined) yield* dnsSubdomain(`${path}.nodeName`, nodeName);
  if (nodeSelector) yield* validateNodeSelector(nodeSelector, `${path}.nodeSelector`);
  if (allNodes === false) yield invalid(`${path}.allNodes`, allNodes, "must be either unset or set to true");
  const which = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (given.length === 0) yield required(path, which);
  else if (given.length > 1) yield invalid(path, `{${given.join(", ")}}`, which);
}

function* validateDevice(device: Device, previous: Device | undefined, perDevice: boolean, path: string): Generator<FieldError> {
  const { attributes = {}, capacity = {}, taints = [] } = device;
  yield* dnsLabel(`${path}.name`, device.name ?? "");
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > attributesAndCapacitiesMax) yield invalid(path, count, `the total number of attributes and capacities must not exceed ${attributesAndCapacitiesMax}`);
  const values = Object.values(attributes).reduce((sum, attribute) => sum + valuesOf(attribute), 0);
  if (values > attributeValuesMax) yield invalid(path, values, `the total number of attribute values must not exceed ${attributeValuesMax}`);
  for (const [name, attribute] of Object.entries(attributes)) {
    yield* validateAttributeName(name, `${path}.attributes`);
    yield* validateAttribute(attribute, `${path}.attributes[${name}]`);
  }
  for (const [name, { requestPolicy }] of Object.entries(capacity)) {
    yield* validateAttributeName(name, `${path}.capacity`);
    if (requestPolicy && device.allowMultipleAllocations !== true) yield forbidden(`${path}.capacity[${name}].requestPolicy`, "allowMultipleAllocations must be true");
  }
  if (!previous || !semanticallyEqual(previous.taints, taints)) yield* validateSet(taints, taintsMax, `${path}.taints`, undefined, validateTaint);
  yield* validateSet(device.consumesCounters ?? [], consumptionsMax, `${path}.consumesCounters`, ({ counterSet }) => counterSet, ({ counterSet, counters }, at) => validateNamedCounters(counterSet, counters, at, "counterSet"));
  yield* validatePlace(device, perDevice, path);
  yield* validateBindingConditions(device.bindingConditions, device.bindingFailureConditions, path);
}

/** Which nodes can reach the devices: said in exactly one way. */
function* validateNodes({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection: perDevice }: ResourceSliceSpec): Generator<FieldError> {
  if (nodeName === "") yield invalid("spec.nodeName", nodeName, "must be either unset or set to a non-empty string");
  else if (nodeName !== undefined) yield* dnsSubdomain("spec.nodeName", nodeName);
  if (nodeSelector) {
    yield* validateNodeSelector(nodeSelector, "spec.nodeSelector");
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) yield invalid("spec.nodeSelector.nodeSelectorTerms", terms.length === 0 ? null : goForm(terms, nodeSelectorTermFields), "must have exactly one node selector term");
  }
  if (allNodes === false) yield invalid("spec.allNodes", allNodes, "must be either unset or set to true");
  if (perDevice === false) yield invalid("spec.perDeviceNodeSelection", perDevice, "must be either unset or set to true");
  const given = [...(absent(nodeName) ? [] : ["`nodeName`"]), ...(nodeSelector ? ["`nodeSelector`"] : []), ...(allNodes === true ? ["`allNodes`"] : []), ...(perDevice === true ? ["`perDeviceNodeSelection`"] : [])];
  const which = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (given.length === 0) yield required("spec", which);
  else if (given.length > 1) yield invalid("spec", `{${given.join(", ")}}`, `${which}, but multiple fields are set`);
}

/** `previous` is absent on create. */
export function* validateSlice(spec: ResourceSliceSpec, previous?: ResourceSliceSpec): Generator<FieldError> {
  const { driver, pool, devices, sharedCounters } = spec;
  yield* validateDriverName(driver, "spec.driver");
  yield* validatePoolName(pool.name, "spec.pool.name");
  const { resourceSliceCount = 0, generation = 0 } = pool;
  if (resourceSliceCount <= 0) yield invalid("spec.pool.resourceSliceCount", resourceSliceCount, "must be greater than zero");
  if (generation < 0) yield invalid("spec.pool.generation", generation, "must be greater than or equal to zero");
  if (previous) {
    yield* immutable("spec.pool.name", pool.name ?? "", previous.pool.name ?? "");
    yield* immutable("spec.driver", driver ?? "", previous.driver ?? "");
    yield* immutable("spec.nodeName", spec.nodeName, previous.nodeName);
  }
  yield* validateNodes(spec);
  if (sharedCounters && devices) yield invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed");
  const isRich = ({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean =>
    taints.length > 0 || consumesCounters.length > 0 || Object.values(attributes).some((attribute) => lists.some((field) => (attribute[field] ?? []).length > 0));
  const old = new Map((previous?.devices ?? []).map((device) => [device.name, device]));
  yield* validateSet(devices ?? [], (devices ?? []).some(isRich) ? richDevicesMax : devicesMax, "spec.devices", ({ name }) => name, (device, at) =>
    validateDevice(device, old.get(device.name), spec.perDeviceNodeSelection === true, at));
  yield* validateSet(sharedCounters ?? [], counterSetsMax, "spec.sharedCounters", ({ name }) => name, ({ name, counters }, at) => validateNamedCounters(name, counters, at, "name"));
}
