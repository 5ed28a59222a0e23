import { strict as assert } from "node:assert";
import { test } from "node:test";
import { clusterrolebindings, clusterroles, rolebindings, roles } from "../../api/generated/rbac-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import type { AdmissionRequest } from "../access.ts";
import { defaultRbacObjects } from "../bootstrap/rbac-plan.ts";
import { clusterAuthorizer } from "./authorizer.ts";
import { escalationCheck } from "./escalation.ts";
import { clusterOf, userNamed } from "./fixture.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const defaults = defaultRbacObjects();
const cluster = clusterOf(
  ...defaults.clusterRoles, ...defaults.clusterRoleBindings,
  { apiVersion, kind: "RoleBinding", metadata: { namespace: "team", name: "jane" }, roleRef: { kind: "ClusterRole", name: "admin" }, subjects: [{ kind: "User", name: "jane" }] } as KubeObject,
  { apiVersion, kind: "ClusterRole", metadata: { name: "binder" }, rules: [{ apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], resourceNames: ["cluster-admin"], verbs: ["bind"] }, { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], verbs: ["escalate"] }] } as KubeObject,
  { apiVersion, kind: "ClusterRoleBinding", metadata: { name: "binders" }, roleRef: { kind: "ClusterRole", name: "binder" }, subjects: [{ kind: "User", name: "bob" }] } as KubeObject,
);
const check = escalationCheck(clusterAuthorizer(cluster));
const request = (user: AdmissionRequest["user"], type: ResourceType, object: object, namespace = ""): AdmissionRequest => ({
  operation: "CREATE", type, subresource: "", namespace, name: "x", user, dryRun: false, object: { apiVersion, kind: type.kind, metadata: { name: "x", namespace }, ...object } as KubeObject,
});
const [jane, bob, root] = [userNamed("jane", "devs", "system:authenticated"), userNamed("bob"), userNamed("root", "system:masters")];
const binding = (name: string) => ({ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name }, subjects: [] });

test("rights that one does not hold cannot be granted", async () => {
  const secretsRole = { rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }] };
  const nodesRole = { rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list"] }] };
  const held: readonly AdmissionRequest[] = [
    request(jane, roles, secretsRole, "team"), request(jane, rolebindings, binding("edit"), "team"), request(root, clusterroles, nodesRole),
    request(bob, clusterrolebindings, binding("cluster-admin")), request(bob, roles, nodesRole, "team"),
  ];
  for (const each of held) await check.validate?.(each);

  const refused: readonly (readonly [AdmissionRequest, string | RegExp])[] = [
    [request(jane, roles, nodesRole, "team"), 'roles.rbac.authorization.k8s.io "x" is forbidden: user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}'],
    [request(jane, clusterroles, secretsRole), /^clusterroles\.rbac.* not currently held/],
    [request(jane, rolebindings, binding("cluster-admin"), "team"), /not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n\{NonResourceURLs:\["\*"\], Verbs:\["\*"\]\}/],
    [request(jane, rolebindings, binding("nothing"), "team"), 'clusterroles.rbac.authorization.k8s.io "nothing" not found'],
    [request(jane, clusterroles, { rules: [], aggregationRule: { clusterRoleSelectors: [{}] } }), 'clusterroles.rbac.authorization.k8s.io "x" is forbidden: must have cluster-admin privileges to use the aggregationRule'],
  ];
  for (const [each, message] of refused) await assert.rejects(async () => check.validate?.(each), { message });
});

test("taking finalizers off is not granting", async () => {
  const oldObject = { apiVersion, kind: "ClusterRole", metadata: { name: "x", finalizers: ["a"] }, rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] } as KubeObject;
  const object = { ...oldObject, metadata: { name: "x", finalizers: [] } };
  await check.validate?.({ ...request(jane, clusterroles, {}), operation: "UPDATE", oldObject, object });
});
