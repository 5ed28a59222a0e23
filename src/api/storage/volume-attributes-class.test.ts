import { testCreates, testUpdates } from "../validation-table.ts";
import { volumeAttributesClassResource } from "./volume-attributes-class.ts";

const good = { driverName: "example.com", parameters: { iops: "100" } };
testCreates(volumeAttributesClassResource, [
  ["a good one", good, []],
  ["an empty one", {}, ["driverName: Required value", "parameters: Required value: must contain at least one key/value pair"]],
]);
testUpdates(volumeAttributesClassResource, [
  ["another driver", good, { driverName: "b", parameters: { iops: "200" } }, ["driverName: Forbidden: updates to driverName are forbidden.", "parameters: Forbidden: updates to parameters are forbidden."]],
]);
