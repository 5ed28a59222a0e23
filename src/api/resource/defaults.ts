import type { DeviceRequest, DeviceSubRequest, ExactDeviceRequest, ResourceClaimSpec } from "../generated/resource-v1.ts";
import { changeEach, changeField, withDefaults, withNumberDefaults } from "../defaulting.ts";

/** A request that does not say how many devices asks for one. */
function countDefaults<T extends ExactDeviceRequest | DeviceSubRequest>(request: T): T {
  const moded: ExactDeviceRequest = withDefaults(request as ExactDeviceRequest, { allocationMode: "ExactCount" });
  return (moded.allocationMode === "ExactCount" ? withNumberDefaults(moded, { count: 1 }) : moded) as T;
}
const requestDefaults = (request: DeviceRequest): DeviceRequest =>
  changeEach(changeField(request, "exactly", (exact) => countDefaults(exact)), "firstAvailable", (sub: DeviceSubRequest) => countDefaults(sub));

export const claimSpecDefaults = (spec: ResourceClaimSpec): ResourceClaimSpec =>
  changeField(withDefaults(spec, { devices: {} }), "devices", (devices) => changeEach(devices, "requests", requestDefaults));
