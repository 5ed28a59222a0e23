import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { resourceClaimResource } from "./resource-claim.ts";

const request = { name: "gpu", exactly: { deviceClassName: "gpu.example.com" } };
const claim = (devices: Loose = { requests: [request] }): Loose => ({ spec: { devices } });
const exactly = (more: Loose): Loose => claim({ requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com", ...more } }] });
const at = "spec.devices.requests[0]";
const result = { request: "gpu", driver: "example.com", pool: "p", device: "d" };
const unknown = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

testCreates(resourceClaimResource, [
  ["a good one", claim(), []],
  ["nothing asked for", claim({ requests: [{ name: "a" }] }), [`${at}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`]],
  ["asked for twice", claim({ requests: [{ ...request, firstAvailable: [{ name: "a", deviceClassName: "b" }] }] }), [`${at}: Invalid value: null: exactly one of \`exactly\` or \`firstAvailable\` is required, but multiple fields are set`]],
  ["a name twice", claim({ requests: [request, request] }), ['spec.devices.requests[1]: Duplicate value: "gpu"']],
  ["of no class", exactly({ deviceClassName: "" }), [`${at}.exactly.deviceClassName: Required value`]],
  ["less than one", exactly({ count: -1 }), [`${at}.exactly.count: Invalid value: -1: must be greater than zero`]],
  ["all of three", exactly({ allocationMode: "All", count: 3 }), [`${at}.exactly.count: Invalid value: 3: must not be specified when allocationMode is 'All'`]],
  ["an unknown mode", exactly({ allocationMode: "X" }), [`${at}.exactly.allocationMode: Unsupported value: "X": supported values: "All", "ExactCount"`]],
  ["an empty selector", exactly({ selectors: [{}] }), [`${at}.exactly.selectors[0].cel: Required value`]],
  ["a toleration of nothing", exactly({ tolerations: [{ operator: "Exists", value: "x", effect: "Y" }] }), [
    `${at}.exactly.tolerations[0].value: Invalid value: "x": must be empty for operator \`Exists\``, `${at}.exactly.tolerations[0].effect: Unsupported value: "Y": supported values: "NoExecute", "NoSchedule", "None"`,
  ]],
  ["a constraint on something else", claim({ requests: [request], constraints: [{ requests: ["cpu"], matchAttribute: "model" }] }), [
    `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": ${unknown}`, 'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
  ]],
  ["a configuration of nothing", claim({ requests: [request], config: [{}, { opaque: { driver: "d", parameters: [] } }] }), [
    "spec.devices.config[0].opaque: Required value", 'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
  ]],
]);
testUpdates(resourceClaimResource, [["something else", claim(), claim({}), ['spec: Invalid value: {"Devices":{"Requests":null,"Constraints":null,"Config":null}}: field is immutable']]]);
testUpdates(resourceClaimResource, [
  ["allocated", claim(), { status: { allocation: { devices: { results: [result] } }, reservedFor: [{ resource: "pods", name: "p", uid: "u" }] } }, []],
  ["reserved before", claim(), { status: { reservedFor: [{}] } }, [
    "status.reservedFor[0].resource: Required value", "status.reservedFor[0].name: Required value", "status.reservedFor[0].uid: Required value", "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
  ]],
  ["for another request", claim(), { status: { allocation: { devices: { results: [{ ...result, request: "cpu", bindingConditions: ["a"] }] } } } }, [
    `status.allocation.devices.results[0].request: Invalid value: "cpu": ${unknown}`,
    "status.allocation.devices.results[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions",
  ]],
  ["a device of somebody else", claim(), { status: { devices: [{ driver: "d", pool: "p", device: "x" }] } }, ['status.devices[0]: Invalid value: {"Driver":"d","Pool":"p","Device":"x","ShareID":""}: must be an allocated device in the claim']],
], "status");
