import { testCreates, testUpdates, testWarnings } from "../validation-table.ts";
import { runtimeClassResource } from "./runtime-class.ts";

testCreates(runtimeClassResource, [
  ["a good one", { handler: "runc", overhead: { podFixed: { cpu: "100m" } } }, []],
  ["no handler", {}, ["handler: Required value"]],
  ["a toleration twice", { handler: "runc", scheduling: { tolerations: [{ operator: "Exists" }, { operator: "Exists" }] } }, ['scheduling.tolerations[1]: Duplicate value: {"Key":"","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}']],
]);
testUpdates(runtimeClassResource, [["another handler", { handler: "a" }, { handler: "b" }, ['handler: Invalid value: "b": field is immutable']]]);
testWarnings(runtimeClassResource, [["an old label", { handler: "a", scheduling: { nodeSelector: { "beta.kubernetes.io/os": "linux" } } }, ['scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead']]]);
