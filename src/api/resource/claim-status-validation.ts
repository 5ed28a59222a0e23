import { forbidden, invalid, notSupported, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { interfaceAddressErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, immutable } from "../checks.ts";
import { validateConditions } from "../condition-validation.ts";
import { validateNodeSelector } from "../core/pod-spec/validation-scheduling.ts";
import type { AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, ResourceClaim, ResourceClaimConsumerReference } from "../generated/resource-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";
import { configurationsMax, requestNamesOf, validateConfiguration, validateRaw, validateRequestReference, validateRequestReferences, type RequestNames } from "./claim-validation.ts";
import { validateBindingConditions, validateDriverName, validatePoolName, validateSet } from "./device-names.ts";

const consumersMax = 256;
const resultsMax = 32;
const conditionsMax = 8;
const addressesMax = 16;
const interfaceNameBytesMax = 256;
const hardwareAddressBytesMax = 128;
const anyCaseUidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const idOf = ({ driver, pool, device, shareID }: { readonly driver: string; readonly pool: string; readonly device: string; readonly shareID?: string }): string =>
  `${driver}/${pool}/${device}${shareID === undefined ? "" : `/${shareID}`}`;

/** What upstream's parser says of a text that is no UUID in any of the forms it reads. */
function uuidProblem(id: string): string | undefined {
  const prefix = id.slice(0, 9);
  if (id.length === 45 && prefix.toLowerCase() !== "urn:uuid:") return `invalid urn prefix: ${JSON.stringify(prefix)}`;
  if (![32, 36, 38, 45].includes(id.length)) return `invalid UUID length: ${id.length}`;
  if (id.length === 38 && !(id.startsWith("{") && id.endsWith("}"))) return "invalid bracketed UUID format";
  const digits = id.length === 45 ? id.slice(9) : id.length === 38 ? id.slice(1, -1) : id;
  return (id.length === 32 ? /^[0-9a-f]{32}$/i : anyCaseUidPattern).test(digits) ? undefined : "invalid UUID format";
}

function validateShare(id: string | undefined, path: string): readonly FieldError[] {
  const problem = id === undefined ? undefined : uuidProblem(id);
  if (problem !== undefined) return [invalid(path, id, `error validating uid: ${problem}`)];
  return id !== undefined && !uidPattern.test(id) ? [invalid(path, id, "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters")] : [];
}

function validateConsumer(consumer: ResourceClaimConsumerReference, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["resource", "name", "uid"] as const) if (absent(consumer[field])) errors.push(required(`${path}.${field}`));
  return errors;
}

function validateDevice(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateDriverName(device.driver, `${path}.driver`));
  addAll(errors, validatePoolName(device.pool, `${path}.pool`));
  addAll(errors, dnsLabel(`${path}.device`, device.device ?? ""));
  addAll(errors, validateShare(device.shareID, `${path}.shareID`));
  if (!allocated.has(idOf(device))) errors.push(invalid(path, { Driver: device.driver ?? "", Pool: device.pool ?? "", Device: device.device ?? "", ShareID: device.shareID ?? "" }, "must be an allocated device in the claim"));
  const { conditions = [], data, networkData } = device;
  if (conditions.length > conditionsMax) errors.push(tooMany(`${path}.conditions`, conditions.length, conditionsMax));
  addAll(errors, validateConditions(conditions, `${path}.conditions`));
  if (data !== undefined) addAll(errors, validateRaw(data, `${path}.data`));
  if (!networkData) return errors;
  const at = `${path}.networkData`;
  if (utf8Length(networkData.interfaceName ?? "") > interfaceNameBytesMax) errors.push(tooLong(`${at}.interfaceName`, interfaceNameBytesMax));
  if (utf8Length(networkData.hardwareAddress ?? "") > hardwareAddressBytesMax) errors.push(tooLong(`${at}.hardwareAddress`, hardwareAddressBytesMax));
  addAll(errors, validateSet(networkData.ips ?? [], addressesMax, `${at}.ips`, (ip) => ip, (ip, path) => interfaceAddressErrors(path, ip)));
  return errors;
}

function validateResult(result: DeviceRequestAllocationResult, names: RequestNames, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateRequestReference(result.request ?? "", names, `${path}.request`));
  addAll(errors, validateDriverName(result.driver, `${path}.driver`));
  addAll(errors, validatePoolName(result.pool, `${path}.pool`));
  addAll(errors, dnsLabel(`${path}.device`, result.device ?? ""));
  addAll(errors, validateBindingConditions(result.bindingConditions, result.bindingFailureConditions, path));
  addAll(errors, validateShare(result.shareID, `${path}.shareID`));
  return errors;
}

function validateSourcedConfiguration(configuration: DeviceAllocationConfiguration, names: RequestNames, path: string): readonly FieldError[] {
  const { source, requests = [] } = configuration;
  const errors: FieldError[] = [];
  if (absent(source)) errors.push(required(`${path}.source`));
  else if (source !== "FromClaim" && source !== "FromClass") errors.push(notSupported(`${path}.source`, source, ["FromClaim", "FromClass"]));
  addAll(errors, validateRequestReferences(requests, names, `${path}.requests`));
  addAll(errors, validateConfiguration(configuration, path));
  return errors;
}

function validateAllocation({ devices, nodeSelector }: AllocationResult, names: RequestNames, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateSet(devices?.results ?? [], resultsMax, `${path}.devices.results`, undefined, (result, at) => validateResult(result, names, at)));
  addAll(errors, validateSet(devices?.config ?? [], 2 * configurationsMax, `${path}.devices.config`, undefined, (configuration, at) => validateSourcedConfiguration(configuration, names, at)));
  if (nodeSelector) addAll(errors, validateNodeSelector(nodeSelector, `${path}.nodeSelector`));
  return errors;
}

export function validateClaimStatus(next: ResourceClaim, previous: ResourceClaim): readonly FieldError[] {
  const { allocation, devices = [], reservedFor = [] } = next.status ?? {};
  const before = previous.status ?? {};
  const errors: FieldError[] = [];
  addAll(errors, validateSet(reservedFor, consumersMax, "status.reservedFor", ({ uid }) => uid, validateConsumer));
  const allocated = new Set((allocation?.devices?.results ?? []).map(idOf));
  addAll(errors, validateSet(devices, Number.POSITIVE_INFINITY, "status.devices", idOf, (device, at) => validateDevice(device, allocated, at)));
  if (reservedFor.length > 0) {
    const added = reservedFor.some((consumer) => !(before.reservedFor ?? []).some((known) => semanticallyEqual(known, consumer)));
    if (!allocation) errors.push(forbidden("status.reservedFor", "may not be specified when `allocated` is not set"));
    else if (next.metadata.deletionTimestamp !== undefined && added) errors.push(forbidden("status.reservedFor", "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"));
  }
  if (before.allocation && allocation) addAll(errors, immutable("status.allocation", allocation, before.allocation, "AllocationResult"));
  else if (allocation) addAll(errors, validateAllocation(allocation, requestNamesOf(next.spec), "status.allocation"));
  return errors;
}
