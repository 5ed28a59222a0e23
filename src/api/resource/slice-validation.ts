import { forbidden, invalid, notSupported, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { labelValueErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, dnsSubdomain, immutable, invalidEach, labelName } from "../checks.ts";
import { goForm } from "../go-form.ts";
import { validateNodeSelector } from "../core/pod-spec/validation-scheduling.ts";
import type { CounterSet, Device, DeviceAttribute, DeviceTaint, ResourceSliceSpec } from "../generated/resource-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
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

function validateText(value: string, path: string): readonly FieldError[] {
  return utf8Length(value) > attributeBytesMax ? [tooLong(path, attributeBytesMax)] : [];
}
function validateVersion(value: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!semanticVersion.test(value)) errors.push(invalid(path, value, "must be a string compatible with semver.org spec 2.0.0"));
  addAll(errors, validateText(value, path));
  return errors;
}

function validateAttribute(attribute: DeviceAttribute, path: string): readonly FieldError[] {
  const { string, version, strings = [], versions = [] } = attribute;
  const errors: FieldError[] = [];
  if (string !== undefined) addAll(errors, validateText(string, `${path}.string`));
  if (version !== undefined) addAll(errors, validateVersion(version, `${path}.version`));
  for (const field of lists) if (attribute[field]?.length === 0) errors.push(invalid(`${path}.${field}`, [], "must not be empty if specified"));
  for (const [index, value] of strings.entries()) addAll(errors, validateText(value, `${path}.strings[${index}]`));
  for (const [index, value] of versions.entries()) addAll(errors, validateVersion(value, `${path}.versions[${index}]`));
  const given = Object.values(attribute).filter((value) => value !== undefined && value !== null).length;
  if (given !== 1) errors.push(invalid(path, given === 0 ? "" : goForm(attribute, "DeviceAttribute"), "exactly one value must be specified"));
  return errors;
}

function validateCounters(counters: CounterSet["counters"] = {}, path: string): readonly FieldError[] {
  const names = Object.keys(counters);
  const errors: FieldError[] = [];
  if (names.length === 0) errors.push(required(path));
  else if (names.length > countersMax) errors.push(tooMany(path, names.length, countersMax));
  else for (const name of names) addAll(errors, dnsLabel(path, name));
  return errors;
}
function validateNamedCounters(name: string | undefined, counters: CounterSet["counters"] | undefined, path: string, field: "name" | "counterSet"): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(name)) errors.push(required(`${path}.${field}`));
  else addAll(errors, dnsLabel(`${path}.${field}`, name));
  addAll(errors, validateCounters(counters, `${path}.counters`));
  return errors;
}

function validateTaint({ key = "", value = "", effect }: DeviceTaint, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelName(`${path}.key`, key));
  if (value !== "") addAll(errors, invalidEach(`${path}.value`, value, labelValueErrors(value)));
  if (absent(effect)) errors.push(required(`${path}.effect`));
  else if (!taintEffects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, taintEffects));
  return errors;
}

function validatePlace(device: Device, perDevice: boolean, path: string): readonly FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  const errors: FieldError[] = [];
  if (!perDevice) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined) errors.push(invalid(path, null, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"));
    return errors;
  }
  const given = [...(absent(nodeName) ? [] : ["`nodeName`"]), ...(nodeSelector ? ["`nodeSelector`"] : []), ...(allNodes === true ? ["`allNodes`"] : [])];
  if (nodeName === "") errors.push(invalid(`${path}.nodeName`, nodeName, "must not be empty"));
  else if (nodeName !== undefined) addAll(errors, dnsSubdomain(`${path}.nodeName`, nodeName));
  if (nodeSelector) addAll(errors, validateNodeSelector(nodeSelector, `${path}.nodeSelector`));
  if (allNodes === false) errors.push(invalid(`${path}.allNodes`, allNodes, "must be either unset or set to true"));
  const which = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (given.length === 0) errors.push(required(path, which));
  else if (given.length > 1) errors.push(invalid(path, `{${given.join(", ")}}`, which));
  return errors;
}

function validateDevice(device: Device, previous: Device | undefined, perDevice: boolean, path: string): readonly FieldError[] {
  const { attributes = {}, capacity = {}, taints = [] } = device;
  const errors: FieldError[] = [];
  addAll(errors, dnsLabel(`${path}.name`, device.name ?? ""));
  const count = Object.keys(attributes).length + Object.keys(capacity).length;
  if (count > attributesAndCapacitiesMax) errors.push(invalid(path, count, `the total number of attributes and capacities must not exceed ${attributesAndCapacitiesMax}`));
  const values = Object.values(attributes).reduce((sum, attribute) => sum + valuesOf(attribute), 0);
  if (values > attributeValuesMax) errors.push(invalid(path, values, `the total number of attribute values must not exceed ${attributeValuesMax}`));
  for (const [name, attribute] of Object.entries(attributes)) {
    addAll(errors, validateAttributeName(name, `${path}.attributes`));
    addAll(errors, validateAttribute(attribute, `${path}.attributes[${name}]`));
  }
  for (const [name, { requestPolicy }] of Object.entries(capacity)) {
    addAll(errors, validateAttributeName(name, `${path}.capacity`));
    if (requestPolicy && device.allowMultipleAllocations !== true) errors.push(forbidden(`${path}.capacity[${name}].requestPolicy`, "allowMultipleAllocations must be true"));
  }
  if (!previous || !semanticallyEqual(previous.taints, taints)) addAll(errors, validateSet(taints, taintsMax, `${path}.taints`, undefined, validateTaint));
  addAll(errors, validateSet(device.consumesCounters ?? [], consumptionsMax, `${path}.consumesCounters`, ({ counterSet }) => counterSet, ({ counterSet, counters }, at) => validateNamedCounters(counterSet, counters, at, "counterSet")));
  addAll(errors, validatePlace(device, perDevice, path));
  addAll(errors, validateBindingConditions(device.bindingConditions, device.bindingFailureConditions, path));
  return errors;
}

/** Which nodes can reach the devices: said in exactly one way. */
function validateNodes({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection: perDevice }: ResourceSliceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (nodeName === "") errors.push(invalid("spec.nodeName", nodeName, "must be either unset or set to a non-empty string"));
  else if (nodeName !== undefined) addAll(errors, dnsSubdomain("spec.nodeName", nodeName));
  if (nodeSelector) {
    addAll(errors, validateNodeSelector(nodeSelector, "spec.nodeSelector"));
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) errors.push(invalid("spec.nodeSelector.nodeSelectorTerms", terms.length === 0 ? null : goForm(terms, "[]NodeSelectorTerm"), "must have exactly one node selector term"));
  }
  if (allNodes === false) errors.push(invalid("spec.allNodes", allNodes, "must be either unset or set to true"));
  if (perDevice === false) errors.push(invalid("spec.perDeviceNodeSelection", perDevice, "must be either unset or set to true"));
  const given = [...(absent(nodeName) ? [] : ["`nodeName`"]), ...(nodeSelector ? ["`nodeSelector`"] : []), ...(allNodes === true ? ["`allNodes`"] : []), ...(perDevice === true ? ["`perDeviceNodeSelection`"] : [])];
  const which = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (given.length === 0) errors.push(required("spec", which));
  else if (given.length > 1) errors.push(invalid("spec", `{${given.join(", ")}}`, `${which}, but multiple fields are set`));
  return errors;
}

/** `previous` is absent on create. */
export function validateSlice(spec: ResourceSliceSpec, previous?: ResourceSliceSpec): readonly FieldError[] {
  const { driver, pool, devices, sharedCounters } = spec;
  const errors: FieldError[] = [];
  addAll(errors, validateDriverName(driver, "spec.driver"));
  addAll(errors, validatePoolName(pool.name, "spec.pool.name"));
  const { resourceSliceCount = 0, generation = 0 } = pool;
  if (resourceSliceCount <= 0) errors.push(invalid("spec.pool.resourceSliceCount", resourceSliceCount, "must be greater than zero"));
  if (generation < 0) errors.push(invalid("spec.pool.generation", generation, "must be greater than or equal to zero"));
  if (previous) {
    addAll(errors, immutable("spec.pool.name", pool.name ?? "", previous.pool.name ?? ""));
    addAll(errors, immutable("spec.driver", driver ?? "", previous.driver ?? ""));
    addAll(errors, immutable("spec.nodeName", spec.nodeName, previous.nodeName));
  }
  addAll(errors, validateNodes(spec));
  if (sharedCounters && devices) errors.push(invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"));
  const isRich = ({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean =>
    taints.length > 0 || consumesCounters.length > 0 || Object.values(attributes).some((attribute) => lists.some((field) => (attribute[field] ?? []).length > 0));
  const old = new Map((previous?.devices ?? []).map((device) => [device.name, device]));
  addAll(errors, validateSet(devices ?? [], (devices ?? []).some(isRich) ? richDevicesMax : devicesMax, "spec.devices", ({ name }) => name, (device, at) =>
    validateDevice(device, old.get(device.name), spec.perDeviceNodeSelection === true, at)));
  addAll(errors, validateSet(sharedCounters ?? [], counterSetsMax, "spec.sharedCounters", ({ name }) => name, ({ name, counters }, at) => validateNamedCounters(name, counters, at, "name")));
  return errors;
}
