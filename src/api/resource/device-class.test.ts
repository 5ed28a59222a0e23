import { testCreates } from "../validation-table.ts";
import { deviceClassResource } from "./device-class.ts";

testCreates(deviceClassResource, [
  ["a good one", { spec: { selectors: [{ cel: { expression: "true" } }], extendedResourceName: "example.com/gpu" } }, []],
  ["an empty selector", { spec: { selectors: [{}], config: [{}] } }, ["spec.selectors[0].cel: Required value", "spec.config[0].opaque: Required value"]],
  ["a long expression", { spec: { selectors: [{ cel: { expression: "x".repeat(10_241) } }] } }, ["spec.selectors[0].cel.expression: Too long: may not be more than 10240 bytes"]],
  ["a resource of Kubernetes'", { spec: { extendedResourceName: "cpu" } }, ['spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name']],
]);
