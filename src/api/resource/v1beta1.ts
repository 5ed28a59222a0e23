import type { KubeObject } from "../../apimachinery/object.ts";
import type { DeviceRequest, ResourceClaimSpec, ResourceClaimTemplateSpec, ResourceSliceSpec } from "../generated/resource-v1.ts";
import type * as old from "../generated/resource-v1beta1.ts";
import type { FieldConversion } from "../other-versions.ts";

/** v1beta1 asks for devices in the request itself, where v1 has `exactly` for it. */
function requestToStored({ name, firstAvailable, ...exactly }: old.DeviceRequest): DeviceRequest {
  if (firstAvailable !== undefined && firstAvailable.length > 0) return { name, firstAvailable };
  return { name, exactly: { ...exactly, deviceClassName: exactly.deviceClassName ?? "" } };
}
const requestFromStored = ({ exactly, ...request }: DeviceRequest): old.DeviceRequest => ({ ...request, ...exactly });

const specToStored = (spec: old.ResourceClaimSpec): ResourceClaimSpec =>
  ({ ...spec, ...(spec.devices && { devices: { ...spec.devices, ...(spec.devices.requests && { requests: spec.devices.requests.map(requestToStored) }) } }) });
const specFromStored = (spec: ResourceClaimSpec): old.ResourceClaimSpec =>
  ({ ...spec, ...(spec.devices && { devices: { ...spec.devices, ...(spec.devices.requests && { requests: spec.devices.requests.map(requestFromStored) }) } }) });

export const claimsV1beta1: FieldConversion = { toStored: (object) => withSpec(object, specToStored), fromStored: (object) => withSpec(object, specFromStored) };

export const claimTemplatesV1beta1: FieldConversion = {
  toStored: (object) => withSpec<old.ResourceClaimTemplateSpec>(object, (template) => ({ ...template, ...(template.spec && { spec: specToStored(template.spec) }) })),
  fromStored: (object) => withSpec<ResourceClaimTemplateSpec>(object, (template) => ({ ...template, ...(template.spec && { spec: specFromStored(template.spec) }) })),
};

/** v1beta1 has everything about a device but its name under `basic`, and no third state of `allNodes`. */
export const slicesV1beta1: FieldConversion = {
  toStored: (object) => withSpec<old.ResourceSliceSpec>(object, (spec) => ({ ...spec, ...(spec.devices && { devices: spec.devices.map(({ name, basic }) => ({ name, ...basic })) }) })),
  fromStored: (object) => withSpec<ResourceSliceSpec>(object, ({ allNodes, devices, ...spec }) => ({
    ...spec, ...(allNodes === true && { allNodes }), ...(devices && { devices: devices.map(({ name, ...basic }) => ({ name, basic })) }),
  })),
};

/** What a client sent may lack what its type requires: that is for validation to say. */
function withSpec<S>(object: KubeObject, change: (spec: S) => unknown): KubeObject {
  const { spec } = object as KubeObject & { readonly spec?: S };
  return spec === undefined ? object : ({ ...object, spec: change(spec) } as KubeObject);
}
