import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, Service } from "../../api/generated/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/discovery-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { StatusError } from "../../apimachinery/status-error.ts";
import type { ClusterReader } from "../access.ts";
import { containerOf, logLocation, proxyLocation, streamLocation } from "./location.ts";
import { splitProxyPath, throughProxy } from "./streaming.ts";
import { dialText } from "./tunnel.ts";

const container = (name: string, port?: number) => ({ name, image: "i", ...(port !== undefined && { ports: [{ name: "http", containerPort: port }] }) });
const pod = (name: string, rest: Partial<Pod> = {}): Pod => ({
  apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "ns" }, spec: { nodeName: "n", containers: [container("a", 8080)] }, status: { podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] }, ...rest,
});
const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status: { addresses: [{ type: "Hostname", address: "n" }, { type: "InternalIP", address: "10.1.0.1" }], daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } } };
const service: Service = { apiVersion: "v1", kind: "Service", metadata: { name: "s", namespace: "ns" }, spec: { ports: [{ name: "web", port: 80 }, { port: 81 }] } };
const endpoint = (address: string, name: string, ready = true) => ({ addresses: [address], conditions: { ready }, targetRef: { kind: "Pod", name, namespace: "ns" } });
const slice: EndpointSlice = {
  apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name: "s-1", namespace: "ns", labels: { "kubernetes.io/service-name": "s" } }, addressType: "IPv4",
  ports: [{ name: "web", port: 8080 }], endpoints: [endpoint("10.0.0.1", "p"), endpoint("10.0.0.2", "p"), endpoint("10.0.0.3", "unready", false), { addresses: ["10.9.9.9"] }],
};

const objects: readonly KubeObject[] = [
  pod("p"), pod("local", { status: { podIP: "127.0.0.1" } }), pod("link", { status: { podIP: "169.254.169.254" } }), pod("mapped", { status: { podIP: "::ffff:127.0.0.1" } }), pod("six", { status: { podIP: "fd00::1" } }), node, service, slice,
  { apiVersion: "v1", kind: "Node", metadata: { name: "bare" } } satisfies Node,
];
const reader: ClusterReader = {
  get: <T extends KubeObject>({ kind }: ResourceType<T>, _: string, name: string) => objects.find((each) => each.kind === kind && each.metadata.name === name) as T | undefined,
  list: <T extends KubeObject>({ kind }: ResourceType<T>) => objects.filter((each) => each.kind === kind) as readonly KubeObject[] as readonly T[],
};

const refuses = (run: () => unknown, code: number, message: string): void => {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof StatusError);
    assert.deepEqual([error.code, error.message], [code, message]);
    return true;
  });
};

test("which container a request means", () => {
  const three = pod("p", { spec: { initContainers: [container("init")], containers: [container("a"), container("b")] } });
  assert.equal(containerOf(pod("p"), ""), "a");
  assert.equal(containerOf(three, "init"), "init");
  refuses(() => containerOf(three, ""), 400, "a container name must be specified for pod p, choose one of: [init a b]");
  refuses(() => containerOf(three, "c"), 400, "container c is not valid for pod p");
  refuses(() => containerOf(pod("p", { spec: { containers: [] } }), ""), 400, "a container name must be specified for pod p");
});

test("where exec, attach and port-forward go", () => {
  const to = (what: "exec" | "attach" | "portforward", query: string, of = pod("p")) => streamLocation(reader, of, what, new URLSearchParams(query));
  assert.deepEqual(to("exec", "stdin=true&stdout=1&stderr=false&tty=true&command=sh&command=-c&command=a%26b"), {
    scheme: "https", host: "10.1.0.1", port: 10_250, kubelet: true, path: "/exec/ns/p/a?input=1&output=1&tty=1&command=sh&command=-c&command=a%26b",
  });
  assert.equal(to("attach", "stderr=true").path, "/attach/ns/p/a?error=1");
  assert.equal(to("portforward", "ports=80&ports=81").path, "/portForward/ns/p?port=80%2C81");
  refuses(() => to("exec", "stdout=1"), 400, "you must specify at least one command for the container");
  refuses(() => to("attach", ""), 400, "you must specify at least 1 of stdin, stdout, stderr");
  refuses(() => to("attach", "stdout=1", pod("p", { spec: { containers: [container("a")] } })), 400, "pod p does not have a host assigned");
  refuses(() => to("attach", "stdout=1", pod("p", { spec: { nodeName: "gone", containers: [container("a")] } })), 404, 'nodes "gone" not found');
  refuses(() => to("attach", "stdout=1", pod("p", { spec: { nodeName: "bare", containers: [container("a")] } })), 500, "no preferred addresses found; known addresses: []");
});

test("where a log is read, and what may be asked of it", () => {
  const to = (query: string, of = pod("p")) => logLocation(reader, of, new URLSearchParams(query));
  assert.equal(to("follow=true&tailLines=3&unknown=1")?.path, "/containerLogs/ns/p/a?follow=true&tailLines=3");
  assert.equal(to("", pod("p", { spec: { containers: [container("a")] } })), undefined);
  refuses(() => to("tailLines=-1"), 422, 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0');
  refuses(() => to("limitBytes=0&sinceSeconds=0"), 422, 'PodLogOptions "p" is invalid: [limitBytes: Invalid value: 0: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater than 0]');
});

test("where a proxied request goes", () => {
  const to = (resource: string, name: string, random = 0) => proxyLocation(reader, resource, "ns", name, "/x?y", () => random);
  const table: readonly (readonly [string, string, string])[] = [
    ["pods", "p", "http://10.0.0.1:8080/x?y"], ["pods", "p:http", "http://10.0.0.1:8080/x?y"], ["pods", "p:99", "http://10.0.0.1:99/x?y"], ["pods", "https:p:99", "https://10.0.0.1:99/x?y"], ["pods", "six:1", "http://fd00::1:1/x?y"],
    ["services", "s:80", "http://10.0.0.1:8080/x?y"], ["services", "https:s:web", "https://10.0.0.1:8080/x?y"], ["nodes", "n", "https://10.1.0.1:10250/x?y"], ["nodes", "n:10250", "https://10.1.0.1:10250/x?y"], ["nodes", "n:99", "http://10.1.0.1:99/x?y"],
  ];
  for (const [resource, name, expected] of table) {
    const { scheme, host, port, path, kubelet } = to(resource, name);
    assert.equal(`${scheme}://${host}:${port}${path}`, expected, name);
    assert.equal(kubelet, expected.includes(":10250/"), "our certificate is shown to kubelets alone");
  }
  // An address that is not the named pod's own, one without a pod, and one that is not ready are never chosen.
  for (const random of [0, 0.3, 0.6, 0.99]) assert.equal(to("services", "s:80", random).host, "10.0.0.1");
});

test("proxies lead to pods of the cluster, not to the API server's own machine", () => {
  const to = (resource: string, name: string) => () => proxyLocation(reader, resource, "ns", name, "/", () => 0);
  for (const name of ["local", "link", "mapped"]) refuses(to("pods", name), 400, "address not allowed");
  refuses(to("pods", "none"), 404, 'pods "none" not found');
  refuses(to("services", "s:82"), 503, 'no service port 82 found for service "s"');
  refuses(to("services", "http:s:81"), 503, 'no endpoints available for service "http:s:81"');
  refuses(to("services", "s"), 503, 'no endpoints available for service "s"');
});

test("a proxied path stays as the client wrote it", () => {
  const table: readonly (readonly [string, string, string, string])[] = [
    ["/api/v1/nodes/n/proxy/a%2Fb/", "nodes", "/api/v1/nodes/n/proxy", "/a%2Fb/"], ["/api/v1/nodes/n/proxy", "nodes", "/api/v1/nodes/n/proxy", ""], ["/api/v1/nodes/n/proxy/", "nodes", "/api/v1/nodes/n/proxy", "/"],
    ["/api/v1/namespaces/ns/pods/http:p:80/proxy/a//b", "pods", "/api/v1/namespaces/ns/pods/http:p:80/proxy", "/a//b"],
  ];
  for (const [path, resource, prefix, rest] of table) assert.deepEqual(splitProxyPath(path, resource), { prefix, rest });
});

test("redirections of a proxied server lead through the proxy", () => {
  const through = (target: string) => throughProxy(target, { prefix: "/api/proxy", hosts: ["10.0.0.1:80", "localhost:8001"] });
  const table: readonly (readonly [string, string])[] = [
    ["/a", "/api/proxy/a"], ["a/b", "a/b"], ["http://10.0.0.1:80/a?b", "/api/proxy/a?b"], ["https://localhost:8001/a", "/api/proxy/a"], ["http://elsewhere/a", "http://elsewhere/a"], ["/api/proxy/a", "/api/proxy/a"],
  ];
  for (const [target, expected] of table) assert.equal(through(target), expected, target);
});

test("failures to connect are told in the words that clients know", () => {
  const location = { scheme: "http", host: "10.0.0.1", port: 80, path: "/", kubelet: false } as const;
  assert.equal(dialText(location, Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" })), "dial tcp 10.0.0.1:80: connect: connection refused");
  assert.equal(dialText(location, Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })), "read tcp 10.0.0.1:80: read: connection reset by peer");
  assert.equal(dialText(location, new Error("socket hang up")), "socket hang up");
});
