import { canonicalAmount } from "../core/resource-list.ts";
import type { Counter, Device, DeviceCapacity, DeviceRequest, DeviceSubRequest, ExactDeviceRequest, ResourceClaimSpec, ResourceSliceSpec } from "../generated/resource-v1.ts";
import { changeEach, changeField, changeValues, withDefaults, withNumberDefaults } from "../defaulting.ts";

/** A request that does not say how many devices asks for one. */
function countDefaults<T extends ExactDeviceRequest | DeviceSubRequest>(request: T): T {
  const moded: ExactDeviceRequest = withDefaults(request as ExactDeviceRequest, { allocationMode: "ExactCount" });
  const counted = moded.allocationMode === "ExactCount" ? withNumberDefaults(moded, { count: 1 }) : moded;
  const tolerant = changeEach(counted, "tolerations", (toleration) => withDefaults(toleration, { operator: "Equal" }));
  return changeField(tolerant, "capacity", (capacity) => changeField(capacity, "requests", (requests) => changeValues(requests, canonicalAmount))) as T;
}
const requestDefaults = (request: DeviceRequest): DeviceRequest =>
  changeEach(changeField(request, "exactly", (exact) => countDefaults(exact)), "firstAvailable", (sub: DeviceSubRequest) => countDefaults(sub));

export const claimSpecDefaults = (spec: ResourceClaimSpec): ResourceClaimSpec =>
  changeField(withDefaults(spec, { devices: {} }), "devices", (devices) => changeEach(devices, "requests", requestDefaults));

const canonicalCounters = (counters: Readonly<Record<string, Counter>>): Readonly<Record<string, Counter>> =>
  changeValues(counters, (counter) => changeField(counter, "value", canonicalAmount));

function canonicalCapacity(capacity: DeviceCapacity): DeviceCapacity {
  const next = changeField(capacity, "value", canonicalAmount);
  return changeField(next, "requestPolicy", (policy) => {
    const listed = changeEach(changeField(policy, "default", canonicalAmount), "validValues", (value: string) => canonicalAmount(value));
    return changeField(listed, "validRange", (range) => changeField(changeField(changeField(range, "min", canonicalAmount), "max", canonicalAmount), "step", canonicalAmount));
  });
}

function canonicalDevice(device: Device): Device {
  const next = changeField(device, "capacity", (capacity) => changeValues(capacity, canonicalCapacity));
  return changeEach(next, "consumesCounters", (consumption) => changeField(consumption, "counters", canonicalCounters));
}

/** A slice has no defaults of its own; its amounts are kept in their canonical form. */
export const canonicalSliceSpec = (spec: ResourceSliceSpec): ResourceSliceSpec =>
  changeEach(changeEach(spec, "devices", canonicalDevice), "sharedCounters", (set) => changeField(set, "counters", canonicalCounters));
