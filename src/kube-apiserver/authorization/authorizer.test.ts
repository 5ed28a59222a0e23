import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { Pod } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { defaultRbacObjects } from "../bootstrap/rbac-plan.ts";
import { clusterAuthorizer } from "./authorizer.ts";
import { missingRights } from "./coverage.ts";
import { attributesOf, clusterOf, userNamed } from "./fixture.ts";
import { forbiddenFor } from "./forbidden.ts";

const pod = (name: string, node: string, spec: Partial<NonNullable<Pod["spec"]>> = {}): Pod => ({
  apiVersion: "v1", kind: "Pod", metadata: { namespace: "default", name, uid: `uid-${name}` }, spec: { nodeName: node, serviceAccountName: "default", containers: [], ...spec },
});
const defaults = defaultRbacObjects();
const roleBinding = (namespace: string, name: string, kind: string, role: string, ...subjects: readonly object[]): KubeObject =>
  ({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { namespace, name }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: role }, subjects }) as KubeObject;
const cluster = () => clusterOf(
  ...defaults.clusterRoles, ...defaults.clusterRoleBindings, ...defaults.roles, ...defaults.roleBindings,
  roleBinding("team", "jane-views", "ClusterRole", "view", { kind: "User", name: "jane" }),
  roleBinding("team", "ci-edits", "ClusterRole", "edit", { kind: "ServiceAccount", name: "ci" }),
  roleBinding("team", "dangling", "Role", "absent", { kind: "User", name: "joe" }),
  pod("web", "n1", { volumes: [{ name: "a", secret: { secretName: "web-tls" } }, { name: "b", persistentVolumeClaim: { claimName: "data" } }], containers: [{ name: "c", envFrom: [{ configMapRef: { name: "web-env" } }] }] }),
  pod("other", "n2", { serviceAccountName: "other", imagePullSecrets: [{ name: "pull" }] }),
  { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { namespace: "default", name: "data" }, spec: { volumeName: "pv1" } } as KubeObject,
  { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "pv1" }, spec: { claimRef: { namespace: "default", name: "data" }, csi: { driver: "d", volumeHandle: "h", nodeStageSecretRef: { name: "stage", namespace: "default" } } } } as KubeObject,
);

const [jane, joe, ci, admin] = [userNamed("jane", "system:authenticated"), userNamed("joe", "system:authenticated"), userNamed("system:serviceaccount:team:ci", "system:serviceaccounts"), userNamed("root", "system:masters")];
const node = userNamed("system:node:n1", "system:nodes", "system:authenticated");
const unrelated = "no relationship found between node 'n1' and this object";

const table: readonly (readonly [user: ReturnType<typeof userNamed>, asks: string, answer: "allow" | "noOpinion", reason?: string, more?: { fieldSelector: string }])[] = [
  [admin, "delete nodes n1", "allow", ""],
  [jane, "list pods team/", "allow", 'RBAC: allowed by RoleBinding "jane-views/team" of ClusterRole "view" to User "jane"'],
  [jane, "list pods default/", "noOpinion", ""],
  [jane, "list secrets team/", "noOpinion", ""],
  [jane, "get /healthz", "allow", 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"'],
  [jane, "get /apis/apps", "allow"],
  [jane, "get /metrics", "noOpinion", ""],
  [joe, "list pods team/", "noOpinion", 'RBAC: role.rbac.authorization.k8s.io "absent" not found'],
  [ci, "create deployments.apps team/web", "allow", 'RBAC: allowed by RoleBinding "ci-edits/team" of ClusterRole "edit" to ServiceAccount "ci/team"'],
  [ci, "get pods/log team/web", "allow"],
  [ci, "create rolebindings.rbac.authorization.k8s.io team/x", "noOpinion"],
  [userNamed("system:anonymous", "system:unauthenticated"), "get /version", "allow"],
  [userNamed("system:anonymous", "system:unauthenticated"), "get /api", "noOpinion"],
  [userNamed("system:kube-scheduler"), "create pods/binding default/web", "allow"],
  [userNamed("system:kube-scheduler"), "update leases.coordination.k8s.io kube-system/kube-scheduler", "allow"],
  [userNamed("system:kube-proxy"), "watch endpointslices.discovery.k8s.io", "allow"],
  [userNamed("system:serviceaccount:kube-system:coredns"), "watch namespaces", "allow"],
  [userNamed("system:serviceaccount:kube-system:replicaset-controller"), "create pods default/x", "allow"],

  [userNamed("system:node:", "system:nodes"), "get nodes n1", "noOpinion", 'unknown node for user "system:node:"'],
  [userNamed("system:node:n1"), "get nodes n1", "noOpinion", ""],
  [node, "get nodes n1", "allow"],
  [node, "get nodes n2", "noOpinion", "node 'n1' cannot read 'n2', only its own Node object"],
  [node, "list nodes", "noOpinion", "node 'n1' cannot read all nodes, only its own Node object"],
  [node, "patch nodes/status n1", "allow"],
  [node, "watch pods", "noOpinion", "can only list/watch pods with spec.nodeName field selector"],
  [node, "watch pods", "allow", "", { fieldSelector: "spec.nodeName=n1" }],
  [node, "watch pods", "noOpinion", "can only list/watch pods with spec.nodeName field selector", { fieldSelector: "spec.nodeName=n2" }],
  [node, "watch pods", "noOpinion", "can only list/watch pods with spec.nodeName field selector", { fieldSelector: "spec.nodeName!=n1" }],
  [node, "get pods default/web", "allow"],
  [node, "get pods default/other", "noOpinion", unrelated],
  [node, "get secrets default/web-tls", "allow"],
  [node, "watch secrets default/web-tls", "allow"],
  [node, "get secrets default/stage", "allow"],
  [node, "get secrets default/pull", "noOpinion", unrelated],
  [node, "list secrets default/", "noOpinion", "No Object name found"],
  [node, "update secrets default/web-tls", "noOpinion", "can only read resources of this type"],
  [node, "get configmaps default/web-env", "allow"],
  [node, "get persistentvolumeclaims default/data", "allow"],
  [node, "patch persistentvolumeclaims/status default/data", "allow"],
  [node, "get persistentvolumes pv1", "allow"],
  [node, "create serviceaccounts/token default/default", "allow"],
  [node, "create serviceaccounts/token default/other", "noOpinion", unrelated],
  [node, "update leases.coordination.k8s.io kube-node-lease/n1", "allow"],
  [node, "update leases.coordination.k8s.io kube-node-lease/n2", "noOpinion", "can only access node lease with the same name as the requesting node"],
  [node, "update leases.coordination.k8s.io default/n1", "noOpinion", 'can only access leases in the "kube-node-lease" system namespace'],
  [node, "create csinodes.storage.k8s.io n1", "allow"],
  [node, "create events default/x", "allow"],
  [node, "watch services", "allow"],
  [node, "create deployments.apps default/x", "noOpinion", ""],
];

test("who may do what, and the reasons given", async () => {
  const { authorizer } = clusterAuthorizer(cluster());
  for (const [user, asks, answer, reason, more] of table) {
    const decision = await authorizer.authorize(attributesOf(user, asks, more));
    assert.equal(decision.decision, answer, `${user.name}: ${asks}: ${decision.reason}`);
    if (reason !== undefined) assert.equal(decision.reason, reason, `${user.name}: ${asks}`);
  }
});

test("a change of bindings and roles counts at once", async () => {
  const objects = cluster();
  const { authorizer } = clusterAuthorizer(objects);
  const asks = attributesOf(joe, "get pods team/web");
  assert.equal((await authorizer.authorize(asks)).decision, "noOpinion");
  objects.put({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { namespace: "team", name: "absent" }, rules: [{ apiGroups: [""], resources: ["pods"], resourceNames: ["web"], verbs: ["get"] }] } as KubeObject);
  assert.equal((await authorizer.authorize(asks)).decision, "allow");
  assert.equal((await authorizer.authorize(attributesOf(joe, "get pods team/db"))).decision, "noOpinion");

  const widgets = attributesOf(jane, "list widgets.example.com team/");
  assert.equal((await authorizer.authorize(widgets)).decision, "noOpinion");
  objects.put({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "widgets", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } }, rules: [{ apiGroups: ["example.com"], resources: ["widgets"], verbs: ["list"] }] } as KubeObject);
  assert.equal((await authorizer.authorize(widgets)).decision, "allow");
});

test("refusals in upstream's words", () => {
  const text = (asks: string, reason = "") => forbiddenFor(attributesOf(jane, asks), reason).message;
  assert.equal(text("list pods default/"), 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"');
  assert.equal(text("create deployments/scale.apps default/web", "no"), 'deployments.apps "web" is forbidden: User "jane" cannot create resource "deployments/scale" in API group "apps" in the namespace "default": no');
  assert.equal(text("get nodes n1"), 'nodes "n1" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope');
  assert.equal(text("get /metrics"), 'forbidden: User "jane" cannot get path "/metrics"');
});

test("missing rights are described one line per resource", () => {
  const owned = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }, { apiGroups: ["apps"], resources: ["*/scale"], verbs: ["*"] }, { nonResourceURLs: ["/a/*"], verbs: ["get"] }];
  assert.deepEqual(missingRights(owned, [{ apiGroups: [""], resources: ["pods"], resourceNames: ["x"], verbs: ["get"] }, { apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["update"] }, { nonResourceURLs: ["/a/b"], verbs: ["get"] }]), []);
  assert.deepEqual(missingRights(owned, [{ apiGroups: [""], resources: ["pods", "secrets"], verbs: ["get", "list", "watch"] }, { nonResourceURLs: ["*"], verbs: ["get"] }]), [
    '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
    '{NonResourceURLs:["*"], Verbs:["get"]}',
  ]);
});
