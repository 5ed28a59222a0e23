import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { splitApiVersion, type KubeObject } from "../apimachinery/object.ts";
import { decodeWatchEvent, encodeWatchFrame } from "../apimachinery/protobuf/watch-frame.ts";
import { isStatusError } from "../apimachinery/status-error.ts";
import { decodeStrict } from "../apimachinery/strict-decoding.ts";
import { formatYaml, parseYamlStrict } from "../apimachinery/yaml.ts";
import { decodeProtobuf, encodeProtobuf, protobufCodec } from "./protobuf.ts";
import { schemas } from "./schemas.ts";

const golden = join(import.meta.dirname, "../../../shared/reference/golden");
const names = existsSync(golden) ? readdirSync(golden).filter((file) => file.endsWith(".pb")).map((file) => file.slice(0, -".pb".length)) : [];
const skip = names.length > 0 ? false : "the reference data of Kubernetes (../shared) is not here";

test("there is reference data to compare with", { skip }, () => assert.ok(names.length >= 180));

/** Objects of this kind do not say what they are, in no encoding: whoever reads them knows it. */
const nameless = new Map([["core.v1.WatchEvent", { apiVersion: "v1", kind: "WatchEvent" }]]);

for (const name of names) {
  test(`${name}: JSON, YAML and protobuf are one object`, () => {
    const type = nameless.get(name);
    const json = { ...type, ...(JSON.parse(readFileSync(join(golden, `${name}.json`), "utf8")) as KubeObject) };
    const bytes = readFileSync(join(golden, `${name}.pb`));
    const yaml = readFileSync(join(golden, `${name}.yaml`), "utf8");
    assert.deepEqual({ ...type, ...(parseYamlStrict(yaml).value as object) }, json, "YAML");
    assert.equal(formatYaml(Object.fromEntries(Object.entries(json).filter(([key]) => !type || !(key in type)))), yaml, "JSON to YAML, byte for byte");
    assert.deepEqual(decodeProtobuf(bytes, type), json, "protobuf to JSON");
    assert.deepEqual(decodeProtobuf(encodeProtobuf(json), type), json, "JSON to protobuf and back");
    const { group, version } = splitApiVersion(json.apiVersion);
    const schema = schemas.kind(group, version, json.kind);
    assert.ok(schema);
    // What only has a protobuf form has no fields for what it is.
    const { kind, apiVersion, ...fields } = json;
    const { object, strict } = decodeStrict(fields, schema, { schemas });
    assert.deepEqual({ kind, apiVersion, ...object }, json, "JSON by its type");
    assert.deepEqual(strict, []);
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

test("zero is written where Go always writes it", () => {
  const set = { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "a" }, spec: { selector: {}, serviceName: "", template: { spec: { containers: [], imagePullSecrets: [{ name: "" }] } } } };
  const read = decodeProtobuf(encodeProtobuf(set)) as unknown as typeof set;
  assert.deepEqual([read.spec.serviceName, read.spec.template.spec.imagePullSecrets], ["", [{}]]);
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
  const { type, object } = decodeWatchEvent(frame.subarray(4));
  assert.deepEqual([type, decodeProtobuf(object).kind], ["ADDED", "Pod"]);
  assert.throws(() => decodeWatchEvent(frame.subarray(4, frame.length - 1)), (error) => isStatusError(error, "BadRequest"));
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

test("the verbs of a resource are a message around the list, as upstream's clients read them", () => {
  const list = { apiVersion: "v1", kind: "APIResourceList", groupVersion: "v1", resources: [{ name: "pods", singularName: "", namespaced: true, kind: "Pod", verbs: ["get", "list"] }] };
  const bytes = encodeProtobuf(list);
  // Field 4 of meta/v1 APIResource is `Verbs`, whose field 1 repeats (generated.proto of apimachinery).
  assert.ok(bytes.includes(Buffer.concat([Buffer.from([0x22, 11, 0x0a, 3]), Buffer.from("get"), Buffer.from([0x0a, 4]), Buffer.from("list")])), bytes.toString("hex"));
  assert.deepEqual(decodeProtobuf(bytes), list);
});
