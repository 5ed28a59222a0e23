import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { KubeObject } from "../../apimachinery/object.ts";
import type { UserInfo } from "../access.ts";
import { defaultRbacObjects } from "../bootstrap/rbac-plan.ts";
import { clusterAuthorizer } from "./authorizer.ts";
import { clusterOf, userNamed } from "./fixture.ts";
import { accessReviews } from "./reviews.ts";

const { clusterRoles, clusterRoleBindings } = defaultRbacObjects();
const cluster = clusterOf(...clusterRoles, ...clusterRoleBindings, {
  apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { namespace: "team", name: "jane" }, roleRef: { kind: "ClusterRole", name: "view" }, subjects: [{ kind: "User", name: "jane" }],
} as KubeObject);
const reviews = accessReviews(clusterAuthorizer(cluster));
const jane = userNamed("jane", "system:authenticated");

async function ask(kind: string, spec: object, { user = jane, namespace = "", metadata = {} }: { readonly user?: UserInfo; readonly namespace?: string; readonly metadata?: object } = {}): Promise<Record<string, unknown>> {
  const review = reviews.find(({ type }) => type.kind === kind);
  const answer = await review?.create({ object: { apiVersion: "authorization.k8s.io/v1", kind, metadata, spec } as KubeObject, user, namespace, dryRun: false });
  return (answer as unknown as { status: Record<string, unknown> }).status;
}
const pods = (verb: string, namespace = "team") => ({ resourceAttributes: { verb, resource: "pods", namespace } });

test("reviews answer as the authorizer does", async () => {
  assert.deepEqual(await ask("SelfSubjectAccessReview", pods("get")), { allowed: true, reason: 'RBAC: allowed by RoleBinding "jane/team" of ClusterRole "view" to User "jane"' });
  assert.deepEqual(await ask("SelfSubjectAccessReview", pods("delete")), { allowed: false });
  assert.deepEqual(await ask("SelfSubjectAccessReview", { nonResourceAttributes: { verb: "get", path: "/version" } }).then(({ allowed }) => allowed), true);
  const root = { user: userNamed("root", "system:masters") };
  assert.equal((await ask("SubjectAccessReview", { ...pods("get"), user: "jane" }, root))["allowed"], true);
  assert.equal((await ask("SubjectAccessReview", { ...pods("get"), user: "joe" }, root))["allowed"], false);
  assert.equal((await ask("LocalSubjectAccessReview", { ...pods("get"), user: "jane" }, { ...root, namespace: "team", metadata: { namespace: "team" } }))["allowed"], true);
  const watch = { resourceAttributes: { verb: "watch", resource: "pods", fieldSelector: { requirements: [{ key: "spec.nodeName", operator: "In", values: ["n1"] }] } } };
  assert.equal((await ask("SelfSubjectAccessReview", watch, { user: userNamed("system:node:n1", "system:nodes") }))["allowed"], true);
});

test("malformed reviews are refused", async () => {
  await assert.rejects(ask("SelfSubjectAccessReview", {}), { message: '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified' });
  await assert.rejects(ask("SubjectAccessReview", pods("get")), /spec\.user: Invalid value: "": at least one of user or group must be specified/);
  await assert.rejects(ask("LocalSubjectAccessReview", { ...pods("get", "other"), user: "x" }, { namespace: "team", metadata: { namespace: "team" } }), /must match metadata\.namespace/);
  await assert.rejects(ask("SelfSubjectAccessReview", pods("get"), { metadata: { name: "x" } }), /metadata: Invalid value: .*: must be empty/);
});

test("all rules of a user in a namespace", async () => {
  const status = await ask("SelfSubjectRulesReview", { namespace: "team" });
  assert.equal(status["incomplete"], false);
  assert.ok((status["resourceRules"] as { resources: string[] }[]).some(({ resources }) => resources.includes("pods")));
  assert.ok((status["nonResourceRules"] as { nonResourceURLs: string[] }[]).some(({ nonResourceURLs }) => nonResourceURLs.includes("/version")));
  const node = await ask("SelfSubjectRulesReview", { namespace: "team" }, { user: userNamed("system:node:n1", "system:nodes") });
  assert.deepEqual([node["incomplete"], node["evaluationError"]], [true, "node authorizer does not support user rule resolution"]);
  await assert.rejects(ask("SelfSubjectRulesReview", {}), { message: "no namespace on request" });
});
