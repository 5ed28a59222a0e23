import assert from "node:assert/strict";
import { test } from "node:test";
import type { Service } from "../api/generated/core-v1.ts";
import type { Endpoint, EndpointSlice } from "../api/generated/discovery-v1.ts";
import { staleUdpTargets } from "./kube-proxy.ts";
import { changeTransaction, rulesetOf, wholeTransaction } from "./ruleset.ts";
import { serviceRoutes } from "./service-ports.ts";

const service = (spec: Partial<NonNullable<Service["spec"]>> = {}, name = "web"): Service => ({
  apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" },
  spec: { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20"], type: "ClusterIP", ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }], ...spec },
});
const endpoint = (ip: string, fields: Partial<Endpoint> = {}): Endpoint => ({ addresses: [ip], conditions: { ready: true }, nodeName: "a", ...fields });
const slice = (endpoints: readonly Endpoint[], fields: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4", endpoints, ports: [{ name: "", port: 8080, protocol: "TCP" }], ...fields,
});
const routes = (services: readonly Service[], slices: readonly EndpointSlice[]) => serviceRoutes({ services, slices, nodeName: "a", excludedIps: new Set(["10.96.0.10"]) });
const rules = (services: readonly Service[], slices: readonly EndpointSlice[]) => rulesetOf(routes(services, slices), { clusterCidr: "10.128.0.0/16" });

test("ready endpoints answer; terminating ones only while nobody is ready", () => {
  const ending = endpoint("10.128.0.3", { conditions: { ready: false, serving: true, terminating: true } });
  assert.deepEqual(routes([service()], [slice([endpoint("10.128.0.2"), ending])])[0]?.internal, [{ ip: "10.128.0.2", port: 8080 }]);
  assert.deepEqual(routes([service()], [slice([ending])])[0]?.internal, [{ ip: "10.128.0.3", port: 8080 }]);
  assert.deepEqual(routes([service()], [slice([endpoint("10.128.0.2", { conditions: { ready: false } })])])[0]?.internal, []);
});

test("Local policies keep to this node's endpoints", () => {
  const slices = [slice([endpoint("10.128.0.2"), endpoint("10.128.1.2", { nodeName: "b" })])];
  assert.equal(routes([service({ internalTrafficPolicy: "Local" })], slices)[0]?.internal.length, 1);
  const [route] = routes([service({ type: "NodePort", externalTrafficPolicy: "Local", ports: [{ port: 80, nodePort: 30080 }] })], slices);
  assert.deepEqual([route?.internal.length, route?.external.length], [2, 1]);
});

test("headless Services, ExternalName, other families and excluded addresses make no rules", () => {
  const none = [service({ clusterIP: "None", clusterIPs: ["None"] }), service({ type: "ExternalName" }), service({ clusterIP: "fd00::1", clusterIPs: ["fd00::1"] }), service({ clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"] })];
  assert.deepEqual(routes(none, []), []);
});

test("a Service without endpoints is rejected, not ignored", () => {
  assert.deepEqual([...rules([service()], []).elements["no-endpoint-services"]], [["10.96.0.20 . tcp . 80", "goto reject-chain"]]);
});

test("the same state needs no transaction, a changed endpoint the smallest one", () => {
  const before = rules([service()], [slice([endpoint("10.128.0.2")])]);
  assert.equal(changeTransaction(before, rules([service()], [slice([endpoint("10.128.0.2")])])), "");
  const change = changeTransaction(before, rules([service()], [slice([endpoint("10.128.0.2"), endpoint("10.128.0.3")])]));
  assert.match(change, /add chain ip kube-proxy endpoint-\w+-10\.128\.0\.3-8080/);
  assert.match(change, /numgen random mod 2 vmap/);
  assert.doesNotMatch(change, /element|delete/);
  const removal = changeTransaction(before, rules([], []));
  assert.ok(removal.indexOf("delete element") < removal.indexOf("delete chain"), "an element goes before the chain that it names");
});

test("affinity remembers clients in a set per endpoint", () => {
  const text = wholeTransaction(rules([service({ sessionAffinity: "ClientIP" })], [slice([endpoint("10.128.0.2"), endpoint("10.128.0.3")])]), { serviceCidr: "10.96.0.0/16" });
  assert.match(text, /flags dynamic,timeout; timeout 10800s/);
  assert.match(text, /ip saddr @affinity-\w+-10\.128\.0\.2-8080 goto endpoint-/);
});

test("UDP targets that are gone are to be forgotten by the kernel", () => {
  const udp = (ip: string) => routes([service({ ports: [{ port: 53, protocol: "UDP" }] })], [slice([endpoint(ip)], { ports: [{ name: "", port: 53, protocol: "UDP" }] })]);
  assert.deepEqual(staleUdpTargets(udp("10.128.0.2"), udp("10.128.0.3")), [["10.128.0.2", 53]]);
});
