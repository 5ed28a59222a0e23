import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { startTestServer, type TestServer } from "./fixture.ts";

let shared: TestServer;
before(async () => void (shared = await startTestServer()));
after(async () => {
  assert.deepEqual(shared.complaints, []);
  await shared[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

async function send(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS", path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  using response = await shared.http.raw({ method, path, headers: { ...type, ...headers }, ...(body !== undefined && { body }) });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
const messageOf = ({ text }: Answer): string => (JSON.parse(text) as { message: string }).message;
const configMaps = "/api/v1/namespaces/default/configmaps";

test("bad requests are told in upstream's words, and store nothing", async () => {
  const before = shared.store.revision;
  const cases: readonly (readonly [name: string, sent: Parameters<typeof send>, status: number, message: RegExp])[] = [
    ["no JSON", ["POST", configMaps, "{"], 400, /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: unexpected end of JSON input \(\{\)$/],
    ["nothing", ["POST", configMaps, ""], 400, /unexpected end of JSON input \(<empty>\)$/],
    ["another kind", ["POST", configMaps, '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}'], 400, /^Pod in version "v1" cannot be handled as a ConfigMap/],
    ["an unknown kind", ["POST", configMaps, '{"apiVersion":"v1","kind":"Nope","metadata":{"name":"a"}}'], 400, /^Nope in version "v1" cannot be handled as a ConfigMap: no kind "Nope" is registered for version "v1"/],
    ["a wrong type", ["POST", configMaps, '{"metadata":{"name":"a"},"data":{"a":1}}'], 400, /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap\.data of type string$/],
    ["unknown fields", ["POST", `${configMaps}?fieldValidation=Strict`, '{"metadata":{"name":"a"},"nope":1}'], 400, /strict decoding error: unknown field "nope"$/],
    ["deep nesting", ["POST", configMaps, `${'{"a":'.repeat(10_001)}1${"}".repeat(10_001)}`], 400, /exceeded max depth/],
    ["a wrong content type", ["POST", configMaps, "a=b", { "content-type": "application/x-www-form-urlencoded" }], 415, /^the body of the request was in an unknown format - accepted media types include: application\/json, application\/yaml, application\/vnd\.kubernetes\.protobuf$/],
    ["no such form", ["GET", configMaps, undefined, { accept: "text/html" }], 406, /^406: Not Acceptable\n\nAvailable representations: application\/json, application\/yaml, application\/vnd\.kubernetes\.protobuf, application\/json;stream=watch, application\/vnd\.kubernetes\.protobuf;stream=watch$/],
    ["too large", ["POST", configMaps, `{"metadata":{"name":"a"},"data":{"a":"${"x".repeat(3 * 1024 * 1024)}"}}`], 413, /^Request entity too large: limit is 3145728$/],
    ["an unknown resource", ["GET", "/api/v1/namespaces/default/nopes"], 404, /^the server could not find the requested resource$/],
    ["a method that is not", ["PUT", configMaps, "{}"], 405, /^the server does not allow this method on the requested resource$/],
    ["a patch of no type", ["PATCH", `${configMaps}/kube-root-ca.crt`, "{}"], 415, /^415: Unsupported Media Type$/],
    ["a selector that is none", ["GET", `${configMaps}?labelSelector=a%20b`], 400, /^unable to parse requirement/],
    ["a field that selects nothing", ["GET", `${configMaps}?fieldSelector=data.a%3Db`], 400, /^"data\.a" is not a known field selector: only "metadata\.name", "metadata\.namespace"$/],
    ["a revision that is no number", ["GET", `${configMaps}?resourceVersion=x`], 400, /resourceVersion/],
    ["names that differ", ["PUT", `${configMaps}/a`, '{"metadata":{"name":"b"}}'], 400, /^the name of the object \(b\) does not match the name on the URL \(a\)$/],
    ["an unknown dry run", ["POST", `${configMaps}?dryRun=Some`, '{"metadata":{"name":"b"}}'], 422, /dryRun: Unsupported value/],
  ];
  for (const [name, sent, status, message] of cases) {
    const answer = await send(...sent);
    assert.equal(answer.status, status, `${name}: ${answer.text.slice(0, 300)}`);
    assert.match(messageOf(answer), message, name);
  }
  assert.equal(shared.store.revision, before);
});

test("paths that are nobody's, and those that are below somebody's", async () => {
  for (const path of ["/nope", "/apis/nope.example.com/v1/things", "/apis/nope.example.com", "//api/v1/pods", "/healthz/nope"]) {
    const answer = await send("GET", path);
    assert.deepEqual([answer.status, answer.text], [404, "404 page not found\n"], path);
  }
  for (const path of ["/api/v9", "/api/v9/pods", "/api//v1/pods", "/apis/apps/v9", "/apis/apps/v9/deployments", "/version/nope", `${configMaps}/a/nope`, `${configMaps}/a%2Fnope`, "/api/v1/namespaces/default/pods/a/status/b", "/api/v1/pods/a"]) {
    const answer = await send("GET", path);
    assert.deepEqual([answer.status, messageOf(answer)], [404, "the server could not find the requested resource"], path);
  }
});

test("what is there to be read takes no other method", async () => {
  for (const [method, path] of [["POST", "/version"], ["PUT", "/api"], ["POST", "/api/v1"], ["DELETE", "/apis/apps/v1"], ["HEAD", "/api/v1"], ["HEAD", configMaps], ["OPTIONS", configMaps], ["POST", "/api/v1/watch/pods"], ["POST", "/api/v1/pods"]] as const) {
    const answer = await send(method, path, method === "POST" ? "{}" : undefined);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.text === "" ? "" : messageOf(answer), method === "HEAD" ? "" : "the server does not allow this method on the requested resource");
    assert.equal(answer.headers["allow"], undefined);
  }
});

test("health is told check by check", async () => {
  const hooks = ["start-system-namespaces-controller", "bootstrap-controller", "start-kubernetes-service-cidr-controller", "start-service-ip-repair-controllers", "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes", "start-cluster-authentication-info-controller"].map((each) => `poststarthook/${each}`);
  for (const [kind, names] of [["livez", ["ping", "etcd", ...hooks]], ["readyz", ["ping", "etcd", "etcd-readiness", "informer-sync", ...hooks, "shutdown"]]] as const) {
    const lines = names.map((each) => `[+]${each} ok\n`).join("");
    assert.equal((await send("GET", `/${kind}?verbose`)).text, `${lines}${kind} check passed\n`);
    for (const each of names) assert.deepEqual(await send("GET", `/${kind}/${each}`).then(({ status, text }) => [status, text]), [200, "ok"], each);
  }
  const excluded = await send("GET", "/readyz?verbose&exclude=etcd&exclude=nope");
  assert.match(excluded.text, /^\[\+\]ping ok\n\[\+\]etcd excluded: ok\n[\s\S]*warn: some health checks cannot be excluded: no matches for "nope"\nreadyz check passed\n$/);
  assert.equal((await send("GET", "/livez/informer-sync")).status, 404);
});

test("OpenAPI comes in the form that is asked for, once per version of it", async () => {
  const [v2, v3] = [2, 3].map((version) => `application/com.github.proto-openapi.spec.v${version}@v1.0+protobuf`);
  const index = JSON.parse((await send("GET", "/openapi/v3")).text) as { paths: Record<string, { serverRelativeURL: string }> };
  const url = index.paths["apis/apps/v1"]?.serverRelativeURL ?? "";
  const document = await send("GET", url);
  assert.deepEqual([document.status, document.headers["content-type"], document.headers["cache-control"], document.headers["vary"]], [200, "application/json", "public, immutable", "Accept-Encoding, Accept"]);
  assert.equal(document.headers["etag"], `"${url.split("hash=")[1]}"`);
  assert.equal((await send("GET", url, undefined, { "if-none-match": String(document.headers["etag"]) })).status, 304);
  const old = await send("GET", "/openapi/v3/apis/apps/v1?hash=OLD");
  assert.deepEqual([old.status, old.headers["location"]], [301, url]);
  for (const [path, accept, type] of [
    ["/openapi/v2", v2, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"], ["/openapi/v3/apis/apps/v1", v3, "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"],
    ["/openapi/v3/apis/apps/v1", `application/json;q=0.1,${v3}`, "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"], ["/openapi/v2", "*/*", "application/json"],
  ] as const) {
    const { status, headers } = await send("GET", path, undefined, { accept: accept ?? "" });
    assert.deepEqual([status, headers["content-type"]], [200, type], `${path} ${accept}`);
  }
  for (const path of ["/openapi/v2", "/openapi/v3/apis/apps/v1"]) assert.equal((await send("GET", path, undefined, { accept: "text/html" })).status, 406);
  assert.equal((await send("GET", "/openapi/v3/apis/nope/v1")).status, 404);
});

test("every answer names its request, and is not to be kept", async () => {
  for (const [path, accept] of [[configMaps, "*/*"], ["/nope", "*/*"], [configMaps, "text/html"], ["/version", "*/*"], ["/metrics", "*/*"], ["/openapi/v3", "*/*"], ["/readyz", "*/*"]] as const) {
    const { headers } = await send("GET", path, undefined, { accept, "audit-id": "of-the-client" });
    assert.deepEqual([headers["cache-control"], headers["audit-id"]], ["no-cache, private", "of-the-client"], path);
    assert.match(String(headers["date"]), / GMT$/);
  }
  assert.equal((await send("GET", "/apis", undefined, { accept: "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io" })).headers["cache-control"], "public");
});

test("who is nobody gets no further than health", async () => {
  const get = (path: string, headers: Record<string, string> = {}) => new Promise<Answer>((resolve, reject) => {
    httpsRequest(`${shared.url}${path}`, { ca: shared.ca, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    }).on("error", reject).end();
  });
  assert.deepEqual((await get("/readyz")).text, "ok");
  assert.equal((await get("/api/v1/pods")).status, 401);
  assert.equal((await get("/api/v1/pods", { authorization: "Bearer forged" })).status, 401);
});

test("rights that are missing are named", async () => {
  const answer = await send("GET", "/api/v1/namespaces/default/pods", undefined, { "impersonate-user": "jane" });
  assert.equal(answer.status, 403);
  assert.equal(messageOf(answer), 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"');
});

test("tables, metadata, YAML and indented JSON", async () => {
  await send("POST", configMaps, '{"metadata":{"name":"forms"},"data":{"a":"b"}}');
  const table = JSON.parse((await send("GET", configMaps, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" })).text) as { kind: string; columnDefinitions: { name: string }[]; rows: { cells: unknown[]; object: { kind: string } }[] };
  assert.equal(table.kind, "Table");
  assert.deepEqual(table.columnDefinitions.map(({ name }) => name), ["Name", "Data", "Age"]);
  assert.equal(table.rows[0]?.object.kind, "PartialObjectMetadata");
  const partial = JSON.parse((await send("GET", `${configMaps}/forms`, undefined, { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" })).text) as { kind: string; data?: unknown };
  assert.deepEqual([partial.kind, partial.data], ["PartialObjectMetadata", undefined]);
  assert.match((await send("GET", `${configMaps}/forms`, undefined, { accept: "application/yaml" })).text, /^apiVersion: v1\ndata:\n {2}a: b\nkind: ConfigMap\n/);
  assert.match((await send("GET", `${configMaps}/forms?pretty=true`)).text, /^\{\n {2}"kind": "ConfigMap"/);
  const list = JSON.parse((await send("GET", `${configMaps}?fieldSelector=metadata.name%3Dforms`)).text) as { kind: string; items: { kind?: string; metadata: { name: string } }[] };
  assert.deepEqual([list.kind, list.items.map(({ metadata, kind }) => [metadata.name, kind])], ["ConfigMapList", [["forms", undefined]]]);
});

test("columns say what they are, errors of tables what is wrong", async () => {
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const { columnDefinitions } = JSON.parse((await send("GET", "/api/v1/pods", undefined, { accept: table })).text) as { columnDefinitions: readonly { name: string; description: string; priority: number; format: string }[] };
  assert.deepEqual(columnDefinitions.map(({ name, priority, format }) => `${name} ${priority} ${format}`.trim()), [
    "Name 0 name", "Ready 0", "Status 0", "Restarts 0", "Age 0", "IP 1", "Node 1", "Nominated Node 1", "Readiness Gates 1",
  ]);
  for (const { name, description } of columnDefinitions) assert.ok(description.length > 20, name);
  const wrong = await send("GET", "/api/v1/pods?includeObject=x", undefined, { accept: table });
  assert.deepEqual([wrong.status, messageOf(wrong)], [400, `Unable to convert to Table as requested: includeObject: Invalid value: "x": must be 'Metadata', 'Object', 'None', or empty`]);
  const partial = (kind: string) => ({ accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` });
  const ofList = await send("GET", configMaps, undefined, partial("PartialObjectMetadata"));
  assert.deepEqual([ofList.status, messageOf(ofList)], [406, "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"]);
  const ofOne = await send("GET", `${configMaps}/forms`, undefined, partial("PartialObjectMetadataList"));
  assert.deepEqual([ofOne.status, messageOf(ofOne)], [406, "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"]);
});

test("pages of tables and of metadata carry their token", async () => {
  for (const name of ["page-a", "page-b", "page-c"]) await send("POST", configMaps, JSON.stringify({ metadata: { name, labels: { page: "yes" } } }));
  for (const as of ["Table", "PartialObjectMetadataList"]) {
    const seen: number[] = [];
    for (let token = ""; seen.length === 0 || token !== "";) {
      const { metadata, rows, items } = JSON.parse((await send("GET", `${configMaps}?labelSelector=page&limit=2&continue=${token}`, undefined, { accept: `application/json;as=${as};v=v1;g=meta.k8s.io` })).text) as {
        metadata: { continue?: string; remainingItemCount?: number }; rows?: unknown[]; items?: unknown[];
      };
      seen.push((rows ?? items ?? []).length);
      token = encodeURIComponent(metadata.continue ?? "");
    }
    assert.deepEqual(seen, [2, 1], as);
  }
});

test("long answers are compressed for those who can read that", async () => {
  await send("POST", configMaps, JSON.stringify({ metadata: { name: "long" }, data: { a: "x".repeat(200_000) } }));
  using response = await shared.http.raw({ method: "GET", path: `${configMaps}/long`, headers: { "accept-encoding": "gzip" } });
  assert.equal(response.headers["content-encoding"], "gzip");
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  assert.equal((JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as { data: { a: string } }).data.a.length, 200_000);
  using binary = await shared.http.raw({ method: "GET", path: configMaps, headers: { "accept-encoding": "gzip", "accept": "application/vnd.kubernetes.protobuf" } });
  assert.deepEqual([binary.headers["content-encoding"], binary.headers["content-type"], binary.headers["vary"]], ["gzip", "application/vnd.kubernetes.protobuf", "Accept-Encoding"]);
});

test("warnings come in headers", async () => {
  const answer = await send("POST", `${configMaps}?fieldValidation=Warn&dryRun=All`, '{"metadata":{"name":"warned"},"spec":{"foo":1}}');
  assert.equal(answer.status, 201);
  assert.equal(String(answer.headers["warning"]), '299 - "unknown field \\"spec\\""');
  const deprecated = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
  for (const path of ["/api/v1/endpoints", "/api/v1/namespaces/default/endpoints/nope"]) assert.equal(String((await send("GET", path)).headers["warning"]), deprecated, path);
});

test("steps of an object are served by its UID", async () => {
  const { metadata: { uid } } = JSON.parse((await send("POST", configMaps, '{"metadata":{"name":"traced"}}')).text) as { metadata: { uid: string } };
  const lines = (await send("GET", `/debug/steps?trace=${uid}`)).text.trim().split("\n").map((line) => (JSON.parse(line) as { name: string }).name);
  assert.deepEqual(lines.toSorted(), ["admitted", "authenticated", "authorized", "stored", "validated"]);
  const taken = await send("POST", "/debug/steps", `${JSON.stringify({ trace: uid.replaceAll("-", ""), component: "kubelet", name: "saw", startMs: 1, endMs: 2, attributes: {} })}\n`);
  assert.equal(taken.status, 200);
  assert.match((await send("GET", `/debug/steps?trace=${uid}`)).text, /"component":"kubelet"/);
  assert.equal((await send("POST", "/debug/steps", "nope")).status, 400);
});

test("no body brings the server down", async () => {
  const paths = [configMaps, "/api/v1/namespaces/default/pods", "/apis/apps/v1/namespaces/default/deployments", "/api/v1/namespaces", "/api/v1/namespaces/default/services", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"];
  const json = fc.json({ maxDepth: 4 });
  const shaped = fc.record({ metadata: fc.oneof(fc.jsonValue(), fc.record({ name: fc.oneof(fc.string(), fc.jsonValue()), labels: fc.jsonValue(), ownerReferences: fc.jsonValue(), finalizers: fc.jsonValue() })), spec: fc.jsonValue() }).map((value) => JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.oneof(json, shaped, fc.string()), async (path, body) => {
      const answer = await send("POST", `${path}?dryRun=All`, body);
      assert.ok(answer.status < 500, `${path} ${body}: ${answer.text}`);
    }),
    { numRuns: 400, seed: 20261121 },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"), fc.oneof(json, shaped, fc.string()), async (type, body) => {
      const answer = await send("PATCH", `${configMaps}/traced?dryRun=All${type.includes("apply") ? "&fieldManager=x" : ""}`, body, { "content-type": type });
      assert.ok(answer.status < 500, `${type} ${body}: ${answer.text}`);
    }),
    { numRuns: 400, seed: 20261121 },
  );
});
