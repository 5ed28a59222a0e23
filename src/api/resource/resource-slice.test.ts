import assert from "node:assert/strict";
import { test } from "node:test";
import { stored, testCreates, testUpdates, type Loose } from "../validation-table.ts";
import type { Resource } from "../resource.ts";
import { resourceSliceResource } from "./resource-slice.ts";

const base = { driver: "example.com", pool: { name: "p", resourceSliceCount: 1, generation: 1 }, nodeName: "n" };
const slice = (more: Loose = {}): Loose => ({ spec: { ...base, ...more } });
const device = (more: Loose): Loose => slice({ devices: [{ name: "d", ...more }] });
testCreates(resourceSliceResource, [
  ["a good one", device({ attributes: { "model": { string: "a" }, "example.com/version": { version: "1.2.3-rc.1" } }, capacity: { memory: { value: "1Gi" } } }), []],
  ["an empty one", { spec: {} }, [
    "spec.driver: Required value", "spec.pool.name: Required value", "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
    "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
  ]],
  ["here and everywhere", slice({ allNodes: true }), ['spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set']],
  ["a device twice", slice({ devices: [{ name: "d" }, { name: "d" }] }), ['spec.devices[1]: Duplicate value: "d"']],
  ["too many devices", slice({ devices: Array.from({ length: 129 }, (_, index) => ({ name: `d${index}` })) }), ["spec.devices: Too many: 129: must have at most 128 items"]],
  ["no value, and two", device({ attributes: { a: {}, b: { int: 1, bool: true } } }), [
    'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified', 'spec.devices[0].attributes[b]: Invalid value: {"IntValue":1,"BoolValue":true,"StringValue":null,"VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified',
  ]],
  ["no version", device({ attributes: { a: { version: "1.2" } } }), ['spec.devices[0].attributes[a].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0']],
  ["a node of its own", device({ nodeName: "m" }), ["spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"]],
  ["an unknown effect", device({ taints: [{ key: "k", effect: "X" }] }), ['spec.devices[0].taints[0].effect: Unsupported value: "X": supported values: "NoExecute", "NoSchedule", "None"']],
  ["counters of nothing", device({ consumesCounters: [{}] }), ["spec.devices[0].consumesCounters[0].counterSet: Required value", "spec.devices[0].consumesCounters[0].counters: Required value"]],
  ["a policy for one user", device({ capacity: { memory: { value: "1Gi", requestPolicy: {} } } }), ["spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true"]],
]);
testUpdates(resourceSliceResource, [
  ["another node", slice(), slice({ nodeName: "m", driver: "other.com" }), ['spec.driver: Invalid value: "other.com": field is immutable', 'spec.nodeName: Invalid value: "m": field is immutable']],
]);

test("amounts are kept in their canonical form", () => {
  const { spec } = stored(resourceSliceResource as unknown as Resource, device({ capacity: { memory: { value: "1024Mi" } } })) as unknown as { readonly spec: { readonly devices: unknown } };
  assert.deepEqual(spec.devices, [{ name: "d", capacity: { memory: { value: "1Gi" } } }]);
});
