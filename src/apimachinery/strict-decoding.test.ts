import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJsonStrict } from "./json.ts";
import type { ObjectSchema, SchemaLookup } from "./schema.ts";
import { decodeStrict } from "./strict-decoding.ts";

const text = { is: "scalar", type: "string" } as const;
const types: Readonly<Record<string, ObjectSchema>> = {
  "io.k8s.api.core.v1.Pod": {
    name: "io.k8s.api.core.v1.Pod",
    fields: {
      apiVersion: { type: text }, kind: { type: text }, spec: { type: { is: "ref", name: "io.k8s.api.core.v1.PodSpec" } },
      labels: { type: { is: "map", of: text } }, created: { type: { is: "special", type: "Time", name: "Time" } }, data: { type: { is: "map", of: { is: "scalar", type: "string", format: "byte" } } },
    },
  },
  "io.k8s.api.core.v1.PodSpec": {
    name: "io.k8s.api.core.v1.PodSpec",
    fields: {
      containers: { type: { is: "list", of: { is: "ref", name: "io.k8s.api.core.v1.Container" } }, required: true }, hostNetwork: { type: { is: "scalar", type: "boolean" }, pointer: true },
      priority: { type: { is: "scalar", type: "integer", format: "int32" } },
    },
  },
  "io.k8s.api.core.v1.Container": {
    name: "io.k8s.api.core.v1.Container",
    fields: { name: { type: text }, args: { type: { is: "list", of: text } }, port: { type: { is: "special", type: "IntOrString", name: "IntOrString" } }, limits: { type: { is: "map", of: { is: "special", type: "Quantity", name: "Quantity" } } } },
  },
};
const schemas: SchemaLookup = { type: (name) => types[name], kind: () => undefined };
const pod = types["io.k8s.api.core.v1.Pod"] ?? assert.fail();
const decode = (json: string) => {
  const { value, duplicates } = parseJsonStrict(json);
  return decodeStrict(value, pod, { schemas, duplicates });
};

test("objects are normalized", () => {
  for (const [json, expected] of [
    ['{"kind":"Pod","spec":{"containers":[{"name":"a","args":[],"limits":{"cpu":0.5,"memory":"1024Mi"}}],"hostNetwork":null},"labels":{}}', { kind: "Pod", spec: { containers: [{ name: "a", limits: { cpu: "500m", memory: "1Gi" } }] } }],
    ['{"spec":{"containers":[]}}', { spec: { containers: [] } }],
    ['{"created":"2026-01-01T02:00:00.5+01:00","labels":{"a":null}}', { created: "2026-01-01T01:00:00Z", labels: { a: "" } }],
    ['{"spec":{"containers":[null,{"port":"http"},{"port":80}]}}', { spec: { containers: [{}, { port: "http" }, { port: 80 }] } }],
    ['{"data":{"a":"aGk="}}', { data: { a: "aGk=" } }],
  ] as const) assert.deepEqual(decode(json).object, expected, json);
});

test("wrong types", () => {
  for (const [json, message] of [
    ['{"spec":{"containers":"x"}}', "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container"],
    ['{"spec":{"containers":[{"name":5}]}}', "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string"],
    ['{"spec":[]}', "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"],
    ['{"spec":{"priority":3000000000}}', "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32"],
    ['{"spec":{"priority":1.5}}', "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32"],
    ['{"spec":{"hostNetwork":"yes"}}', "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"],
    ['{"labels":{"a":1}}', "json: cannot unmarshal number into Go struct field Pod.labels of type string"],
    ["[]", "json: cannot unmarshal array into Go value of type v1.Pod"],
    ['{"spec":{"containers":[{"limits":{"cpu":"a"}}]}}', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['{"created":"x"}', 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ['{"data":{"a":"a?="}}', "illegal base64 data at input byte 1"],
  ] as const) assert.throws(() => decode(json), { message }, json);
});

test("unknown and duplicate fields are told in order", () => {
  const { object, strict, unknown, duplicate } = decode(
    '{"foo":{"x":1,"x":2},"spec":{"hostNetwork":true,"hostNetwork":false,"bar":1,"containers":[{"nme":"a","name":"b"}]},"labels":{"a":"1","a":"2"},"foo":2}',
  );
  assert.deepEqual(object, { spec: { hostNetwork: false, containers: [{ name: "b" }] }, labels: { a: "2" } });
  assert.deepEqual(strict, ['unknown field "foo"', 'duplicate field "spec.hostNetwork"', 'unknown field "spec.bar"', 'unknown field "spec.containers[0].nme"', 'duplicate field "labels.a"']);
  assert.deepEqual([unknown.length, duplicate.length], [3, 2]);
});
