import { testCreates } from "../validation-table.ts";
import { podTemplateResource } from "./pod-template.ts";

testCreates(podTemplateResource, [
  ["a good one", { template: { spec: { containers: [{ name: "c", image: "nginx" }] } } }, []],
  ["no containers", { template: { spec: {} } }, ["template.spec.containers: Required value"]],
]);
