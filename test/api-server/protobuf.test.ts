import assert from "node:assert/strict";
import { test } from "node:test";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import type { KubeList, KubeObject } from "../../src/apimachinery/object.ts";
import { startTestServer } from "./fixture.ts";

const media = "application/vnd.kubernetes.protobuf";
const codec = createProtobufCodec(schemas);

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("objects, lists and watches in protobuf say what JSON says", async () => {
  await using started = await startTestServer();
  const path = "/api/v1/namespaces/default/pods";
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", labels: { app: "p" } }, spec: { containers: [{ name: "c", image: "nginx" }] } };
  using made = await started.http.raw({ method: "POST", path, headers: { "content-type": media, accept: `${media},application/json` }, body: codec.encode(pod) });
  assert.equal(made.status, 201);
  assert.equal(made.headers["content-type"], media);
  const created = codec.decode(await bytesOf(made.body));
  const json = async <T>(at: string): Promise<T> => {
    using response = await started.http.raw({ method: "GET", path: at });
    return JSON.parse(await response.text()) as T;
  };
  assert.deepEqual(created, await json(`${path}/p`));

  using listed = await started.http.raw({ method: "GET", path, headers: { accept: media } });
  const list = codec.decode(await bytesOf(listed.body)) as unknown as KubeList<KubeObject>;
  assert.equal(list.kind, "PodList");
  assert.deepEqual(list.items.map(({ metadata }) => metadata), (await json<KubeList<KubeObject>>(path)).items.map(({ metadata }) => metadata));

  using watching = await started.http.raw({
    method: "GET", path, headers: { accept: media },
    query: { watch: "true", sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: "true", timeoutSeconds: "1" },
  });
  assert.equal(watching.headers["content-type"], `${media};stream=watch`);
  const bytes = await bytesOf(watching.body);
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) frames.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  assert.deepEqual(frames.map((frame) => frame.subarray(2, 2 + (frame[1] ?? 0)).toString()), ["ADDED", "BOOKMARK"]);
  assert.deepEqual(started.complaints, []);
});

test("metadata alone comes in protobuf, tables in JSON, discovery in whatever is asked for", async () => {
  await using started = await startTestServer();
  const get = async (path: string, accept: string): Promise<{ readonly status: number; readonly type: string; readonly bytes: Buffer }> => {
    using response = await started.http.raw({ method: "GET", path, headers: { accept } });
    return { status: response.status, type: String(response.headers["content-type"]), bytes: await bytesOf(response.body) };
  };
  const form = (as: string) => `as=${as};v=v1;g=meta.k8s.io`;
  const namespaces = "/api/v1/namespaces";
  const page = await get(`${namespaces}?limit=1`, `${media};${form("PartialObjectMetadataList")}`);
  const list = codec.decode(page.bytes) as unknown as KubeList<KubeObject>;
  assert.deepEqual([page.type, list.kind, list.items.map(({ metadata }) => metadata.name), list.metadata.remainingItemCount], [media, "PartialObjectMetadataList", ["default"], 3]);
  const one = codec.decode((await get(`${namespaces}/default`, `${media};${form("PartialObjectMetadata")}`)).bytes);
  assert.deepEqual([one.kind, one.apiVersion, one.metadata.name, Object.keys(one).includes("spec")], ["PartialObjectMetadata", "meta.k8s.io/v1", "default", false]);
  const table = await get(namespaces, `${media};${form("Table")},application/json;${form("Table")}`);
  assert.deepEqual([table.type, (JSON.parse(table.bytes.toString()) as { kind: string }).kind], ["application/json", "Table"]);
  assert.equal((await get(namespaces, `${media};${form("Table")}`)).status, 406);

  const core = codec.decode((await get("/api/v1", media)).bytes, { apiVersion: "v1", kind: "APIResourceList" }) as unknown as { readonly groupVersion: string; readonly resources: readonly { readonly name: string }[] };
  assert.deepEqual([core.groupVersion, core.resources.some(({ name }) => name === "pods/log")], ["v1", true]);
  const aggregated = await get("/apis", `${media};as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io`);
  const groups = codec.decode(aggregated.bytes) as unknown as KubeList<KubeObject>;
  assert.deepEqual([aggregated.type, groups.kind, groups.items.some(({ metadata }) => metadata.name === "apps")], [`${media};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`, "APIGroupDiscoveryList", true]);
  const json = JSON.parse((await get("/apis", "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io")).bytes.toString()) as KubeList<KubeObject>;
  assert.deepEqual(groups.items.map(({ metadata }) => metadata.name), json.items.map(({ metadata }) => metadata.name));
  assert.deepEqual(started.complaints, []);
});

test("what a client deletes with is of any built-in group and version, as typed clients send it", async () => {
  await using started = await startTestServer();
  const leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const create = async (name: string): Promise<void> => {
    using made = await started.http.raw({ method: "POST", path: leases, body: Buffer.from(JSON.stringify({ metadata: { name } })) });
    assert.equal(made.status, 201);
  };
  const remove = async (path: string, type: string, body: Uint8Array): Promise<readonly [number, string | undefined]> => {
    using gone = await started.http.raw({ method: "DELETE", path, headers: { "content-type": type }, body });
    return [gone.status, (JSON.parse(await gone.text()) as { readonly message?: string }).message];
  };
  const options = { apiVersion: "coordination.k8s.io/v1", kind: "DeleteOptions" };
  await create("a");
  assert.deepEqual(await remove(`${leases}/a`, media, codec.encode(options)), [200, undefined]);
  await create("b");
  assert.deepEqual(await remove(leases, media, codec.encode({ ...options, apiVersion: "policy/v1" })), [200, undefined]);
  await create("c");
  assert.deepEqual(await remove(`${leases}/c`, "application/json", Buffer.from(JSON.stringify(options))), [200, undefined]);
  await create("d");
  const [status] = await remove(`${leases}/d`, "application/json", Buffer.from(JSON.stringify({ ...options, kind: "Lease" })));
  assert.equal(status, 400, "something else is not what to delete with");
});

test("kinds without a protobuf form are refused in it", async () => {
  await using started = await startTestServer();
  using refused = await started.http.raw({ method: "GET", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", headers: { accept: "application/cbor" } });
  assert.equal(refused.status, 406);
});

test("DeleteOptions come in the version of the group that a client is of, as Go's typed clients send them", async () => {
  await using started = await startTestServer();
  const path = "/apis/batch/v1/namespaces/default/jobs";
  const job = (name: string): Buffer => Buffer.from(JSON.stringify({ apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "c" }] } } } }));
  const send = async (method: "POST" | "DELETE", at: string, type: string, body: Buffer): Promise<{ readonly status: number; readonly json: { readonly message?: string; readonly metadata?: { readonly finalizers?: readonly string[] } } }> => {
    using answer = await started.http.raw({ method, path: at, headers: { "content-type": type }, body });
    return { status: answer.status, json: JSON.parse(await answer.text()) as { readonly message?: string } };
  };
  for (const [index, apiVersion] of ["v1", "batch/v1", "apps/v1", "meta.k8s.io/v1"].entries()) {
    for (const type of [media, "application/json"]) {
      const name = `j${index}-${type === media ? "p" : "j"}`;
      assert.equal((await send("POST", path, "application/json", job(name))).status, 201);
      const options = { apiVersion, kind: "DeleteOptions", metadata: {}, propagationPolicy: "Foreground" };
      // Go sends what the envelope says, and the fields of the one type that there is.
      const body = type === media ? codec.encode(options) : Buffer.from(JSON.stringify(options));
      const { status, json } = await send("DELETE", `${path}/${name}`, type, body);
      assert.deepEqual([status, json.metadata?.finalizers], [200, ["foregroundDeletion"]], `${apiVersion} ${type} ${json.message ?? ""}`);
    }
  }
  const { status, json } = await send("DELETE", `${path}/j0-p`, "application/json", Buffer.from('{"apiVersion":"batch/v1","kind":"Job"}'));
  assert.equal(status, 400, json.message ?? "");
  assert.deepEqual(started.complaints, []);
});
