import { testCreates, testUpdates, testWarnings } from "../validation-table.ts";
import { csiDriverResource } from "./csi-driver.ts";

testCreates(csiDriverResource, [
  ["an empty one", { spec: {} }, []],
  ["an unknown policy", { spec: { fsGroupPolicy: "X" } }, ['spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType"']],
  ["tokens of one audience twice", { spec: { tokenRequests: [{ audience: "a" }, { audience: "a" }] } }, ['spec.tokenRequests[1].audience: Duplicate value: "a"']],
  ["a token that ends soon", { spec: { tokenRequests: [{ audience: "a", expirationSeconds: 10 }] } }, ["spec.tokenRequests[0].expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes"]],
  ["an unknown mode", { spec: { volumeLifecycleModes: ["X"] } }, ['spec.volumeLifecycleModes: Unsupported value: "X": supported values: "Persistent", "Ephemeral"']],
  ["updates all the time", { spec: { nodeAllocatableUpdatePeriodSeconds: 1 } }, ["spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 1: must be greater than or equal to 10 seconds"]],
  ["a place for tokens that there are none of", { spec: { serviceAccountTokenInSecrets: true } }, ["spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified"]],
]);
testUpdates(csiDriverResource, [
  ["no more attaching", { spec: {} }, { spec: { attachRequired: false } }, ["spec.attachedRequired: Invalid value: false: field is immutable"]],
]);
testWarnings(csiDriverResource, [
  ["tokens in the open", { spec: { tokenRequests: [{ audience: "a" }] } }, ["spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"]],
]);
