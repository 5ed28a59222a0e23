import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { UserInfo } from "../access.ts";
import { attributesOf, userNamed } from "../authorization/fixture.ts";
import { impersonatedUser } from "./impersonation.ts";
import { anonymousMayAsk } from "./identity.ts";

/** Allows what is listed: "verb resource[/subresource] [namespace/]name". */
const allowing = (...grants: readonly string[]) => ({
  authorize: ({ verb, resource, subresource, namespace, name }: ReturnType<typeof attributesOf>) => {
    const asked = `${verb} ${subresource === "" ? resource : `${resource}/${subresource}`} ${namespace === "" ? name : `${namespace}/${name}`}`;
    return { decision: grants.includes(asked) ? "allow" as const : "noOpinion" as const, reason: "" };
  },
});
const jane = userNamed("jane", "system:authenticated");
const agent: UserInfo = { ...userNamed("system:serviceaccount:kube-system:agent"), extra: { "authentication.kubernetes.io/node-name": ["n1"] } };
const as = (grants: readonly string[], headers: Record<string, string | string[]>, user = jane) => impersonatedUser(allowing(...grants), attributesOf(user, "list pods default/"), headers);

test("who may act as whom", async () => {
  assert.equal(await as([], {}), jane);
  assert.deepEqual(await as(["impersonate users bob"], { "impersonate-user": "bob" }), { name: "bob", groups: ["system:authenticated"] });
  assert.deepEqual(
    await as(["impersonate users bob", "impersonate groups a", "impersonate groups b", "impersonate userextras/scopes x", "impersonate uids 7"], { "impersonate-user": "bob", "impersonate-group": ["a", "b"], "impersonate-extra-scopes": "x", "impersonate-uid": "7" }),
    { name: "bob", uid: "7", groups: ["a", "b", "system:authenticated"], extra: { scopes: ["x"] } },
  );
  assert.deepEqual(await as(["impersonate serviceaccounts default/robot"], { "impersonate-user": "system:serviceaccount:default:robot" }), {
    name: "system:serviceaccount:default:robot", groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
  });
  assert.deepEqual((await as(["impersonate users system:anonymous"], { "impersonate-user": "system:anonymous" })).groups, ["system:unauthenticated"]);
});

test("constrained impersonation grants single verbs", async () => {
  const userInfo = ["impersonate:user-info users bob", "impersonate:user-info groups system:masters", "impersonate-on:user-info:list pods default/"];
  assert.equal((await as(userInfo, { "impersonate-user": "bob" })).name, "bob");
  await assert.rejects(as(userInfo, { "impersonate-user": "bob", "impersonate-group": "system:masters" }), /impersonating the system:masters group is not allowed/);
  assert.deepEqual(await as(["impersonate:associated-node nodes *", "impersonate-on:associated-node:list pods default/"], { "impersonate-user": "system:node:n1" }, agent), {
    name: "system:node:n1", groups: ["system:nodes", "system:authenticated"],
  });
  await assert.rejects(as(["impersonate:associated-node nodes *", "impersonate-on:associated-node:list pods default/"], { "impersonate-user": "system:node:n2" }, agent), { reason: "Forbidden" });
});

test("refusals", async () => {
  await assert.rejects(as([], { "impersonate-user": "bob" }), { message: 'pods is forbidden: User "jane" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"' });
  await assert.rejects(as(["impersonate users bob"], { "impersonate-user": "bob", "impersonate-group": "system:masters" }), { reason: "Forbidden" });
  await assert.rejects(as([], { "impersonate-group": "a" }), { reason: "BadRequest", message: 'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)} without impersonating a user name' });
});

test("what may be asked without credentials", () => {
  for (const path of ["/livez", "/readyz/ping", "/healthz", "/version"]) assert.ok(anonymousMayAsk(path), path);
  for (const path of ["/", "/api", "/livezz", "/metrics", "/apis", "/openapi/v2"]) assert.ok(!anonymousMayAsk(path), path);
});
