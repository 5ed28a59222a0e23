import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apimachinery/object.ts";
import { CacheEntry, StoredForm } from "./cache-entry.ts";
import { sharedObject } from "./shared-object.ts";

const form = () => new StoredForm({ group: "", version: "v1", kind: "Pod" }, undefined, { parsed: 2, parsedBytes: 1 << 20, forms: 2, formBytes: 1 << 20 });
const pod = (name: string, more: object = {}): KubeObject => ({
  kind: "Pod", apiVersion: "v1",
  metadata: {
    name, namespace: "default", uid: `uid-of-${name}`, labels: { app: "web" }, annotations: { long: "x".repeat(500) }, creationTimestamp: "2026-01-01T00:00:00Z",
    managedFields: [{ manager: "m", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { "f:spec": {} } }],
  },
  spec: { nodeName: "node-1", containers: [{ name: "main" }] }, status: { phase: "Running" }, ...more,
}) as KubeObject;
const stored = (object: KubeObject, of = form()) => new CacheEntry(of, `default/${object.metadata.name}`, 7, of.encode(object));
const withVersion = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, resourceVersion: "7" } });

test("a shared object is to its readers what the whole one is", () => {
  const whole = withVersion(pod("a"));
  const { shared } = stored(pod("a"));
  assert.deepEqual(shared, whole);
  assert.deepEqual({ ...shared, metadata: { ...shared.metadata } }, whole);
  assert.deepEqual(structuredClone(shared), whole);
  assert.deepEqual(JSON.parse(JSON.stringify(shared)), whole);
  assert.deepEqual(Object.keys(shared).toSorted(), Object.keys(whole).toSorted());
});

test("what lies deep, and only that, is asked of the source, each time", () => {
  let asked = 0;
  const whole = withVersion(pod("a"));
  const shared = sharedObject({
    get object() {
      asked++;
      return whole;
    },
  }) as KubeObject & { readonly spec: { readonly nodeName: string } };
  assert.equal(asked, 1);
  assert.equal(`${shared.kind} ${shared.metadata.name} ${shared.metadata.labels?.["app"]} ${shared.metadata.resourceVersion}`, "Pod a web 7");
  assert.equal(asked, 1);
  assert.equal(shared.spec.nodeName, "node-1");
  assert.equal(shared.metadata.managedFields?.length, 1);
  assert.equal(shared.metadata.annotations?.["long"]?.length, 500);
  assert.equal(asked, 4);
});

test("objects of one set share their labels and owners", () => {
  const of = form();
  const [one, other] = ["a", "b"].map((name) => stored(pod(name), of).shared);
  assert.equal(one?.metadata.labels, other?.metadata.labels);
  assert.notEqual(one?.metadata.name, other?.metadata.name);
});

test("only the last objects stay parsed; the others are parsed again, and are the same", () => {
  const of = form();
  const entries = ["a", "b", "c", "d"].map((name) => stored(pod(name), of));
  const first = entries.map(({ object }) => object);
  assert.deepEqual(entries.map((entry, index) => entry.object === first[index]), [false, false, false, false]);
  const last = entries.at(-1);
  assert.equal(last?.object, last?.object);
  assert.deepEqual(entries.map(({ object }) => object), first);
  assert.equal(entries[0]?.shared, entries[0]?.shared);
});

test("other forms are kept for the last that had any, and made again for the others", () => {
  const of = form();
  const entries = ["a", "b", "c"].map((name) => stored(pod(name), of));
  let made = 0;
  const text = (entry: CacheEntry) => entry.bytes("text", () => {
    made++;
    return Buffer.from(entry.key);
  }).toString();
  for (const entry of entries) assert.equal(text(entry), entry.key);
  for (const entry of entries.toReversed()) assert.equal(text(entry), entry.key);
  assert.equal(made, 4);
});

test("the same state under a later revision is made from the bytes", () => {
  for (const seen of [false, true]) {
    const entry = stored(pod("a"));
    if (seen) assert.ok(entry.jsonLine.length > 0 && entry.object);
    const later = entry.at(12);
    assert.deepEqual(later.object, { ...pod("a"), metadata: { ...pod("a").metadata, resourceVersion: "12" } });
    assert.deepEqual(JSON.parse(later.jsonLine.toString()), later.object);
  }
});
