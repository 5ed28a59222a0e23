import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { configmaps, namespaces, pods, services, type ConfigMap, type Namespace, type Pod, type Service } from "../../src/api/generated/core-v1.ts";
import { deployments, type Deployment } from "../../src/api/generated/apps-v1.ts";
import type { KubeObject, WatchEvent } from "../../src/apimachinery/object.ts";
import type { Transport, WatchStream } from "../../src/apimachinery/transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { startTestServer, type TestServer } from "./fixture.ts";

let shared: TestServer;
before(async () => void (shared = await startTestServer()));
after(async () => {
  assert.deepEqual(shared.complaints, []);
  await shared[Symbol.asyncDispose]();
});

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data });
const pod = (name: string, more: Partial<Pod["metadata"]> = {}): Pod => ({
  apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", ...more }, spec: { containers: [{ name: "c", image: "nginx" }] },
});

async function take<T>(stream: WatchStream<T & KubeObject>, count: number): Promise<WatchEvent<T & KubeObject>[]> {
  const events: WatchEvent<T & KubeObject>[] = [];
  for await (const event of stream) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}
const told = (event: WatchEvent): string => (event.type === "ERROR" ? "ERROR" : `${event.type} ${event.object.metadata.name ?? ""}`.trim());

for (const [over, transportOf] of [["HTTP/2", ({ http }: TestServer): Transport => http], ["the local transport", ({ local }: TestServer): Transport => local]] as const) {
  describe(`over ${over}`, () => {
    const prefix = over === "HTTP/2" ? "h" : "l";
    const client = () => new TypedClient(transportOf(shared));

    test("an object is created, read, changed and deleted", async () => {
      const name = `${prefix}-life`;
      const created = await client().create(configmaps, configMap(name, { a: "1" }));
      assert.match(created.metadata.uid ?? "", /^[0-9a-f-]{36}$/);
      assert.match(created.metadata.creationTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      await assert.rejects(client().create(configmaps, configMap(name)), { reason: "AlreadyExists", message: `configmaps "${name}" already exists` });

      const updated = await client().update(configmaps, { ...created, data: { a: "2" } });
      assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
      await assert.rejects(client().update(configmaps, { ...created, data: { a: "3" } }), {
        reason: "Conflict", message: `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      });
      const again = await client().update(configmaps, updated);
      assert.equal(again.metadata.resourceVersion, updated.metadata.resourceVersion, "a write that changes nothing is not written");
      assert.deepEqual((await client().get(configmaps, { namespace: "default", name })).data, { a: "2" });

      await client().delete(configmaps, { namespace: "default", name });
      await assert.rejects(client().get(configmaps, { namespace: "default", name }), { reason: "NotFound", message: `configmaps "${name}" not found` });
    });

    test("metadata is checked in upstream's words", async () => {
      for (const [metadata, message] of [
        [{ name: `${prefix}-X` }, /^ConfigMap "\w-X" is invalid: metadata\.name: Invalid value: "\w-X": a lowercase RFC 1123 subdomain must consist of/],
        [{}, /^ConfigMap "" is invalid: metadata\.name: Required value: name or generateName is required$/],
        [{ name: "a", namespace: "other" }, /^the namespace of the provided object does not match the namespace sent on the request$/],
        [{ name: "a", labels: { "a b": "c" } }, /metadata\.labels: Invalid value: "a b": name part must consist of/],
        [{ name: "a", resourceVersion: "7" }, /^resourceVersion should not be set on objects to be created$/],
        [{ name: "a", finalizers: ["orphan", "foregroundDeletion"] }, /cannot be both set/],
      ] as const) {
        const body = { apiVersion: "v1", kind: "ConfigMap", metadata };
        await assert.rejects(transportOf(shared).request({ verb: "create", group: "", version: "v1", resource: "configmaps", namespace: "default", body }), { message }, JSON.stringify(metadata));
      }
    });

    test("names are generated", async () => {
      const created = await client().create(configmaps, { ...configMap(""), metadata: { namespace: "default", generateName: `${prefix}-gen-` } });
      assert.match(created.metadata.name ?? "", /^\w-gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    });

    test("a dry run answers and stores nothing", async () => {
      const name = `${prefix}-dry`;
      const answer = await client().create(configmaps, configMap(name), { dryRun: true });
      assert.equal(answer.metadata.resourceVersion, undefined);
      await assert.rejects(client().get(configmaps, { namespace: "default", name }), { reason: "NotFound" });
    });

    test("finalizers hold a deletion", async () => {
      const name = `${prefix}-held`;
      const created = await client().create(configmaps, { ...configMap(name), metadata: { name, namespace: "default", finalizers: ["example.com/hold"] } });
      await client().delete(configmaps, { namespace: "default", name });
      const held = await client().get(configmaps, { namespace: "default", name });
      assert.equal(held.metadata.deletionGracePeriodSeconds, 0);
      assert.ok(held.metadata.deletionTimestamp);
      await assert.rejects(client().update(configmaps, { ...held, metadata: { ...held.metadata, finalizers: ["example.com/hold", "example.com/new"] } }), {
        message: /metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example\.com\/new"\}/,
      });
      await client().patch(configmaps, { namespace: "default", name }, "application/merge-patch+json", { metadata: { finalizers: null } });
      await assert.rejects(client().get(configmaps, { namespace: "default", name }), { reason: "NotFound" });
      assert.ok(created.metadata.uid);
    });

    test("policies of deletion become finalizers", async () => {
      for (const [propagationPolicy, finalizer] of [["Foreground", "foregroundDeletion"], ["Orphan", "orphan"]] as const) {
        const name = `${prefix}-${finalizer.toLowerCase()}`;
        await client().create(configmaps, configMap(name));
        await client().delete(configmaps, { namespace: "default", name }, { propagationPolicy });
        assert.deepEqual((await client().get(configmaps, { namespace: "default", name })).metadata.finalizers, [finalizer]);
        await client().patch(configmaps, { namespace: "default", name }, "application/json-patch+json", [{ op: "remove", path: "/metadata/finalizers" }]);
      }
    });

    test("preconditions", async () => {
      const name = `${prefix}-pre`;
      await client().create(configmaps, configMap(name));
      await assert.rejects(client().delete(configmaps, { namespace: "default", name }, { preconditions: { uid: "other" } }), { reason: "Conflict", message: /the UID in the precondition \(other\) does not match the UID in record/ });
    });

    test("a pod that runs on a node ends gracefully", async () => {
      const name = `${prefix}-graceful`;
      await client().create(pods, pod(name));
      await client().post(pods, { namespace: "default", name }, "binding", { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "n1" } });
      assert.equal((await client().get(pods, { namespace: "default", name })).metadata.generation, 1, "a node is no change of what was asked for");
      await assert.rejects(
        client().post(pods, { namespace: "default", name }, "binding", { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "n2" } }),
        { reason: "Conflict", message: `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} is already assigned to node "n1"` },
      );
      const bound = await client().get(pods, { namespace: "default", name });
      assert.equal(bound.spec?.nodeName, "n1");
      assert.equal(bound.status?.conditions?.find(({ type }) => type === "PodScheduled")?.status, "True");

      await client().delete(pods, { namespace: "default", name });
      const ending = await client().get(pods, { namespace: "default", name });
      assert.equal(ending.metadata.deletionGracePeriodSeconds, 30);
      await client().delete(pods, { namespace: "default", name }, { gracePeriodSeconds: 0 });
      await assert.rejects(client().get(pods, { namespace: "default", name }), { reason: "NotFound" });
    });

    test("status and spec are written apart", async () => {
      const name = `${prefix}-web`;
      const deployment: Deployment = {
        apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" },
        spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "nginx" }] } } },
        status: { replicas: 9 },
      };
      const created = await client().create(deployments, deployment);
      assert.equal(created.status?.replicas, undefined);
      assert.equal(created.metadata.generation, 1);
      const counted = await client().updateStatus(deployments, { ...created, spec: { ...deployment.spec, replicas: 7 } as NonNullable<Deployment["spec"]>, status: { replicas: 3 } });
      assert.deepEqual([counted.spec?.replicas, counted.status?.replicas, counted.metadata.generation], [1, 3, 1]);
      const scaled = await transportOf(shared).request({
        verb: "patch", group: "apps", version: "v1", resource: "deployments", namespace: "default", name, subresource: "scale", patchType: "application/merge-patch+json", body: { spec: { replicas: 5 } },
      }) as { spec: { replicas: number }; status: { selector: string } };
      assert.deepEqual([scaled.spec.replicas, scaled.status.selector], [5, `app=${name}`]);
      const after = await client().get(deployments, { namespace: "default", name });
      assert.deepEqual([after.spec?.replicas, after.status?.replicas, after.metadata.generation], [5, 3, 2]);
    });

    test("services get addresses and ports, and give them back", async () => {
      const service = (name: string, spec: Service["spec"]): Service => ({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, ...(spec && { spec }) });
      const first = await client().create(services, service(`${prefix}-one`, { type: "NodePort", selector: { a: "b" }, ports: [{ port: 53, protocol: "UDP", name: "u" }, { port: 53, protocol: "TCP", name: "t" }] }));
      const { clusterIP = "", clusterIPs, ipFamilies, ipFamilyPolicy, ports = [] } = first.spec ?? {};
      assert.match(clusterIP, /^10\.96\.\d+\.\d+$/);
      assert.deepEqual([clusterIPs, ipFamilies, ipFamilyPolicy], [[clusterIP], ["IPv4"], "SingleStack"]);
      assert.equal(ports[0]?.nodePort, ports[1]?.nodePort);
      await assert.rejects(client().create(services, service(`${prefix}-two`, { clusterIP, ports: [{ port: 80 }] })), { message: new RegExp(`failed to allocate IP ${clusterIP}: provided IP is already allocated`) });
      await assert.rejects(client().create(services, service(`${prefix}-two`, { type: "NodePort", ports: [{ port: 80, nodePort: ports[0]?.nodePort ?? 0 }] })), { message: /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated/ });

      const external = await client().update(services, { ...first, spec: { ...first.spec, type: "ExternalName", externalName: "example.com" } });
      assert.deepEqual([external.spec?.clusterIP, external.spec?.ports?.[0]?.nodePort], [undefined, undefined]);
      const second = await client().create(services, service(`${prefix}-two`, { clusterIP, ports: [{ port: 80 }] }));
      assert.equal(second.spec?.clusterIP, clusterIP);
      const headless = await client().create(services, service(`${prefix}-none`, { clusterIP: "None", selector: { a: "b" }, ports: [{ port: 80 }] }));
      assert.deepEqual(headless.spec?.clusterIPs, ["None"]);
      for (const name of ["one", "two", "none"]) await client().delete(services, { namespace: "default", name: `${prefix}-${name}` });
    });

    test("a namespace is Terminating until it is finalized", async () => {
      const name = `${prefix}-space`;
      const namespace = (await client().create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } })) as Namespace;
      assert.deepEqual(namespace.spec?.finalizers, ["kubernetes"]);
      await client().delete(namespaces, { name });
      const ending = await client().get(namespaces, { name });
      assert.equal(ending.status?.phase, "Terminating");
      await assert.rejects(client().create(configmaps, { ...configMap("late"), metadata: { name: "late", namespace: name } }), { reason: "Forbidden", message: /because it is being terminated/ });
      await client().update(namespaces, { ...ending, spec: {} }, { subresource: "finalize" });
      await assert.rejects(client().get(namespaces, { name }), { reason: "NotFound" });
    });

    test("lists come in pages of one revision", async () => {
      const labels = { page: prefix };
      for (const each of [1, 2, 3, 4, 5]) await client().create(configmaps, { ...configMap(`${prefix}-page-${each}`), metadata: { name: `${prefix}-page-${each}`, namespace: "default", labels } });
      const first = await client().list(configmaps, { namespace: "default", labelSelector: `page=${prefix}`, limit: 2 });
      assert.equal(first.items.length, 2);
      await client().delete(configmaps, { namespace: "default", name: `${prefix}-page-3` });
      const second = await client().list(configmaps, { namespace: "default", labelSelector: `page=${prefix}`, limit: 2, continue: first.metadata.continue ?? "" });
      assert.deepEqual(second.items.map(({ metadata }) => metadata.name), [`${prefix}-page-3`, `${prefix}-page-4`]);
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      await assert.rejects(client().list(configmaps, { namespace: "default", continue: "x" }), { reason: "BadRequest", message: /continue key is not valid/ });
      await client().deleteCollection(configmaps, { namespace: "default", labelSelector: `page=${prefix}` });
      assert.equal((await client().list(configmaps, { namespace: "default", labelSelector: `page=${prefix}` })).items.length, 0);
    });

    test("watches tell of what a selector sees", async () => {
      const name = `${prefix}-seen`;
      const { metadata: { resourceVersion = "" } } = await client().list(configmaps, { namespace: "default" });
      using seen = client().watch(configmaps, { namespace: "default", resourceVersion, labelSelector: `seen=${prefix}` });
      const events = take(seen, 4);
      await client().create(configmaps, configMap(name));
      await client().patch(configmaps, { namespace: "default", name }, "application/merge-patch+json", { metadata: { labels: { seen: prefix } } });
      await client().patch(configmaps, { namespace: "default", name }, "application/merge-patch+json", { data: { a: "b" } });
      await client().patch(configmaps, { namespace: "default", name }, "application/merge-patch+json", { metadata: { labels: { seen: null } } });
      await client().patch(configmaps, { namespace: "default", name }, "application/merge-patch+json", { metadata: { labels: { seen: prefix } } });
      assert.deepEqual((await events).map(told), [`ADDED ${name}`, `MODIFIED ${name}`, `DELETED ${name}`, `ADDED ${name}`]);
    });

    test("a watch may begin with the present, and says where that ends", async () => {
      const name = `${prefix}-present`;
      await client().create(configmaps, { ...configMap(name), metadata: { name, namespace: "default", labels: { present: prefix } } });
      using present = transportOf(shared).watch({
        verb: "watch", group: "", version: "v1", resource: "configmaps", namespace: "default",
        query: { watch: "true", labelSelector: `present=${prefix}`, sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" },
      });
      const events = await take(present, 2);
      assert.deepEqual(events.map(told), [`ADDED ${name}`, "BOOKMARK"]);
      assert.equal((events[1] as Extract<WatchEvent, { type: "BOOKMARK" }>).object.metadata.annotations?.["k8s.io/initial-events-end"], "true");
    });

    test("applying on the server's side respects who owns a field", async () => {
      const name = `${prefix}-applied`;
      const apply = (manager: string, data: Record<string, string>, force = false) => transportOf(shared).request({
        verb: "patch", group: "", version: "v1", resource: "configmaps", namespace: "default", name, patchType: "application/apply-patch+yaml",
        query: { fieldManager: manager, ...(force && { force: "true" }) }, body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data },
      }) as Promise<ConfigMap>;
      await apply("one", { a: "1", b: "1" });
      await assert.rejects(apply("two", { a: "2" }), { reason: "Conflict", message: 'Apply failed with 1 conflict: conflict with "one": .data.a' });
      await apply("two", { a: "2" }, true);
      assert.deepEqual((await apply("one", {})).data, { a: "2" });
    });
  });
}
