/** Server-side apply and patches over HTTP/2, as client libraries send them: who owns what afterwards, and what the client hears. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

let started: TestServer;
before(async () => void (started = await startTestServer()));
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

interface Answer { readonly code: number; readonly body: KubeObject & { readonly message?: string; readonly data?: Readonly<Record<string, string>>; readonly spec?: Readonly<Record<string, unknown>> }; readonly warnings: string }

async function send(method: "PATCH" | "POST", path: string, type: string, body: unknown): Promise<Answer> {
  using response = await started.http.raw({
    method, path, headers: { "content-type": type, "user-agent": "tester/1" }, body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), signal: AbortSignal.timeout(20_000),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response.body) chunks.push(Buffer.from(chunk));
  return { code: response.status, body: JSON.parse(Buffer.concat(chunks).toString()) as Answer["body"], warnings: String(response.headers["warning"] ?? "") };
}
const patch = (path: string, type: string, body: unknown): Promise<Answer> => send("PATCH", path, type, body);
const apply = (path: string, body: unknown, manager = "me", query = ""): Promise<Answer> => patch(`${path}?fieldManager=${manager}${query}`, "application/apply-patch+yaml", body);
const core = "/api/v1/namespaces/default";
const configMap = (name: string, data: unknown, metadata: object = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data });
const owners = ({ metadata }: KubeObject) => (metadata.managedFields ?? []).map(({ manager, operation, apiVersion, subresource, time, fieldsV1 }) =>
  `${[manager, operation, apiVersion, ...(subresource === undefined ? [] : [subresource])].join(" ")}${time === undefined ? " (no time)" : ""} ${JSON.stringify(fieldsV1)}`);

test("an apply makes an object, and again changes nothing", async () => {
  const first = await apply(`${core}/configmaps/a`, configMap("a", { x: "1" }));
  assert.deepEqual([first.code, owners(first.body)], [201, ['me Apply v1 {"f:data":{"f:x":{}}}']]);
  const again = await apply(`${core}/configmaps/a`, configMap("a", { x: "1" }));
  assert.deepEqual(again, { ...first, code: 200 });
  const taken = await apply(`${core}/configmaps/a`, configMap("a", { x: "2" }), "other");
  assert.equal(taken.code, 409);
  assert.equal(taken.body.message, 'Apply failed with 1 conflict: conflict with "me": .data.x');
  const forced = await apply(`${core}/configmaps/a`, configMap("a", { x: "2" }), "other", "&force=true");
  assert.deepEqual(owners(forced.body), ['other Apply v1 {"f:data":{"f:x":{}}}']);
  const gone = await apply(`${core}/configmaps/a`, configMap("a", null), "other");
  assert.deepEqual([gone.code, gone.body.data], [200, undefined]);
});

for (const [what, path, body, query, code, message] of [
  ["no field manager", "bad", configMap("bad", {}), "?", 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
  ["another kind", "bad", { apiVersion: "v1", kind: "Secret", metadata: { name: "bad" } }, "", 400, "invalid object type: /v1, Kind=Secret"],
  ["no kind", "bad", {}, "", 400, "invalid object type: /, Kind="],
  ["no YAML", "bad", "a: b: c", "", 400, /^error decoding YAML: error converting YAML to JSON: yaml: /],
  ["a list", "bad", [1], "", 400, "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ["owned already", "bad", configMap("bad", {}, { managedFields: [] }), "", 400, "metadata.managedFields must be nil"],
  ["an unknown field, whatever the validation", "bad", { ...configMap("bad", {}), nope: 1 }, "&fieldValidation=Ignore", 400, "failed to create typed patch object (/bad; /v1, Kind=ConfigMap): .nope: field not declared in schema"],
  ["two wrong values", "bad", configMap("bad", { a: 1, b: true }), "", 400, "failed to create typed patch object (/bad; /v1, Kind=ConfigMap): errors:\n  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .data.b: expected string, got &value.valueUnstructured{Value:true}"],
  ["a field twice", "bad", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata:\n  a: b\n  a: c\n", "&fieldValidation=Strict", 400, 'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map'],
  ["a name that is not the URL's", "bad", configMap("worse", {}), "", 400, "the name of the object (worse) does not match the name on the URL (bad)"],
  ["no name", "bad", { apiVersion: "v1", kind: "ConfigMap" }, "", 400, "the name of the object (bad based on URL) was undeterminable: name must be provided"],
  ["a namespace that is not the URL's", "bad", configMap("bad", {}, { namespace: "else" }), "", 400, "the namespace of the provided object does not match the namespace sent on the request"],
  ["a uid of nothing", "bad", configMap("bad", {}, { uid: "u" }), "", 409, 'Operation cannot be fulfilled on configmaps "bad": uid mismatch: the provided object specified uid u, and no existing object was found'],
] as const) {
  test(`an apply with ${what} is refused`, async () => {
    const answer = await patch(`${core}/configmaps/${path}${query === "?" ? "" : `?fieldManager=me${query}`}`, "application/apply-patch+yaml", body);
    if (typeof message === "string") assert.equal(answer.body.message, message);
    else assert.match(answer.body.message ?? "", message);
    assert.equal(answer.code, code);
  });
}

test("what is no patch is refused as upstream's router does it", async () => {
  for (const type of ["application/json", "application/apply-patch+cbor", ""]) {
    const { code, body } = await patch(`${core}/configmaps/a`, type, {});
    assert.deepEqual([code, body.message], [415, "415: Unsupported Media Type"]);
  }
});

test("a Scale is applied, and its owner owns the replicas of the Deployment", async () => {
  const apps = "/apis/apps/v1/namespaces/default/deployments";
  const template = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const deployment = (spec: object) => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { selector: { matchLabels: { app: "x" } }, template, ...spec } });
  const scale = (replicas: number) => ({ apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web" }, spec: { replicas } });
  assert.equal((await apply(`${apps}/web/scale`, scale(1))).code, 404);
  await apply(`${apps}/web`, deployment({ replicas: 1 }));

  const refused = await apply(`${apps}/web/scale`, scale(5), "scaler");
  assert.deepEqual([refused.code, refused.body.message], [409, 'Apply failed with 1 conflict: conflict with "me": .spec.replicas']);
  const taken = await apply(`${apps}/web/scale`, scale(5), "scaler", "&force=true");
  assert.deepEqual([taken.code, taken.body.kind, taken.body.spec, taken.body.metadata.managedFields], [200, "Scale", { replicas: 5 }, undefined]);
  const scaled = (await patch(`${apps}/web`, "application/merge-patch+json", {})).body;
  assert.ok(owners(scaled).includes('scaler Apply apps/v1 scale (no time) {"f:spec":{"f:replicas":{}}}'), owners(scaled).join("\n"));
  assert.ok(!JSON.stringify(scaled.metadata.managedFields?.find(({ manager }) => manager === "me")).includes("f:replicas"));
  assert.equal((await apply(`${apps}/web`, deployment({}))).body.spec?.["replicas"], 5);

  await patch(`${apps}/web/scale`, "application/merge-patch+json", { spec: { replicas: 2 } });
  const again = (await patch(`${apps}/web`, "application/merge-patch+json", {})).body;
  assert.ok(owners(again).includes('tester Update apps/v1 scale (no time) {"f:spec":{"f:replicas":{}}}'), owners(again).join("\n"));
  assert.ok(!owners(again).some((each) => each.startsWith("scaler")));
  assert.equal((await patch(`${apps}/web/scale?force=true`, "application/merge-patch+json", {})).body.message, 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch');
});

test("status and the rest have owners of their own; a Deployment's status does not touch labels", async () => {
  const path = "/apis/apps/v1/namespaces/default/deployments/web";
  const status = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", labels: { from: "status" } }, spec: { replicas: 99 }, status: { observedGeneration: 7 } };
  const { code, body } = await apply(`${path}/status`, status, "reporter");
  assert.deepEqual([code, body.metadata.labels, body.spec?.["replicas"]], [200, undefined, 2]);
  assert.ok(owners(body).includes('reporter Apply apps/v1 status {"f:status":{"f:observedGeneration":{}}}'), owners(body).join("\n"));
  assert.equal((await apply("/apis/apps/v1/namespaces/default/deployments/nope/status", { ...status, metadata: { name: "nope" } })).code, 404);
});

test("an object in two versions has owners in both", async () => {
  const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const target = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  const made = await send("POST", path("v1"), "application/json", { apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler", metadata: { name: "h" }, spec: { maxReplicas: 3, scaleTargetRef: target, targetCPUUtilizationPercentage: 80 } });
  assert.match(owners(made.body).join("\n"), /^tester Update autoscaling\/v1 .*f:targetCPUUtilizationPercentage/);
  const conflict = await apply(`${path("v2")}/h`, { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "h" }, spec: { maxReplicas: 9, scaleTargetRef: target } });
  assert.equal(conflict.body.message, 'Apply failed with 1 conflict: conflict with "tester" using autoscaling/v1: .spec.maxReplicas');
});

test("values in another form than the stored one are taken as what they are", async () => {
  const pod = (cpu: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", creationTimestamp: null }, spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu } }, ports: [{ containerPort: 80 }] }] } });
  const first = await apply(`${core}/pods/p`, pod("1000m"));
  const again = await apply(`${core}/pods/p`, pod("1000m"));
  assert.equal(first.code, 201, first.body.message ?? "");
  assert.match(owners(first.body).join(""), /k:\{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"\}/);
  assert.deepEqual([again.code, again.body.metadata.resourceVersion], [200, first.body.metadata.resourceVersion]);
});

test("entries that somebody resets, empties or breaks", async () => {
  const path = `${core}/configmaps/reset`;
  await apply(path, configMap("reset", { a: "1" }));
  const broken = await patch(path, "application/merge-patch+json", { metadata: { managedFields: [{ manager: "x", operation: "Nope" }] } });
  assert.deepEqual(owners(broken.body), ['me Apply v1 {"f:data":{"f:a":{}}}']);
  const reset = await patch(path, "application/merge-patch+json", { metadata: { managedFields: [{}] } });
  assert.equal(reset.body.metadata.managedFields, undefined);
  await patch(path, "application/merge-patch+json", { data: { b: "2" } });
  // Who comes to own something without changing it has no time, as upstream has it.
  const after = await apply(path, configMap("reset", { a: "1" }));
  assert.deepEqual(owners(after.body), ['me Apply v1 (no time) {"f:data":{"f:a":{}}}', 'before-first-apply Update v1 {"f:data":{".":{},"f:a":{},"f:b":{}}}']);
});
