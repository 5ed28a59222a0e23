import { testCreates } from "../validation-table.ts";
import { mutatingAdmissionPolicyBindingResource } from "./mutating-admission-policy-binding.ts";

const rule = { operations: ["DELETE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
testCreates(mutatingAdmissionPolicyBindingResource, [
  ["a good one", { spec: { policyName: "p" } }, []],
  ["no policy", { spec: {} }, ["spec.policyName: Required value"]],
  ["what is deleted", { spec: { policyName: "p", matchResources: { resourceRules: [rule] } } }, ['spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"']],
]);
