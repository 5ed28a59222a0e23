import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, type DecodedPacket } from "dns-packet";
import type { Service } from "../api/generated/core-v1.ts";
import type { EndpointSlice } from "../api/generated/discovery-v1.ts";
import type { Directory } from "./records.ts";
import { respond } from "./server.ts";
import { nameServersOf } from "./forward.ts";

const service = (name: string, spec: NonNullable<Service["spec"]>): Service => ({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec });
const all = [
  service("web", { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20"], ports: [{ name: "http", port: 80, protocol: "TCP" }] }),
  service("db", { clusterIP: "None", clusterIPs: ["None"], ports: [{ name: "sql", port: 5432 }] }),
  service("out", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }),
];
const slice: EndpointSlice = {
  apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "db-1", namespace: "default", labels: { "kubernetes.io/service-name": "db" } }, addressType: "IPv4",
  ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  endpoints: [{ addresses: ["10.128.0.5"], hostname: "db-0" }, { addresses: ["10.128.0.6"] }, { addresses: ["10.128.0.7"], conditions: { ready: false } }],
};
const directory: Directory = {
  service: (namespace, name) => all.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  slices: (_, name) => (name === "db" ? [slice] : []),
  hasNamespace: (namespace) => namespace === "default",
  serviceByIp: (ip) => all.find(({ spec }) => spec?.clusterIP === ip),
  slicesByIp: (ip) => (slice.endpoints?.some(({ addresses }) => addresses.includes(ip)) === true ? [slice] : []),
};
const options = { zone: { directory, domain: "cluster.local" }, forwarder: undefined, signal: new AbortController().signal };
const ask = async (name: string, type: "A" | "AAAA" | "SRV" | "PTR" | "TXT" = "A", tcp = false): Promise<DecodedPacket & { readonly rcode?: string }> => {
  const answer = await respond(options, encode({ type: "query", id: 7, flags: 0x100, questions: [{ name, type }] }), tcp);
  assert.ok(answer);
  return decode(answer);
};
const data = (packet: DecodedPacket) => packet.answers?.map((answer) => ("data" in answer ? answer.data : undefined));

test("Services, headless Services and their endpoints have addresses", async () => {
  assert.deepEqual(data(await ask("web.default.svc.cluster.local")), ["10.96.0.20"]);
  assert.deepEqual(data(await ask("WEB.default.svc.cluster.local")), ["10.96.0.20"]);
  assert.deepEqual(data(await ask("db.default.svc.cluster.local")), ["10.128.0.5", "10.128.0.6"]);
  assert.deepEqual(data(await ask("db-0.db.default.svc.cluster.local")), ["10.128.0.5"]);
  assert.deepEqual(data(await ask("10-128-0-6.db.default.svc.cluster.local")), ["10.128.0.6"]);
  assert.deepEqual(data(await ask("10-128-0-9.default.pod.cluster.local")), ["10.128.0.9"]);
});

test("ports have SRV records, with the addresses of their targets", async () => {
  const web = await ask("_http._tcp.web.default.svc.cluster.local", "SRV");
  assert.deepEqual(data(web), [{ priority: 0, weight: 100, port: 80, target: "web.default.svc.cluster.local" }]);
  assert.deepEqual(web.additionals?.map(({ name }) => name), ["web.default.svc.cluster.local"]);
  assert.equal((await ask("_sql._tcp.db.default.svc.cluster.local", "SRV")).answers?.length, 2);
  assert.equal((await ask("_sql._udp.db.default.svc.cluster.local", "SRV")).rcode, "NXDOMAIN");
});

test("addresses lead back to names", async () => {
  assert.deepEqual(data(await ask("20.0.96.10.in-addr.arpa", "PTR")), ["web.default.svc.cluster.local"]);
  assert.deepEqual(data(await ask("5.0.128.10.in-addr.arpa", "PTR")), ["db-0.db.default.svc.cluster.local"]);
});

test("ExternalName is an alias that is followed", async () => {
  assert.deepEqual(data(await ask("out.default.svc.cluster.local")), ["web.default.svc.cluster.local", "10.96.0.20"]);
});

test("what does not exist is NXDOMAIN with the zone's SOA, what has no such record is empty, what is not ours fails without a forwarder", async () => {
  const missing = await ask("nothing.default.svc.cluster.local");
  assert.deepEqual([missing.rcode, missing.authorities?.[0]?.type], ["NXDOMAIN", "SOA"]);
  const empty = await ask("web.default.svc.cluster.local", "AAAA");
  assert.deepEqual([empty.rcode, empty.answers?.length], ["NOERROR", 0]);
  assert.equal((await ask("default.svc.cluster.local")).rcode, "NOERROR");
  assert.equal((await ask("web.other.svc.cluster.local")).rcode, "NXDOMAIN");
  assert.equal((await ask("example.com")).rcode, "SERVFAIL");
  assert.deepEqual(data(await ask("dns-version.cluster.local", "TXT")), [[Buffer.from("1.1.0")]]);
});

test("what is no query is not answered", async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from("hello"), Buffer.alloc(11)]) assert.equal(await respond(options, bytes, false), undefined);
});

test("forwarders on loopback are of no use to a node", () => {
  assert.deepEqual(nameServersOf("# x\nnameserver 127.0.0.53\nnameserver 9.9.9.9\noptions edns0\n"), ["9.9.9.9"]);
});
