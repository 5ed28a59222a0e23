import assert from "node:assert/strict";
import { test } from "node:test";
import { configmaps, type ConfigMap } from "../../api/generated/core-v1.ts";
import type { OwnerReference } from "../../apimachinery/object.ts";
import { World } from "../testing/world.ts";
import { garbageCollector } from "./garbage-collector.ts";

const owner = ({ metadata: { name = "", uid = "" } }: ConfigMap, more: Partial<OwnerReference> = {}): OwnerReference => ({ apiVersion: "v1", kind: "ConfigMap", name, uid, blockOwnerDeletion: true, ...more });

async function world() {
  const made = new World([garbageCollector]);
  await made.pass();
  const make = (name: string, owners: readonly OwnerReference[] = [], namespace = "default") =>
    made.client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, ...(owners.length > 0 && { ownerReferences: owners }) } });
  const names = async () => (await made.client.list(configmaps)).items.map(({ metadata }) => `${metadata.name}${metadata.ownerReferences?.length ? `<${metadata.ownerReferences.map(({ name }) => name).join()}` : ""}`).toSorted().join(" ");
  const remove = async (name: string, propagationPolicy: "Background" | "Foreground" | "Orphan") => {
    await made.client.delete(configmaps, { name, namespace: "default" }, { propagationPolicy });
    await made.pass(1000);
  };
  return { made, make, names, remove };
}

test("background: dependents of dependents go too; those with another owner stay and are released", async () => {
  const { made, make, names, remove } = await world();
  using _ = made;
  const a = await make("a");
  const other = await make("other");
  const b = await make("b", [owner(a)]);
  await make("c", [owner(b)]);
  await make("d", [owner(a), owner(other)]);
  await made.pass();
  assert.equal(await names(), "a b<a c<b d<a,other other");
  await remove("a", "Background");
  assert.equal(await names(), "d<other other");
  assert.deepEqual(made.errors, []);
});

test("foreground: the owner goes last", async () => {
  const { made, make, names, remove } = await world();
  using _ = made;
  const a = await make("a");
  const b = await make("b", [owner(a)]);
  const held = await make("c", [owner(b)]);
  const kept = await made.client.update(configmaps, { ...held, metadata: { ...held.metadata, finalizers: ["example.com/keep"] } });
  await remove("a", "Foreground");
  assert.equal(await names(), "a b<a c<b");
  const now = await made.client.get(configmaps, { name: "c", namespace: "default" });
  assert.ok(now.metadata.deletionTimestamp);
  await made.client.update(configmaps, { ...now, metadata: { ...now.metadata, finalizers: (now.metadata.finalizers ?? []).filter((each) => !kept.metadata.finalizers?.includes(each)) } });
  await made.pass(1000);
  assert.equal(await names(), "");
  assert.deepEqual(made.errors, []);
});

test("orphan: dependents stay, without their owner", async () => {
  const { made, make, names, remove } = await world();
  using _ = made;
  await make("b", [owner(await make("a"))]);
  await made.pass();
  await remove("a", "Orphan");
  assert.equal(await names(), "b");
});

test("a circle of owners ends in the foreground", async () => {
  const { made, make, names, remove } = await world();
  using _ = made;
  const a = await make("a");
  const b = await make("b", [owner(a)]);
  const c = await make("c", [owner(b)]);
  await made.client.update(configmaps, { ...a, metadata: { ...a.metadata, ownerReferences: [owner(c)] } });
  await made.pass();
  await remove("a", "Foreground");
  assert.equal(await names(), "");
});

test("an owner that never was, of another namespace, or of an unknown kind", async () => {
  const { made, make, names } = await world();
  using _ = made;
  const elsewhere = await make("elsewhere", [], "other");
  await make("lost", [{ apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "no-such" }]);
  await make("astray", [owner(elsewhere)]);
  await make("custom", [{ apiVersion: "example.com/v1", kind: "Thing", name: "a", uid: "x" }]);
  await made.pass(1000);
  assert.equal(await names(), "custom<a elsewhere");
});
