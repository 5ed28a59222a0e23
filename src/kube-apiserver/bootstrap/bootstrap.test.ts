import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { ClusterRole } from "../../api/generated/rbac-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { alreadyExists, notFoundError } from "../../apimachinery/status-error.ts";
import type { ApiRequest, Transport } from "../../apimachinery/transport.ts";
import { bootstrapCluster, maintainCluster } from "./bootstrap.ts";
import { silentLog } from "../../stdx/log.ts";
import { defaultRbacObjects, planRbac } from "./rbac-plan.ts";

/** Objects by "resource namespace/name", and everything that was written. */
function memoryTransport(): { readonly transport: Transport; readonly objects: Map<string, KubeObject>; readonly writes: string[] } {
  const objects = new Map<string, KubeObject>();
  const writes: string[] = [];
  const answer = ({ verb, group, resource, namespace = "", name, body }: ApiRequest): unknown => {
    const object = body as KubeObject;
    const key = `${resource} ${namespace}/${name ?? object?.metadata.name ?? ""}`;
    if (verb === "list") return { items: [...objects].filter(([each]) => each.startsWith(`${resource} `)).map(([, each]) => each) };
    if (verb !== "get") writes.push(`${verb} ${key}`);
    if (verb === "create" && objects.has(key)) throw alreadyExists({ group, resource }, name ?? "");
    if (verb === "create" && namespace !== "" && !objects.has(`namespaces /${namespace}`)) throw notFoundError({ group: "", resource: "namespaces" }, namespace);
    if (verb === "create" || verb === "update") objects.set(key, object);
    const found = objects.get(key);
    if (!found) throw notFoundError({ group, resource }, name ?? "");
    if (verb === "delete") objects.delete(key);
    return found;
  };
  const transport: Transport = { request: async (request) => answer(request), watch: () => { throw new Error("nothing is watched here"); } };
  return { transport, objects, writes };
}
const options = {
  service: { serviceIp: "10.96.0.1", addresses: ["172.30.0.1"], port: 6443 }, clientCaPem: "ca", requestHeaderCaPem: "front", requestHeaderAllowedNames: ["front-proxy-client"], signal: new AbortController().signal,
};

test("a new cluster gets everything, an old one what it lacks", async () => {
  const { transport, objects, writes } = memoryTransport();
  await bootstrapCluster({ transport, ...options });
  for (const key of ["namespaces /kube-node-lease", "services default/kubernetes", "endpoints default/kubernetes", "endpointslices default/kubernetes", "configmaps kube-system/extension-apiserver-authentication",
    "priorityclasses /system-node-critical", "clusterroles /cluster-admin", "clusterrolebindings /system:controller:replicaset-controller", "rolebindings kube-public/system:controller:bootstrap-signer"]) assert.ok(objects.has(key), key);
  assert.ok((objects.get("clusterroles /admin") as ClusterRole).rules!.length > 20, "aggregated roles come with their rules");

  writes.length = 0;
  await bootstrapCluster({ transport, ...options });
  assert.deepEqual(writes, []);

  objects.delete("clusterroles /view");
  await bootstrapCluster({ transport, ...options, service: { ...options.service, addresses: ["172.30.0.9"] } });
  assert.deepEqual(writes.toSorted((a, b) => (a < b ? -1 : 1)), ["create clusterroles /view", "update endpoints default/kubernetes", "update endpointslices default/kubernetes"]);
});

test("default roles are mended, what users added stays, and autoupdate=false is honoured", () => {
  const wanted = defaultRbacObjects();
  const change = (name: string, edit: (role: ClusterRole) => ClusterRole) => ({ ...wanted, clusterRoles: wanted.clusterRoles.map((role) => (role.metadata.name === name ? edit(role) : role)) });
  assert.deepEqual(planRbac(wanted, wanted), []);
  const extra = { apiGroups: ["example.com"], resources: ["widgets"], verbs: ["get"] };
  assert.deepEqual(planRbac(wanted, change("view", (role) => ({ ...role, rules: [...role.rules ?? [], extra] }))), []);
  const [mended] = planRbac(wanted, change("system:basic-user", (role) => ({ ...role, rules: [extra], metadata: { name: "system:basic-user", labels: { mine: "1" } } })));
  assert.equal(mended?.verb, "update");
  const role = mended.object as ClusterRole;
  assert.deepEqual(role.rules?.[0], extra);
  assert.ok((role.rules?.length ?? 0) > 1);
  assert.deepEqual(role.metadata.labels, { "kubernetes.io/bootstrapping": "rbac-defaults", mine: "1" });
  assert.deepEqual(planRbac(wanted, change("system:basic-user", ({ metadata, ...rest }) => ({ ...rest, rules: [], metadata: { ...metadata, annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } } }))), []);
  const [binding] = wanted.clusterRoleBindings;
  const rebound = { ...wanted, clusterRoleBindings: wanted.clusterRoleBindings.map((each) => (each === binding ? { ...each, roleRef: { ...each.roleRef, name: "view" } } : each)) };
  assert.deepEqual(planRbac(wanted, rebound), [{ verb: "replace", object: binding }]);
});

test("what is deleted of the server's own objects comes back", async () => {
  const { transport, objects, writes } = memoryTransport();
  await bootstrapCluster({ transport, ...options });
  writes.length = 0;
  const ending = new AbortController();
  let rounds = 0;
  const clock = {
    now: () => 0,
    sleep: async () => {
      rounds += 1;
      if (rounds === 2) for (const key of ["namespaces /kube-node-lease", "endpointslices default/kubernetes"]) objects.delete(key);
      if (rounds === 4) ending.abort();
    },
  };
  await maintainCluster({ transport, ...options, signal: ending.signal, clock, log: silentLog });
  assert.deepEqual(writes.toSorted(), ["create endpointslices default/kubernetes", "create namespaces /kube-node-lease"]);
});
