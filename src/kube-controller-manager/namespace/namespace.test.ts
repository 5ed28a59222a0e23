import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps, namespaces, pods, serviceaccounts, type Namespace } from "../../api/generated/core-v1.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { rootCaPublisher } from "../root-ca-publisher/root-ca-publisher.ts";
import { serviceAccountController } from "../serviceaccount/serviceaccount.ts";
import { World } from "../testing/world.ts";
import { namespaceController } from "./namespace.ts";

const team: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" }, spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };

test("a namespace gets its default service account and CA, again after they were deleted", async () => {
  using world = new World([serviceAccountController, rootCaPublisher("PEM")]);
  await world.client.create(namespaces, team);
  await world.pass();
  await world.client.delete(serviceaccounts, { name: "default", namespace: "team" });
  const published = await world.client.get(configmaps, { name: "kube-root-ca.crt", namespace: "team" });
  await world.client.update(configmaps, { ...published, data: {} });
  await world.pass();
  assert.equal((await world.client.list(serviceaccounts, { namespace: "team" })).items.length, 1);
  assert.deepEqual((await world.client.get(configmaps, { name: "kube-root-ca.crt", namespace: "team" })).data, { "ca.crt": "PEM" });
});

test("pods go first, what has finalizers is told, and then the namespace is gone", async () => {
  using world = new World([serviceAccountController, rootCaPublisher("PEM"), namespaceController]);
  await world.client.create(namespaces, team);
  await world.client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "team" }, spec: { nodeName: "n", containers: [] } });
  await world.client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept", namespace: "team", finalizers: ["example.com/keep"] } });
  await world.pass();
  await world.client.delete(namespaces, { name: "team" });
  await world.pass(1000);
  const condition = async (type: string) => (await world.client.get(namespaces, { name: "team" })).status?.conditions?.find((each) => each.type === type);
  assert.equal((await condition("NamespaceContentRemaining"))?.message, "Some resources are remaining: pods. has 1 resource instances");
  assert.equal((await world.client.list(configmaps, { namespace: "team" })).items.length, 2);

  await world.kubelet();
  await world.pass(1000);
  assert.equal((await condition("NamespaceFinalizersRemaining"))?.message, "Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances");
  const kept = await world.client.get(configmaps, { name: "kept", namespace: "team" });
  await world.client.update(configmaps, { ...kept, metadata: { ...kept.metadata, finalizers: [] } });
  await world.pass(5000);
  await assert.rejects(world.client.get(namespaces, { name: "team" }), isNotFound);
  assert.deepEqual(world.errors, []);
});
