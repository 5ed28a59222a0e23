import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { parse as parseYaml } from "yaml";
import { pods } from "../../src/api/generated/core-v1.ts";
import { protobufCodec } from "../../src/api/protobuf.ts";
import type { KubeList, KubeObject } from "../../src/apimachinery/object.ts";
import { StoredForm } from "../../src/kube-apiserver/cache/cache-entry.ts";
import { largeListMin } from "../../src/kube-apiserver/output/large-list.ts";
import { watch } from "../../src/kube-apiserver/watch.ts";
import { WatchCache } from "../../src/kube-apiserver/cache/watch-cache.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { Turns } from "../../src/stdx/turns.ts";
import { startTestServer, type TestServer } from "./fixture.ts";

/** Just enough for lists to be made bit by bit. */
const count = largeListMin + 150;
const nodes = 10;
let started: TestServer;

const podNumber = (number: number) => ({
  apiVersion: "v1", kind: "Pod",
  metadata: { name: `pod-${String(number).padStart(5, "0")}`, namespace: "default", uid: `uid-${number}`, creationTimestamp: "2026-01-01T00:00:00Z", labels: { parity: number % 2 === 0 ? "even" : "odd" }, annotations: { text: `[]} "items: []" ${"x".repeat(number % 7)}\n  two lines` } },
  spec: { nodeName: `node-${number % nodes}`, containers: [{ name: "main", image: "image", resources: {} }] }, status: { phase: "Running" },
});

before(async () => {
  const store = new MemoryStore();
  const form = new StoredForm(pods);
  for (let number = 0; number < count; number++) {
    const pod = podNumber(number);
    await store.put(`/registry/pods/default/${pod.metadata.name}`, form.encode(pod as unknown as KubeObject), { expected: 0 });
  }
  started = await startTestServer({ store });
});
after(() => started[Symbol.asyncDispose]());

async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly headers: Readonly<Record<string, unknown>>; readonly bytes: Buffer }> {
  using response = await started.http.raw({ method: "GET", path, headers: { accept: "application/json", ...headers }, signal: AbortSignal.timeout(20_000) });
  assert.equal(response.status, 200);
  return { headers: response.headers, bytes: await buffer(Readable.from(response.body)) };
}

const path = "/api/v1/namespaces/default/pods";
type Shown = Omit<KubeList<KubeObject>, "items"> & { readonly items?: readonly unknown[]; readonly rows?: readonly unknown[]; readonly metadata: { readonly continue?: string; readonly resourceVersion?: string } };
const partial = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const readers: Readonly<Record<string, (bytes: Buffer) => unknown>> = { json: (bytes) => JSON.parse(bytes.toString()), yaml: (bytes) => parseYaml(bytes.toString()), protobuf: (bytes) => protobufCodec.decode(bytes) };

/** The same list in pages that are each made at once. */
async function inPages(accept: string, query: string, read: (bytes: Buffer) => unknown): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (let next = ""; ;) {
    const page = read((await get(`${path}?${query}limit=400${next === "" ? "" : `&continue=${next}`}`, { accept })).bytes) as Shown;
    all.push(...(page.items ?? page.rows ?? []));
    next = page.metadata.continue ?? "";
    if (next === "") return all;
  }
}

for (const [what, accept, query, reader] of [
  ["JSON", "application/json", "", "json"], ["indented JSON", "application/json", "pretty=true&", "json"], ["YAML", "application/yaml", "", "yaml"], ["protobuf", "application/vnd.kubernetes.protobuf", "", "protobuf"],
  ["a table", "application/json;as=Table;g=meta.k8s.io;v=v1", "", "json"], ["an indented table", "application/json;as=Table;g=meta.k8s.io;v=v1", "pretty=true&", "json"],
  ["metadata as JSON", `application/json;${partial}`, "", "json"], ["metadata as protobuf", `application/vnd.kubernetes.protobuf;${partial}`, "", "protobuf"],
] as const) {
  test(`a large list that is made bit by bit is the same as its pages: ${what}`, async () => {
    const read = readers[reader];
    assert.ok(read);
    const pages = await inPages(accept, query, read);
    const whole = read((await get(`${path}?${query}`, { accept })).bytes) as Shown;
    assert.equal(whole.metadata.resourceVersion, String(started.store.revision));
    const found = whole.items ?? whole.rows;
    assert.equal(found?.length, count);
    assert.deepEqual(found, pages);
    const zipped = await get(`${path}?${query}`, { accept, "accept-encoding": "gzip" });
    assert.equal(zipped.headers["content-encoding"], "gzip");
    const { items, rows } = read(gunzipSync(zipped.bytes)) as Shown;
    assert.deepEqual(items ?? rows, pages, "also compressed");
  });
}

test("a list that is asked for again is the same; a change is seen", async () => {
  const first = (await get(path)).bytes;
  assert.ok(first.equals((await get(path)).bytes));
  await started.local.request({ verb: "create", group: "", version: "v1", resource: "pods", namespace: "default", body: { metadata: { name: "a-new-one" }, spec: { containers: [{ name: "a", image: "b" }] } } });
  const list = JSON.parse((await get(path)).bytes.toString()) as KubeList<KubeObject>;
  assert.equal(list.items[0]?.metadata.name, "a-new-one");
  assert.equal(list.items.length, count + 1);
  await started.local.request({ verb: "delete", group: "", version: "v1", resource: "pods", namespace: "default", name: "a-new-one", body: { gracePeriodSeconds: 0 } });
});

test("selectors, with and without an index, find what is there now", async () => {
  const names = async (query: string) => (JSON.parse((await get(`${path}?${query}`)).bytes.toString()) as KubeList<KubeObject>).items.map(({ metadata }) => metadata.name);
  const on3 = Array.from({ length: count }, (_, number) => number).filter((number) => number % nodes === 3).map((number) => podNumber(number).metadata.name);
  for (const again of ["first", "second", "third"]) assert.deepEqual(await names("fieldSelector=spec.nodeName%3Dnode-3"), on3, again);
  assert.deepEqual(await names("fieldSelector=spec.nodeName%3Dnode-3&labelSelector=parity%3Deven"), []);
  assert.equal((await names("labelSelector=parity%3Deven")).length, Math.ceil(count / 2));
  const change = (verb: "create" | "delete", body: object, name?: string) => started.local.request({ verb, group: "", version: "v1", resource: "pods", namespace: "default", body, ...(name !== undefined && { name }) });
  await change("create", { metadata: { name: "zz" }, spec: { nodeName: "node-3", containers: [{ name: "a", image: "b" }] } });
  assert.deepEqual(await names("fieldSelector=spec.nodeName%3Dnode-3"), [...on3, "zz"]);
  await change("delete", { gracePeriodSeconds: 0 }, "zz");
  assert.deepEqual(await names("fieldSelector=spec.nodeName%3Dnode-3"), on3);
});

test("what is asked for meanwhile is answered before a large list is through", async () => {
  const order: string[] = [];
  const list = get(`${path}?labelSelector=parity`, { accept: "application/yaml" }).then(() => order.push("list"));
  for (let number = 0; number < 3; number++) order.push(`get ${(await get(`${path}/pod-0000${number}`)).bytes.length > 0 ? number : ""}`);
  await list;
  assert.deepEqual(order, ["get 0", "get 1", "get 2", "list"]);
});

test("a watch gives the state at the start as fast as it is taken, and then what happened meanwhile", async () => {
  const seen: string[] = [];
  const held = Promise.withResolvers<void>();
  let [asked, largest] = [0, 0];
  const cache = new WatchCache({ prefix: "/registry/pods/", form: new StoredForm(pods), changesMax: 10 }, 1);
  const put = (number: number, revision: number) => cache.apply({ type: "put", created: true, entry: { key: `/registry/pods/default/pod-${String(number).padStart(5, "0")}`, value: new StoredForm(pods).encode(podNumber(number) as unknown as KubeObject), revision } });
  for (let number = 0; number < 500; number++) put(number, number + 2);
  const state = { revision: 501, fresh: () => undefined, turns: new Turns() };
  const served = { type: pods, resource: { type: pods, selectableFields: {} }, registry: { cache, keyOf: (a: string, b: string) => `${a}/${b}` }, form: cache.form, conversion: undefined };
  const answer = await watch({ state, clock: systemClock, random: seededRandom(1), log: silentLog } as never, served as never, "", {
    labelSelector: "", fieldSelector: "", resourceVersion: "", resourceVersionMatch: "NotOlderThan", sendInitialEvents: true, allowWatchBookmarks: true, limit: 0, continue: "", timeoutSeconds: 60,
  } as never);
  const done = Promise.withResolvers<void>();
  using _ = answer.start({
    event: (type, entry) => {
      seen.push(`${type} ${entry.key}`);
      if (type === "MODIFIED" || entry.key.endsWith("00600")) done.resolve();
      return true;
    },
    bookmark: (revision, end) => seen.push(`bookmark ${revision} ${end}`) > 0,
    error: (status) => assert.fail(JSON.stringify(status)),
    end: () => undefined,
    drained: () => {
      largest = Math.max(largest, seen.length);
      return ++asked === 100 ? held.promise : undefined;
    },
  });
  while (asked < 100) await new Promise((resolve) => setImmediate(resolve));
  put(600, 600);
  assert.equal(seen.length, 99, "nothing is made for a reader that does not take it");
  held.resolve();
  await done.promise;
  assert.equal(seen.length, 502);
  assert.deepEqual(seen.slice(500), ["bookmark 501 true", "ADDED default/pod-00600"]);
});
