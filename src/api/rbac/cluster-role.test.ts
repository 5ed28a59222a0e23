import { testCreates, testNames } from "../validation-table.ts";
import { clusterRoleResource } from "./cluster-role.ts";

testNames(clusterRoleResource, ["system:node", "a.b"], ["a/b", ".."]);
testCreates(clusterRoleResource, [
  ["a good one", { rules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }] }, []],
  ["resources and paths", { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"], resources: ["pods"] }] }, ['rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs']],
  ["nothing to gather", { aggregationRule: {} }, ["aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"]],
]);
