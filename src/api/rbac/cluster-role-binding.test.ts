import { testCreates, testUpdates } from "../validation-table.ts";
import { clusterRoleBindingResource } from "./cluster-role-binding.ts";

const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "r" };
testCreates(clusterRoleBindingResource, [
  ["a good one", { roleRef, subjects: [{ kind: "User", name: "u" }] }, []],
  ["an account of no namespace", { roleRef, subjects: [{ kind: "ServiceAccount", name: "s" }] }, ["subjects[0].namespace: Required value"]],
  ["a role of a namespace", { roleRef: { ...roleRef, kind: "Role" } }, ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']],
]);
testUpdates(clusterRoleBindingResource, [["another role", { roleRef }, { roleRef: { ...roleRef, name: "s" } }, ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"s"}: cannot change roleRef']]]);
