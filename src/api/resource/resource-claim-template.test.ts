import { testCreates, testUpdates } from "../validation-table.ts";
import { resourceClaimTemplateResource } from "./resource-claim-template.ts";

const spec = { devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com" } }] } };
testCreates(resourceClaimTemplateResource, [
  ["a good one", { spec: { spec } }, []],
  ["a name for all", { spec: { metadata: { name: "n" }, spec } }, ["spec.metadata.name: Forbidden: cannot be set"]],
  ["nothing asked for", { spec: { spec: { devices: { requests: [{ name: "gpu" }] } } } }, ["spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"]],
]);
testUpdates(resourceClaimTemplateResource, [["something else", { spec: { spec } }, { spec: { spec: { devices: {} } } }, ['spec: Invalid value: {"Spec":{"Devices":{"Requests":null,"Constraints":null,"Config":null}}}: field is immutable']]]);
