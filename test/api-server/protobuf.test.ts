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

test("kinds without a protobuf form are refused in it", async () => {
  await using started = await startTestServer();
  using refused = await started.http.raw({ method: "GET", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", headers: { accept: "application/cbor" } });
  assert.equal(refused.status, 406);
});
