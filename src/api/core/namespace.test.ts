import { testCreates, testNames, testUpdates } from "../validation-table.ts";
import { namespaceResource } from "./namespace.ts";

testNames(namespaceResource, ["a", "a-1"], ["a.b", "A", ""]);
testCreates(namespaceResource, [
  ["a good one", {}, []],
  ["an unknown finalizer", { spec: { finalizers: ["x"] } }, ['spec.finalizers: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified']],
]);
testUpdates(namespaceResource, [["ends without being deleted", {}, { status: { phase: "Terminating" } }, ["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"]]], "status");
