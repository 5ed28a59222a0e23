import { testCreates, testUpdates } from "../validation-table.ts";
import { controllerRevisionResource } from "./controller-revision.ts";

testCreates(controllerRevisionResource, [
  ["a good one", { revision: 1, data: { spec: {} } }, []],
  ["no data", { revision: -1 }, ["revision: Invalid value: -1: must be greater than or equal to 0", "data: Required value: data is mandatory"]],
]);
testUpdates(controllerRevisionResource, [["other data", { revision: 1, data: { a: 1 } }, { revision: 2, data: { a: 2 } }, ['data: Invalid value: {"a":2}: field is immutable']]]);
