import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import type { KubeObject } from "../apimachinery/object.ts";
import { encodeWatchFrame } from "../apimachinery/protobuf/codec.ts";
import { isStatusError } from "../apimachinery/status-error.ts";
import { decodeProtobuf, encodeProtobuf, protobufCodec } from "./protobuf.ts";

const golden = join(import.meta.dirname, "../../../shared/reference/golden");
const names = existsSync(golden) ? readdirSync(golden).filter((file) => file.endsWith(".pb")).map((file) => file.slice(0, -".pb".length)) : [];
const skip = names.length > 0 ? false : "the reference data of Kubernetes (../shared) is not here";

test("there is reference data to compare with", { skip }, () => assert.ok(names.length >= 180));

test("core.v1.WatchEvent: its envelope names no kind", { skip }, () => {
  const type = { apiVersion: "v1", kind: "WatchEvent" };
  const json = JSON.parse(readFileSync(join(golden, "core.v1.WatchEvent.json"), "utf8")) as object;
  assert.deepEqual(decodeProtobuf(readFileSync(join(golden, "core.v1.WatchEvent.pb")), type), { ...type, ...json });
  assert.deepEqual(decodeProtobuf(encodeProtobuf({ ...type, ...json })), { ...type, ...json });
});

for (const name of names.filter((each) => each !== "core.v1.WatchEvent")) {
  test(`${name}: JSON, YAML and protobuf are one object`, () => {
    const json = JSON.parse(readFileSync(join(golden, `${name}.json`), "utf8")) as KubeObject;
    const bytes = readFileSync(join(golden, `${name}.pb`));
    assert.deepEqual(parseYaml(readFileSync(join(golden, `${name}.yaml`), "utf8")), json, "YAML");
    assert.deepEqual(decodeProtobuf(bytes), json, "protobuf to JSON");
    assert.deepEqual(decodeProtobuf(encodeProtobuf(json)), json, "JSON to protobuf and back");
    assert.equal(encodeProtobuf(json).toString("hex"), bytes.toString("hex"), "JSON to protobuf, byte for byte");
  });
}

const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", creationTimestamp: null }, spec: { containers: [{ name: "größer", image: "x".repeat(100) }], terminationGracePeriodSeconds: 0, nodeSelector: { b: "", a: "1" } } } as const;

test("zero and absent are kept apart where upstream has pointers, and nowhere else", () => {
  const { creationTimestamp: _, ...metadata } = pod.metadata;
  assert.deepEqual(decodeProtobuf(encodeProtobuf(pod)), { ...pod, metadata });
  const spec = { ...pod.spec, hostNetwork: false, hostname: "" };
  assert.deepEqual(decodeProtobuf(encodeProtobuf({ ...pod, spec })), { ...pod, metadata }, "zero of a field that is no pointer");
});

test("null in a map or a list is the zero value", () => {
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a", labels: { x: null }, finalizers: [null] }, spec: { containers: [null], nodeSelector: null } };
  assert.deepEqual(decodeProtobuf(encodeProtobuf(object)), { apiVersion: "v1", kind: "Pod", metadata: { name: "a", labels: { x: "" }, finalizers: [""] }, spec: { containers: [{}] } });
});

test("negative and large integers", () => {
  const priority = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "low", generation: 2 ** 52 + 1 }, value: -2_147_483_648 };
  assert.deepEqual(decodeProtobuf(encodeProtobuf(priority)), priority);
});

test("a list is the bodies of its items in one envelope", () => {
  const list = { apiVersion: "v1", kind: "PodList", metadata: { resourceVersion: "7" }, items: [{ metadata: { name: "a" }, spec: { containers: [] } }, { metadata: { name: "b" } }] };
  const bodies = list.items.map((item) => protobufCodec.encodeBody(item, { apiVersion: "v1", kind: "Pod" }));
  assert.equal(protobufCodec.encodeList(list, bodies).toString("hex"), encodeProtobuf(list).toString("hex"));
});

test("a watch frame says its length, then the event", () => {
  const frame = encodeWatchFrame("ADDED", encodeProtobuf(pod));
  assert.equal(frame.readUInt32BE(0), frame.length - 4);
  assert.equal(frame.toString("latin1", 6, 11), "ADDED");
});

test("what is not protobuf, or ends early, is a bad request; custom kinds are not acceptable", () => {
  const bytes = encodeProtobuf(pod);
  for (const bad of [Buffer.from("{}"), Buffer.alloc(0), bytes.subarray(0, bytes.length - 20), Buffer.concat([bytes.subarray(0, 4), Buffer.from([0xff, 0xff])])]) {
    assert.throws(() => decodeProtobuf(bad), (error) => isStatusError(error, "BadRequest"));
  }
  assert.throws(() => encodeProtobuf({ apiVersion: "example.com/v1", kind: "Widget" }), (error) => isStatusError(error, "NotAcceptable"));
  assert.equal(protobufCodec.has({ apiVersion: "v1", kind: "Pod" }), true);
  assert.equal(protobufCodec.has({ apiVersion: "example.com/v1", kind: "Widget" }), false);
});

test("a schema that nests without end does not take the server down", () => {
  let type: unknown = { type: "object" };
  for (let level = 0; level < 3000; level++) type = { not: type };
  const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "x" }, spec: { group: "", scope: "", names: { plural: "", kind: "" }, versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: type } }] } };
  assert.throws(() => decodeProtobuf(encodeProtobuf(definition)), (error) => isStatusError(error, "BadRequest"));
  assert.deepEqual(decodeProtobuf(encodeProtobuf(pod)).kind, "Pod");
});

test("damaged bytes are a bad request or another object, never anything else", { skip }, () => {
  const bytes = names.filter((name) => /^(core|apps|apiextensions)/.test(name)).map((name) => readFileSync(join(golden, `${name}.pb`)));
  fc.assert(fc.property(fc.constantFrom(...bytes), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), (whole, changes) => {
    const damaged = Buffer.from(whole);
    for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
    try {
      decodeProtobuf(damaged);
    } catch (error) {
      assert.ok(isStatusError(error, "BadRequest"), String(error));
    }
  }), { numRuns: 2000 });
});
