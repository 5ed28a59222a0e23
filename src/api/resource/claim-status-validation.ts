import { forbidden, invalid, notSupported, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsLabel, immutable } from "../checks.ts";
import { validateConditions } from "../condition-validation.ts";
import { validateNodeSelector } from "../core/pod-spec/validation-scheduling.ts";
import type { AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, ResourceClaim, ResourceClaimConsumerReference } from "../generated/resource-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { configurationsMax, requestNamesOf, validateConfiguration, validateRaw, validateRequestReference, validateRequestReferences, type RequestNames } from "./claim-validation.ts";
import { validateBindingConditions, validateDriverName, validatePoolName, validateSet } from "./device-names.ts";

const consumersMax = 256;
const resultsMax = 32;
const conditionsMax = 8;
const addressesMax = 16;
const interfaceNameBytesMax = 256;
const hardwareAddressBytesMax = 128;
const uidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const idOf = ({ driver, pool, device, shareID }: { readonly driver: string; readonly pool: string; readonly device: string; readonly shareID?: string }): string =>
  `${driver}/${pool}/${device}${shareID === undefined ? "" : `/${shareID}`}`;

function* validateShare(id: string | undefined, path: string): Generator<FieldError> {
  if (id !== undefined && !uidPattern.test(id)) yield invalid(path, id, "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters");
}

function* validateConsumer(consumer: ResourceClaimConsumerReference, path: string): Generator<FieldError> {
  for (const field of ["resource", "name", "uid"] as const) if (absent(consumer[field])) yield required(`${path}.${field}`);
}

function* validateDevice(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: string): Generator<FieldError> {
  yield* validateDriverName(device.driver, `${path}.driver`);
  yield* validatePoolName(device.pool, `${path}.pool`);
  yield* dnsLabel(`${path}.device`, device.device ?? "");
  yield* validateShare(device.shareID, `${path}.shareID`);
  if (!allocated.has(idOf(device))) yield invalid(path, { Driver: device.driver ?? "", Pool: device.pool ?? "", Device: device.device ?? "", ShareID: device.shareID ?? "" }, "must be an allocated device in the claim");
  const { conditions = [], data, networkData } = device;
  if (conditions.length > conditionsMax) yield tooMany(`${path}.conditions`, conditions.length, conditionsMax);
  yield* validateConditions(conditions, `${path}.conditions`);
  if (data !== undefined) yield* validateRaw(data, `${path}.data`);
  if (!networkData) return;
  const at = `${path}.networkData`;
  if (utf8Length(networkData.interfaceName ?? "") > interfaceNameBytesMax) yield tooLong(`${at}.interfaceName`, interfaceNameBytesMax);
  if (utf8Length(networkData.hardwareAddress ?? "") > hardwareAddressBytesMax) yield tooLong(`${at}.hardwareAddress`, hardwareAddressBytesMax);
  yield* validateSet(networkData.ips ?? [], addressesMax, `${at}.ips`, (ip) => ip, () => []);
}

function* validateResult(result: DeviceRequestAllocationResult, names: RequestNames, path: string): Generator<FieldError> {
  yield* validateRequestReference(result.request ?? "", names, `${path}.request`);
  yield* validateDriverName(result.driver, `${path}.driver`);
  yield* validatePoolName(result.pool, `${path}.pool`);
  yield* dnsLabel(`${path}.device`, result.device ?? "");
  yield* validateBindingConditions(result.bindingConditions, result.bindingFailureConditions, path);
  yield* validateShare(result.shareID, `${path}.shareID`);
}

function* validateSourcedConfiguration(configuration: DeviceAllocationConfiguration, names: RequestNames, path: string): Generator<FieldError> {
  const { source, requests = [] } = configuration;
  if (absent(source)) yield required(`${path}.source`);
  else if (source !== "FromClaim" && source !== "FromClass") yield notSupported(`${path}.source`, source, ["FromClaim", "FromClass"]);
  yield* validateRequestReferences(requests, names, `${path}.requests`);
  yield* validateConfiguration(configuration, path);
}

function* validateAllocation({ devices, nodeSelector }: AllocationResult, names: RequestNames, path: string): Generator<FieldError> {
  yield* validateSet(devices?.results ?? [], resultsMax, `${path}.devices.results`, undefined, (result, at) => validateResult(result, names, at));
  yield* validateSet(devices?.config ?? [], 2 * configurationsMax, `${path}.devices.config`, undefined, (configuration, at) => validateSourcedConfiguration(configuration, names, at));
  if (nodeSelector) yield* validateNodeSelector(nodeSelector, `${path}.nodeSelector`);
}

export function* validateClaimStatus(next: ResourceClaim, previous: ResourceClaim): Generator<FieldError> {
  const { allocation, devices = [], reservedFor = [] } = next.status ?? {};
  const before = previous.status ?? {};
  yield* validateSet(reservedFor, consumersMax, "status.reservedFor", ({ uid }) => uid, validateConsumer);
  const allocated = new Set((allocation?.devices?.results ?? []).map(idOf));
  yield* validateSet(devices, Number.POSITIVE_INFINITY, "status.devices", idOf, (device, at) => validateDevice(device, allocated, at));
  if (reservedFor.length > 0) {
    const added = reservedFor.some((consumer) => !(before.reservedFor ?? []).some((known) => semanticallyEqual(known, consumer)));
    if (!allocation) yield forbidden("status.reservedFor", "may not be specified when `allocated` is not set");
    else if (next.metadata.deletionTimestamp !== undefined && added) yield forbidden("status.reservedFor", "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
  }
  if (before.allocation && allocation) yield* immutable("status.allocation", allocation, before.allocation);
  else if (allocation) yield* validateAllocation(allocation, requestNamesOf(next.spec), "status.allocation");
}
