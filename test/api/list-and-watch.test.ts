/** What https://kubernetes.io/docs/reference/using-api/api-concepts/ promises about lists, watches, deletes and encodings, as tables over HTTP. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

let started: TestServer;
before(async () => void (started = await startTestServer()));
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

/** What these tests look at, of whatever comes. */
interface Seen {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: unknown;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly name?: string; readonly retryAfterSeconds?: number; readonly causes?: readonly { readonly field?: string; readonly reason?: string }[] };
  readonly metadata?: {
    readonly name?: string; readonly namespace?: string; readonly uid?: string; readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number;
    readonly deletionTimestamp?: string; readonly finalizers?: readonly string[]; readonly annotations?: Readonly<Record<string, string>>; readonly ownerReferences?: readonly unknown[];
  };
  readonly items?: readonly Seen[];
  readonly data?: Readonly<Record<string, string>>;
  readonly columnDefinitions?: readonly { readonly name: string }[] | null;
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object: Seen | null }[];
}
interface Event {
  readonly type: string;
  readonly object: Seen;
}
interface Got {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly bytes: Buffer;
  readonly json: Seen;
}
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";
interface Sent {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(method: Method, path: string, { query = {}, body, headers = {} }: Sent = {}): Promise<Got> {
  using response = await started.http.raw({
    method, path, query, headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const plain = response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  return { code: response.status, headers: response.headers, bytes: plain, json: plain[0] === 0x7b ? (JSON.parse(plain.toString()) as Seen) : {} };
}

/** The first `count` events; all until the server ends it when there are fewer. */
async function watch(
  path: string, query: Readonly<Record<string, string>>, count: number,
  { headers = {}, begun, server = started }: { readonly headers?: Readonly<Record<string, string>>; readonly begun?: () => Promise<unknown>; readonly server?: TestServer } = {},
): Promise<readonly Event[]> {
  using response = await server.http.raw({ method: "GET", path, query: { watch: "true", timeoutSeconds: "10", ...query }, headers });
  assert.equal(response.status, 200);
  const events: Event[] = [];
  let [text, acted] = ["", begun?.()];
  for await (const chunk of response.body) {
    text += Buffer.from(chunk).toString();
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    events.push(...lines.map((line) => JSON.parse(line) as Event));
    if (events.length >= count) break;
  }
  await acted;
  acted = undefined;
  return events;
}

const said = (events: readonly Event[]): readonly string[] => events.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.reason ?? ""}`.trim());
const names = ({ json }: Got): readonly (string | undefined)[] => (json.items ?? []).map(({ metadata }) => metadata?.name);

/** A namespace for each test, so that none sees another's objects. */
async function place(name: string): Promise<string> {
  const { code } = await send("POST", "/api/v1/namespaces", { body: { metadata: { name } } });
  assert.equal(code, 201);
  return `/api/v1/namespaces/${name}/configmaps`;
}
async function make(path: string, name: string, own: object = {}): Promise<Seen> {
  const { json, code } = await send("POST", path, { body: { metadata: { name, ...own } } });
  assert.equal(code, 201, JSON.stringify(json));
  return json;
}

test("pages of a list are of one revision", async () => {
  const path = await place("pages");
  for (const name of ["a", "b", "c", "d", "e"]) await make(path, name);
  const first = await send("GET", path, { query: { limit: "2" } });
  assert.deepEqual([names(first), first.json.metadata?.remainingItemCount], [["a", "b"], 3]);
  await make(path, "bb");
  await send("DELETE", `${path}/d`);
  const second = await send("GET", path, { query: { limit: "2", continue: first.json.metadata?.continue ?? "" } });
  assert.deepEqual([names(second), second.json.metadata?.remainingItemCount], [["c", "d"], 1]);
  assert.equal(second.json.metadata?.resourceVersion, first.json.metadata?.resourceVersion);
  const third = await send("GET", path, { query: { limit: "2", continue: second.json.metadata?.continue ?? "" } });
  assert.deepEqual([names(third), third.json.metadata?.continue, third.json.metadata?.remainingItemCount], [["e"], undefined, undefined]);
  assert.deepEqual(names(await send("GET", path)), ["a", "b", "bb", "c", "e"]);
  // How much is left is not counted where a selector decides.
  const selected = await send("GET", path, { query: { limit: "1", labelSelector: "!x" } });
  assert.equal(selected.json.metadata?.remainingItemCount, undefined);
  assert.ok(selected.json.metadata?.continue);
});

test("watches begin where they are told to", async () => {
  const path = await place("beginnings");
  const first = (await make(path, "a")).metadata?.resourceVersion ?? "";
  await make(path, "b");
  assert.deepEqual(said(await watch(path, { resourceVersion: first }, 1)), ["ADDED b"]);
  assert.deepEqual(said(await watch(path, {}, 2)), ["ADDED a", "ADDED b"]);
  assert.deepEqual(said(await watch(path, { resourceVersion: "0" }, 2)), ["ADDED a", "ADDED b"]);
  assert.deepEqual(said(await watch(path, {}, 3, { begun: () => make(path, "c") })), ["ADDED a", "ADDED b", "ADDED c"]);
  const listed = await watch(path, { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" }, 4);
  assert.deepEqual(said(listed), ["ADDED a", "ADDED b", "ADDED c", "BOOKMARK"]);
  const object: Seen = listed[3]?.object ?? {};
  assert.equal(object.kind, "ConfigMap");
  assert.equal(object.metadata?.annotations?.["k8s.io/initial-events-end"], "true");
  assert.ok(Number(object.metadata?.resourceVersion) > Number(first));
  // Changes made while the initial events go out come after the bookmark or before, but never twice.
  assert.deepEqual(said(await watch(path, { sendInitialEvents: "false", resourceVersionMatch: "NotOlderThan", resourceVersion: first, timeoutSeconds: "1" }, 9)), ["ADDED b", "ADDED c"]);
  // The state of a time that is not there yet is told as an event: upstream has begun to answer by then.
  const [future, ...rest] = await watch(path, { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", resourceVersion: "99999999" }, 2);
  assert.deepEqual([future?.type, future?.object.kind, rest], ["ERROR", "Status", []]);
  assert.match(JSON.stringify(future?.object), /"Timeout: Too large resource version: 99999999, current: \d+"/);
});

test("a watch ends after timeoutSeconds; one of a forgotten past says 410 and ends", async () => {
  const path = await place("ends");
  const old = (await make(path, "a")).metadata?.resourceVersion ?? "";
  assert.deepEqual(said(await watch(path, { resourceVersion: old, timeoutSeconds: "1" }, 9)), []);
  // What the store has forgotten, a server that starts on it does not know.
  const store = new MemoryStore();
  for (const value of ["1", "2", "3"]) await store.put(`/elsewhere/${value}`, Buffer.from(value), { expected: 0 });
  await store.compact(store.revision);
  await using late = await startTestServer({ store });
  const [event, ...others] = await watch(path, { resourceVersion: "1" }, 9, { server: late });
  assert.deepEqual([event?.type, event?.object.kind, event?.object.code, event?.object.reason, others], ["ERROR", "Status", 410, "Expired", []]);
});

test("objects that come into or leave a selection are added and deleted to its watchers", async () => {
  const path = await place("selections");
  const { metadata } = (await send("GET", path)).json;
  await make(path, "a", { labels: { in: "no" } });
  const label = (value: string | null) => send("PATCH", `${path}/a`, { body: { metadata: { labels: { in: value } } }, headers: { "content-type": "application/merge-patch+json" } });
  await label("yes");
  await send("PATCH", `${path}/a`, { body: { data: { x: "1" } }, headers: { "content-type": "application/merge-patch+json" } });
  await label(null);
  const last = (await label("yes")).json;
  await send("DELETE", `${path}/a`);
  const events = await watch(path, { resourceVersion: metadata?.resourceVersion ?? "", labelSelector: "in=yes" }, 5);
  assert.deepEqual(said(events), ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"]);
  // A synthetic deletion carries the last state that was selected, at the revision at which it was left.
  assert.ok(Number(events[2]?.object.metadata?.resourceVersion) > Number(events[1]?.object.metadata?.resourceVersion));
  assert.ok(Number(events[4]?.object.metadata?.resourceVersion) > Number(last.metadata?.resourceVersion));
  assert.deepEqual(said(await watch(path, { resourceVersion: metadata?.resourceVersion ?? "", fieldSelector: "metadata.name=a" }, 6)), ["ADDED a", "MODIFIED a", "MODIFIED a", "MODIFIED a", "MODIFIED a", "DELETED a"]);
  const single = await watch(`${path}/a`, { resourceVersion: metadata?.resourceVersion ?? "", timeoutSeconds: "1" }, 6).catch((error: unknown) => error);
  assert.ok(Array.isArray(single) || single instanceof Error);
});

test("field selectors of pods in lists and watches", async () => {
  await place("fields");
  const path = "/api/v1/namespaces/fields/pods";
  await send("POST", "/api/v1/namespaces/fields/serviceaccounts", { body: { metadata: { name: "default" } } });
  const { metadata } = (await send("GET", path)).json;
  for (const name of ["p", "q"]) assert.equal((await send("POST", path, { body: { metadata: { name }, spec: { containers: [{ name: "c", image: "a" }] } } })).code, 201);
  assert.equal((await send("POST", `${path}/p/binding`, { body: { metadata: { name: "p" }, target: { kind: "Node", name: "n" } } })).code, 201);
  const cases: readonly (readonly [selector: string, names: readonly string[]])[] = [
    ["spec.nodeName=n", ["p"]], ["spec.nodeName!=n", ["q"]], ["spec.nodeName=", ["q"]], ["status.phase=Pending", ["p", "q"]], ["status.phase==Running", []],
    ["metadata.name=q", ["q"]], ["metadata.namespace=fields,spec.restartPolicy=Always", ["p", "q"]], ["spec.schedulerName=default-scheduler,metadata.name!=p", ["q"]],
    ["spec.hostNetwork=false", ["p", "q"]], ["status.podIP=", ["p", "q"]], ["spec.serviceAccountName=default", ["p", "q"]], ["status.nominatedNodeName=", ["p", "q"]],
  ];
  for (const [fieldSelector, expected] of cases) assert.deepEqual(names(await send("GET", path, { query: { fieldSelector } })), expected, fieldSelector);
  assert.deepEqual(said(await watch(path, { resourceVersion: metadata?.resourceVersion ?? "", fieldSelector: "spec.nodeName=n" }, 1)), ["ADDED p"]);
  assert.deepEqual(said(await watch(path, { resourceVersion: metadata?.resourceVersion ?? "", fieldSelector: "spec.nodeName=" }, 3)), ["ADDED p", "ADDED q", "DELETED p"]);
});

test("names are generated, and generated again when they are taken", async () => {
  const path = await place("generated");
  const made = new Set<string>();
  await Promise.all(Array.from({ length: 200 }, async () => {
    const { json, code } = await send("POST", path, { body: { metadata: { generateName: "g-" } } });
    assert.equal(code, 201);
    assert.match(json.metadata?.name ?? "", /^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    made.add(json.metadata?.name ?? "");
  }));
  assert.equal(made.size, 200);
  const long = await send("POST", path, { body: { metadata: { generateName: "a".repeat(300) } } });
  assert.deepEqual([long.code, long.json.metadata?.name?.length ?? 63], [422, 63]);
  const neither = await send("POST", path, { body: { metadata: {} } });
  assert.deepEqual([neither.code, neither.json.details?.causes?.[0]?.field], [422, "metadata.name"]);
});

test("finalizers, foreground and orphan: what a delete leaves", async () => {
  const path = await place("deletes");
  await make(path, "held", { finalizers: ["example.com/a"] });
  const marked = await send("DELETE", `${path}/held`);
  assert.equal(marked.code, 200);
  assert.ok(marked.json.metadata?.deletionTimestamp);
  const merge = { "content-type": "application/merge-patch+json" };
  const more = await send("PATCH", `${path}/held`, { body: { metadata: { finalizers: ["example.com/a", "example.com/b"] } }, headers: merge });
  assert.deepEqual([more.code, more.json.details?.causes?.[0]?.field], [422, "metadata.finalizers"]);
  assert.equal((await send("PATCH", `${path}/held`, { body: { metadata: { finalizers: null } }, headers: merge })).code, 200);
  assert.equal((await send("GET", `${path}/held`)).code, 404);

  for (const [policy, finalizer] of [["Foreground", "foregroundDeletion"], ["Orphan", "orphan"]] as const) {
    const name = policy.toLowerCase();
    await make(path, name);
    const { json, code } = await send("DELETE", `${path}/${name}`, { body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: policy } });
    assert.deepEqual([code, json.metadata?.finalizers], [200, [finalizer]]);
    assert.equal((await send("PATCH", `${path}/${name}`, { body: { metadata: { finalizers: [] } }, headers: merge })).code, 200);
    assert.equal((await send("GET", `${path}/${name}`)).code, 404, policy);
  }
  const { metadata } = await make(path, "kept");
  const cases: readonly (readonly [body: object, code: number, message: RegExp])[] = [
    [{ preconditions: { uid: "other" } }, 409, /Precondition failed: UID in precondition: other, UID in object meta: |the UID in the precondition \(other\) does not match/],
    [{ preconditions: { resourceVersion: "1" } }, 409, /ResourceVersion|resource version|resourceVersion/i],
    [{ propagationPolicy: "Nope" }, 422, /propagationPolicy: Invalid value: "Nope"|propagationPolicy: Unsupported value: "Nope"/],
    [{ propagationPolicy: "Orphan", orphanDependents: true }, 422, /orphanDependents and deletionPropagation cannot be both set/],
    [{ dryRun: ["Some"] }, 422, /dryRun: Unsupported value/],
  ];
  for (const [body, code, message] of cases) {
    const got = await send("DELETE", `${path}/kept`, { body });
    assert.equal(got.code, code, JSON.stringify(got.json));
    assert.match(got.json.message ?? "", message);
  }
  const gone = await send("DELETE", `${path}/kept`, { body: { preconditions: { uid: metadata?.uid } } });
  assert.deepEqual([gone.code, gone.json.kind, gone.json.status], [200, "Status", "Success"]);
});

test("deletecollection takes what is selected, and only that", async () => {
  const path = await place("collections");
  for (const name of ["a", "b"]) await make(path, name, { labels: { gone: "yes" } });
  await make(path, "c");
  const dry = await send("DELETE", path, { query: { labelSelector: "gone=yes", dryRun: "All" } });
  assert.deepEqual([dry.code, names(dry)], [200, ["a", "b"]]);
  assert.deepEqual(names(await send("GET", path)), ["a", "b", "c"]);
  const done = await send("DELETE", path, { query: { labelSelector: "gone=yes" } });
  assert.deepEqual([done.json.kind, names(done)], ["ConfigMapList", ["a", "b"]]);
  assert.deepEqual(names(await send("GET", path)), ["c"]);
  assert.equal((await send("DELETE", "/api/v1/configmaps")).code, 405);
});

test("a dry run leaves nothing, in any verb", async () => {
  const path = await place("dry");
  await make(path, "a");
  await send("POST", "/api/v1/namespaces/dry/services", { body: { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } } });
  const revision = started.store.revision;
  const query = { dryRun: "All" };
  const requests: readonly (readonly [Method, string, Sent, number])[] = [
    ["POST", path, { body: { metadata: { name: "b" } } }, 201],
    ["POST", path, { body: { metadata: { name: "a" } } }, 409],
    ["PUT", `${path}/a`, { body: { metadata: { name: "a" }, data: { x: "1" } } }, 200],
    ["PATCH", `${path}/a`, { body: { data: { x: "1" } }, headers: { "content-type": "application/merge-patch+json" } }, 200],
    ["PATCH", `${path}/new`, { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" } }, headers: { "content-type": "application/apply-patch+yaml" }, query: { fieldManager: "me" } }, 201],
    ["DELETE", `${path}/a`, {}, 200],
    ["DELETE", path, {}, 200],
    ["POST", "/api/v1/namespaces", { body: { metadata: { name: "dry-b" } } }, 201],
    ["DELETE", "/api/v1/namespaces/dry", {}, 200],
    ["POST", "/api/v1/namespaces/dry/services", { body: { metadata: { name: "t" }, spec: { type: "NodePort", ports: [{ port: 80, nodePort: 31999 }] } } }, 201],
  ];
  for (const [method, at, sent, code] of requests) {
    const got = await send(method, at, { ...sent, query: { ...sent.query, ...query } });
    assert.equal(got.code, code, `${method} ${at}: ${got.bytes.toString()}`);
  }
  assert.equal(started.store.revision, revision);
  // What a dry run took is free again.
  assert.equal((await send("POST", "/api/v1/namespaces/dry/services", { body: { metadata: { name: "t" }, spec: { type: "NodePort", ports: [{ port: 80, nodePort: 31999 }] } } })).code, 201);
});

test("lists and watches as tables and as metadata alone", async () => {
  const path = await place("forms");
  const since = (await make(path, "a")).metadata?.resourceVersion ?? "";
  await make(path, "b");
  const as = (form: string) => ({ accept: `application/json;as=${form};v=v1;g=meta.k8s.io` });
  const table = (await send("GET", path, { headers: as("Table") })).json;
  assert.deepEqual([table.kind, table.apiVersion, table.columnDefinitions?.map(({ name }) => name), table.rows?.map(({ cells, object }) => [cells[0], object?.kind])], [
    "Table", "meta.k8s.io/v1", ["Name", "Data", "Age"], [["a", "PartialObjectMetadata"], ["b", "PartialObjectMetadata"]],
  ]);
  for (const [includeObject, kind] of [["None", undefined], ["Metadata", "PartialObjectMetadata"], ["Object", "ConfigMap"]] as const) {
    assert.equal((await send("GET", path, { headers: as("Table"), query: { includeObject } })).json.rows?.[0]?.object?.kind, kind);
  }
  assert.equal((await send("GET", path, { headers: as("Table"), query: { includeObject: "Nope" } })).code, 400);
  const partial = (await send("GET", path, { headers: as("PartialObjectMetadataList") })).json;
  assert.deepEqual([partial.kind, partial.items?.map(({ kind, metadata, data }) => [kind, metadata?.name, data])], ["PartialObjectMetadataList", [["PartialObjectMetadata", "a", undefined], ["PartialObjectMetadata", "b", undefined]]]);
  const paged = (await send("GET", path, { headers: as("Table"), query: { limit: "1" } })).json;
  assert.deepEqual([paged.rows?.length, paged.metadata?.remainingItemCount], [1, 1]);

  const tables = await watch(path, {}, 2, { headers: as("Table") });
  assert.deepEqual(tables.map(({ type, object }) => [type, object.kind, object.columnDefinitions?.length, object.rows?.[0]?.cells[0]]), [["ADDED", "Table", 3, "a"], ["ADDED", "Table", undefined, "b"]]);
  const metas = await watch(path, { resourceVersion: since }, 1, { headers: as("PartialObjectMetadata") });
  assert.deepEqual(metas.map(({ type, object }) => [type, object.kind, object.metadata?.name]), [["ADDED", "PartialObjectMetadata", "b"]]);
  const ended = await watch(path, { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true" }, 3, { headers: as("PartialObjectMetadata") });
  assert.deepEqual([ended[2]?.type, ended[2]?.object.kind], ["BOOKMARK", "PartialObjectMetadata"]);
  for (const [accept, code] of [["text/html", 406], ["application/json;as=Nope;v=v1;g=meta.k8s.io", 406], ["application/json;as=Table;v=v9;g=meta.k8s.io", 406], ["application/json;as=Table;v=v9;g=meta.k8s.io,*/*", 200], ["*/*", 200], ["application/*", 406], ["", 200]] as const) {
    assert.equal((await send("GET", path, { headers: { accept } })).code, code, accept);
  }
});

test("a watch in protobuf", async () => {
  const path = await place("protobuf");
  await make(path, "a");
  const codec = createProtobufCodec(schemas);
  using response = await started.http.raw({ method: "GET", path, query: { watch: "true" }, headers: { accept: "application/vnd.kubernetes.protobuf;stream=watch" } });
  assert.equal(response.headers["content-type"], "application/vnd.kubernetes.protobuf;stream=watch");
  let bytes = Buffer.alloc(0);
  for await (const chunk of response.body) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) break;
  }
  // meta/v1 WatchEvent: 1 is the type, 2 a RawExtension whose field 1 is the object with its magic number.
  const text = bytes.subarray(4);
  const typeLength = text[1] ?? 0;
  assert.equal(text.subarray(2, 2 + typeLength).toString(), "ADDED");
  const object = codec.decode(text.subarray(text.indexOf("k8s\0")), { apiVersion: "v1", kind: "ConfigMap" }) as Seen;
  assert.deepEqual([object.kind, object.metadata?.name], ["ConfigMap", "a"]);
});

test("long answers are compressed for who can read that, short ones never", async () => {
  const path = await place("gzip");
  await send("POST", path, { body: { metadata: { name: "long" }, data: { a: "x".repeat(200_000) } } });
  const gzip = { "accept-encoding": "gzip" };
  const cases: readonly (readonly [at: string, headers: Readonly<Record<string, string>>, encoding: string | undefined])[] = [
    [path, gzip, "gzip"], [`${path}/long`, gzip, "gzip"], [`${path}/long`, {}, undefined], [`${path}/long`, { "accept-encoding": "br" }, undefined], [`${path}/nope`, gzip, undefined],
  ];
  for (const [at, headers, encoding] of cases) {
    const got = await send("GET", at, { headers });
    assert.equal(got.headers["content-encoding"], encoding, at);
  }
});

test("HEAD, OPTIONS, slashes, escapes, and what comes with every answer", async () => {
  const path = await place("edges");
  await make(path, "a");
  // Upstream's routes of resources know no HEAD; those of health do.
  const head = await send("HEAD", `${path}/a`);
  assert.deepEqual([head.code, head.bytes.length], [405, 0]);
  const healthy = await send("HEAD", "/readyz");
  assert.deepEqual([healthy.code, healthy.bytes.length], [200, 0]);
  assert.equal((await send("OPTIONS", path)).code, 405);
  const plain = await send("GET", `${path}/`);
  assert.ok(plain.code === 200 || plain.code === 301);
  assert.deepEqual((await send("GET", "/api/v1/namespaces/edges/configmaps/%61")).json.metadata?.name, "a");
  assert.equal((await send("GET", "/api/v1/namespaces/edges/configmaps/a%2Fb")).code, 404);
  assert.match(String((await send("GET", path)).headers["audit-id"]), /^[0-9a-f-]{36}$/);
  assert.equal((await send("GET", path, { headers: { "audit-id": "mine" } })).headers["audit-id"], "mine");
  assert.equal((await send("GET", path)).headers["cache-control"], "no-cache, private");
  assert.match((await send("GET", `${path}/a`, { query: { pretty: "true" } })).bytes.toString(), /^\{\n {2}"kind"/);
  assert.match((await send("GET", `${path}/a`, { headers: { "user-agent": "curl/8" } })).bytes.toString(), /^\{\n {2}"kind"/);
  assert.match((await send("GET", `${path}/a`)).bytes.toString(), /^\{"kind":"ConfigMap","apiVersion":"v1",.*\}\n$/);
});

test("warnings for what should not be done, each in a header of its own", async () => {
  const path = await place("warnings");
  const unknown = await send("POST", path, { body: { metadata: { name: "a" }, foo: 1, bar: 2 } });
  assert.deepEqual([unknown.code, unknown.headers["warning"]], [201, '299 - "unknown field \\"foo\\"", 299 - "unknown field \\"bar\\""']);
  assert.equal((await send("POST", path, { body: { metadata: { name: "b" }, foo: 1 }, query: { fieldValidation: "Ignore" } })).headers["warning"], undefined);
  const twice = await send("POST", path, { body: '{"metadata":{"name":"c"},"data":{"a":"1","a":"2"}}', query: { fieldValidation: "Strict" } });
  assert.deepEqual([twice.code, /strict decoding error: duplicate field "data\.a"/.test(twice.json.message ?? "")], [400, true]);
  const yaml = await send("POST", path, { body: "metadata: {name: d}\ndata: {a: '1'}\ndata: {a: '2'}\n", headers: { "content-type": "application/yaml" }, query: { fieldValidation: "Strict" } });
  assert.deepEqual([yaml.code, /key "data" already set in map/.test(yaml.json.message ?? "")], [400, true]);
  const ingress = await send("POST", "/apis/networking.k8s.io/v1/namespaces/warnings/ingresses", {
    body: { metadata: { name: "i", annotations: { "kubernetes.io/ingress.class": "x" } }, spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } } },
  });
  assert.match(String(ingress.headers["warning"]), /annotation \\"kubernetes\.io\/ingress\.class\\" is deprecated, please use 'spec\.ingressClassName' instead/);
});
