// Keelson on the etcd of an existing cluster of upstream's: what lies there is protobuf, under upstream's keys, with upstream's own records between.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { services, type Service } from "../../src/api/generated/core-v1.ts";
import { ipaddresses } from "../../src/api/generated/networking-v1.ts";
import { encodeProtobuf } from "../../src/api/protobuf.ts";
import type { KubeObject } from "../../src/apimachinery/object.ts";
import { isStatusError } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { prefixOf } from "../../src/kube-apiserver/cache/storage-keys.ts";
import type { Store } from "../../src/storage/store.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";
import { startTestServer } from "../api-server/fixture.ts";

const golden = join(import.meta.dirname, "../../../shared/reference/golden");
const goldenSkip = skip === false && !existsSync(golden) ? "the golden values are not here" : skip;
const namespace = "default";

/** A value as upstream stores it: without a resourceVersion. */
const stored = (object: object): Uint8Array => encodeProtobuf(object as KubeObject);
const keyIn = (object: KubeObject): string => [object.metadata.namespace, object.metadata.name].filter((part) => part !== undefined).join("/");

test("every kind that upstream has stored is served as it is, and nothing is written to it", { skip: goldenSkip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open();
  const put: { readonly key: string; readonly bytes: Buffer; readonly json: KubeObject; readonly type: (typeof resources)[number]["type"] }[] = [];
  for (const { type, storedAs } of resources) {
    const file = join(golden, `${type.group === "" ? "core" : type.group}.${type.version}.${type.kind}`);
    if (storedAs || !existsSync(`${file}.pb`)) continue;
    const json = JSON.parse(readFileSync(`${file}.json`, "utf8")) as KubeObject;
    const bytes = readFileSync(`${file}.pb`);
    const key = `${prefixOf(type)}${type.namespaced ? keyIn(json) : json.metadata.name}`;
    await store.put(key, bytes, { expected: 0 });
    put.push({ key, bytes, json, type });
  }
  assert.ok(put.length > 50, `${put.length} kinds`);
  await using server = await startTestServer({ store: await etcd.open() });
  const client = new TypedClient(server.http);
  for (const { key, json, type } of put) {
    const { revision = 0 } = await store.get(key) ?? {};
    const { items } = await client.list(type, {});
    const found = items.find(({ metadata }) => metadata.name === json.metadata.name && (!type.namespaced || metadata.namespace === json.metadata.namespace));
    assert.ok(found, `${type.plural} ${key}`);
    assert.equal(found.metadata.resourceVersion, String(revision));
    assert.equal(found.metadata.uid, json.metadata.uid, type.plural);
  }
  const touched = [];
  for (const { key, bytes } of put) if (!bytes.equals((await store.get(key))?.value ?? new Uint8Array())) touched.push(key);
  assert.deepEqual(touched, []);
});

/** Upstream's bitmap: bit 0 of the last byte is the first port. */
const bitmapOf = (ports: readonly number[], first: number): string => {
  const bits = ports.reduce((all, port) => all | (1n << BigInt(port - first)), 0n).toString(16);
  return Buffer.from(bits.length % 2 === 0 ? bits : `0${bits}`, "hex").toString("base64");
};

async function fillAsUpstream(store: Store): Promise<void> {
  const metadata = (name: string, more: object = {}) => ({ name, uid: `00000000-0000-0000-0000-${name.padStart(12, "0").slice(-12)}`, creationTimestamp: "2026-01-01T00:00:00Z", ...more });
  const service = (name: string, ip: string, nodePort: number) => ({
    apiVersion: "v1", kind: "Service", metadata: metadata(name, { namespace }),
    spec: {
      type: "NodePort", clusterIP: ip, clusterIPs: [ip], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", sessionAffinity: "None", internalTrafficPolicy: "Cluster", externalTrafficPolicy: "Cluster",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80, nodePort }],
    },
  });
  const address = (ip: string, name: string) => ({
    apiVersion: "networking.k8s.io/v1", kind: "IPAddress",
    metadata: metadata(ip, { labels: { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } }),
    spec: { parentRef: { group: "", resource: "services", namespace, name } },
  });
  const put = (key: string, value: Uint8Array | string) => store.put(key, typeof value === "string" ? new TextEncoder().encode(value) : value, { expected: 0 });
  for (const [name, ip, port] of [["one", "10.96.100.1", 30_100], ["two", "10.96.100.2", 30_200]] as const) {
    await put(`/registry/services/specs/default/${name}`, stored(service(name, ip, port)));
    await put(`/registry/ipaddresses/${ip}`, stored(address(ip, name)));
  }
  await put("/registry/servicecidrs/kubernetes", stored({
    apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: metadata("kubernetes", { finalizers: ["networking.k8s.io/service-cidr-finalizer"] }), spec: { cidrs: ["10.96.0.0/16"] },
    status: { conditions: [{ type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
  }));
  await put("/registry/ranges/servicenodeports", stored({ apiVersion: "v1", kind: "RangeAllocation", metadata: { creationTimestamp: "2026-01-01T00:00:00Z" }, range: "30000-32767", data: bitmapOf([30_100, 30_200, 30_300], 30_000) }));
  await put("/registry/ranges/serviceips", stored({ apiVersion: "v1", kind: "RangeAllocation", metadata: {}, range: "10.96.0.0/16", data: "" }));
  await put("/registry/masterleases/192.0.2.50", stored({ apiVersion: "v1", kind: "Endpoints", metadata: { generation: 3 }, subsets: [{ addresses: [{ ip: "192.0.2.50" }] }] }));
  await put("compact_rev_key", "1");
}

test("addresses and ports that upstream has given out stay given out, and ours are found where upstream looks for them", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open();
  await fillAsUpstream(store);
  await using server = await startTestServer({ store: await etcd.open() });
  const client = new TypedClient(server.http);
  const wanting = (name: string, spec: Partial<NonNullable<Service["spec"]>>, nodePort?: number): Service =>
    ({ apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { type: "NodePort", ports: [{ port: 80, ...(nodePort !== undefined && { nodePort }) }], ...spec } });

  await assert.rejects(client.create(services, wanting("taken-ip", { clusterIP: "10.96.100.1" })), (error) => isStatusError(error, "Invalid") && /failed to allocate IP 10\.96\.100\.1: /.test(error.message));
  await assert.rejects(client.create(services, wanting("taken-port", {}, 30_200)), (error) => isStatusError(error, "Invalid") && /provided port is already allocated/.test(error.message));
  const made = await client.create(services, wanting("ours", {}));
  const { clusterIP = "", ports: [{ nodePort = 0 } = {}] = [] } = made.spec ?? {};

  // What upstream's allocators look at.
  const parse = async (key: string): Promise<unknown> => JSON.parse(Buffer.from((await store.get(key))?.value ?? []).toString());
  const address = await parse(`/registry/ipaddresses/${clusterIP}`) as KubeObject & { readonly spec: unknown };
  assert.deepEqual([address.apiVersion, address.kind, address.spec], ["networking.k8s.io/v1", "IPAddress", { parentRef: { resource: "services", namespace, name: "ours" } }]);
  assert.deepEqual(address.metadata.labels, { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" });
  const range = await parse("/registry/ranges/servicenodeports") as { readonly apiVersion: string; readonly kind: string; readonly range: string; readonly data: string };
  assert.deepEqual([range.apiVersion, range.kind, range.range], ["v1", "RangeAllocation", "30000-32767"]);
  const bits = BigInt(`0x0${Buffer.from(range.data, "base64").toString("hex")}`);
  for (const port of [30_100, 30_200, nodePort]) assert.ok((bits >> BigInt(port - 30_000)) & 1n, String(port));

  // What upstream has given out is given back as ours is.
  await client.delete(services, { namespace, name: "one" });
  await client.create(services, wanting("again", { clusterIP: "10.96.100.1" }, 30_100));
  assert.equal((await client.get(ipaddresses, { name: "10.96.100.1" })).spec.parentRef?.name, "again");
  assert.ok(await store.get("/registry/masterleases/192.0.2.50"), "another server's lease is let be");
});

test("what Keelson has stored is what upstream's decoder recognises: JSON of the kind that belongs under its key", { skip }, async () => {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open();
  await using _ = await startTestServer({ store: await etcd.open() });
  const byPrefix = new Map(resources.filter(({ storedAs }) => !storedAs).map(({ type }) => [prefixOf(type), type]));
  const { entries } = await store.list("/registry/");
  assert.ok(entries.length > 100);
  for (const { key, value } of entries) {
    // Its recogniser takes what begins with a brace for JSON, and asks each object for kind and apiVersion.
    assert.equal(value[0], 0x7b, key);
    const object = JSON.parse(Buffer.from(value).toString()) as KubeObject;
    assert.equal(object.metadata.resourceVersion, undefined, key);
    if (key === "/registry/ranges/servicenodeports") continue;
    const [prefix, type] = [...byPrefix].find(([each]) => key.startsWith(each)) ?? [];
    assert.ok(prefix !== undefined && type, `nothing of upstream's lies at ${key}`);
    assert.deepEqual([object.apiVersion, object.kind], [type.group === "" ? type.version : `${type.group}/${type.version}`, type.kind], key);
    assert.equal(key, `${prefix}${type.namespaced ? `${object.metadata.namespace}/` : ""}${object.metadata.name}`);
  }
});
