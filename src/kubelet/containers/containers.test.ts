import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod, PodSpec, Service } from "../../api/generated/core-v1.ts";
import { qosClassOf } from "../pod/pod.ts";
import { podDns } from "../sandbox/dns.ts";
import { hostsFile } from "../sandbox/hosts.ts";
import { fieldValue, resourceValue } from "./downward.ts";
import { environment } from "./environment.ts";
import { expand } from "./expansion.ts";
import { containerResources, cpuQuotaUs, cpuShares, cpuWeight, oomScoreAdj } from "./resources.ts";
import { verifyNonRoot } from "./security.ts";
import { serviceEnvironment } from "./service-environment.ts";

const pod = (spec: Partial<PodSpec> = {}): Pod => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop", uid: "u", labels: { b: "2", a: "1" } }, spec: { containers: [], ...spec } });
const facts = { nodeName: "n1", nodeIps: ["192.0.2.1"], podIps: ["10.0.0.1"], allocatable: { cpu: "4", memory: "1Gi" } };

const expansions: readonly [string, string][] = [["$(A)-$(B)", "1-$(B)"], ["$$(A)", "$(A)"], ["$$$(A)", "$1"], ["$(A", "$(A"], ["$x $", "$x $"], ["", ""]];
for (const [text, expected] of expansions) test(`expand ${text}`, () => assert.equal(expand(text, (name) => ({ A: "1" })[name]), expected));

test("variables see those before them and the services, and later ones win", () => {
  const container: Container = {
    name: "c",
    envFrom: [{ prefix: "P_", configMapRef: { name: "cm" } }],
    env: [
      { name: "ONE", value: "1" }, { name: "TWO", value: "$(ONE)$(ONE) $(SVC) $(NONE)" }, { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "SECRET", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }, { name: "MAYBE", valueFrom: { configMapKeyRef: { name: "none", key: "k", optional: true } } },
    ],
  };
  const sources = {
    configMaps: new Map([["cm", { apiVersion: "v1" as const, kind: "ConfigMap" as const, metadata: {}, data: { x: "y" } }], ["none", undefined]]),
    secrets: new Map([["s", { apiVersion: "v1" as const, kind: "Secret" as const, metadata: {}, data: { k: Buffer.from("geheim").toString("base64") } }]]),
    services: new Map([["SVC", "10.0.0.9"]]),
  };
  assert.deepEqual(Object.fromEntries(environment(pod(), container, sources, facts)), { P_x: "y", ONE: "1", TWO: "11 10.0.0.9 $(NONE)", NAME: "web", SECRET: "geheim", SVC: "10.0.0.9" });
  assert.throws(() => environment(pod(), { name: "c", env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "cm", key: "none" } } }] }, sources, facts), { message: "couldn't find key none in ConfigMap shop/cm" });
});

test("services make variables", () => {
  const service: Service = { apiVersion: "v1", kind: "Service", metadata: { name: "redis-master", namespace: "shop" }, spec: { clusterIP: "10.96.0.7", ports: [{ name: "db", port: 6379, protocol: "TCP" }] } };
  assert.deepEqual(Object.fromEntries(serviceEnvironment([service], "shop", true)), {
    REDIS_MASTER_SERVICE_HOST: "10.96.0.7", REDIS_MASTER_SERVICE_PORT: "6379", REDIS_MASTER_SERVICE_PORT_DB: "6379", REDIS_MASTER_PORT: "tcp://10.96.0.7:6379",
    REDIS_MASTER_PORT_6379_TCP: "tcp://10.96.0.7:6379", REDIS_MASTER_PORT_6379_TCP_PROTO: "tcp", REDIS_MASTER_PORT_6379_TCP_PORT: "6379", REDIS_MASTER_PORT_6379_TCP_ADDR: "10.96.0.7",
  });
  assert.equal(serviceEnvironment([service], "shop", false).size, 0);
});

test("fields of the pod", () => {
  assert.equal(fieldValue({ fieldPath: "metadata.labels" }, pod(), facts), 'a="1"\nb="2"');
  assert.equal(fieldValue({ fieldPath: "metadata.labels['b']" }, pod(), facts), "2");
  assert.throws(() => fieldValue({ fieldPath: "spec.x" }, pod(), facts), /unsupported fieldPath: spec.x/);
});

const own: Container = { name: "c", resources: { limits: { cpu: "1250m", memory: "64Mi" } } };
const values: readonly [string, string | undefined, string][] = [["limits.cpu", undefined, "2"], ["limits.cpu", "1m", "1250"], ["limits.memory", "1Mi", "64"], ["requests.cpu", "1m", "1250"]];
for (const [resource, divisor, expected] of values) test(`${resource} / ${divisor}`, () => assert.equal(resourceValue({ resource, ...(divisor !== undefined && { divisor }) }, pod(), own, facts), expected));
test("what is not limited is what the node has", () => assert.equal(resourceValue({ resource: "limits.cpu" }, pod(), { name: "c" }, facts), "4"));

test("processor arithmetic", () => {
  assert.deepEqual([0, 1, 500, 1000, 1_000_000].map(cpuShares), [2, 2, 512, 1024, 262_144]);
  assert.deepEqual([0, 5, 500].map(cpuQuotaUs), [0, 1000, 50_000]);
  assert.deepEqual([2, 1024, 262_144].map(cpuWeight), [1, 39, 10_000]);
});

test("classes of service and who dies first", () => {
  const with_ = (resources: NonNullable<Container["resources"]>): Pod => pod({ containers: [{ name: "c", resources }] });
  const cases = [with_({}), with_({ requests: { cpu: "1" } }), with_({ limits: { cpu: "1", memory: "1Gi" } }), with_({ requests: { memory: "1Gi" } })] as const;
  assert.deepEqual(cases.map(qosClassOf), ["BestEffort", "Burstable", "Guaranteed", "Burstable"]);
  assert.deepEqual(cases.map((each) => oomScoreAdj(each, each.spec?.containers[0] ?? { name: "" }, 4 * 2 ** 30)), [1000, 999, -997, 750]);
  assert.deepEqual(containerResources(cases[2], cases[2].spec?.containers[0] ?? { name: "" }, { memoryBytes: 2 ** 32, swapControlled: true }), {
    cpuShares: 1024, cpuPeriod: 100_000, cpuQuota: 100_000, memoryLimitInBytes: 2 ** 30, memorySwapLimitInBytes: 2 ** 30, oomScoreAdj: -997,
  });
});

test("a container that must not be root", () => {
  const strict = pod({ securityContext: { runAsNonRoot: true } });
  assert.throws(() => verifyNonRoot(strict, { name: "c" }, { uid: 0, username: "" }, "p"), { message: "container has runAsNonRoot and image will run as root (pod: p, container: c)" });
  assert.throws(() => verifyNonRoot(strict, { name: "c" }, { uid: undefined, username: "app" }, "p"), /non-numeric user \(app\)/);
  verifyNonRoot(strict, { name: "c", securityContext: { runAsUser: 5 } }, { uid: 0, username: "" }, "p");
});

test("resolvers: of the cluster, of the node, of its own", () => {
  const options = { clusterDns: "10.96.0.10", clusterDomain: "cluster.local", nodeResolvConf: "nameserver 192.0.2.53\nsearch example.com\noptions timeout:1\n" };
  assert.deepEqual(podDns(pod(), options), { servers: ["10.96.0.10"], searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"], options: ["ndots:5"] });
  assert.deepEqual(podDns(pod({ hostNetwork: true }), options), { servers: ["192.0.2.53"], searches: ["example.com"], options: ["timeout:1"] });
  assert.deepEqual(podDns(pod({ dnsPolicy: "None", dnsConfig: { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "2" }] } }), options), { servers: ["1.1.1.1"], searches: [], options: ["ndots:2"] });
});

test("the hosts file", () => {
  const text = hostsFile(pod({ hostname: "h", subdomain: "s", hostAliases: [{ ip: "1.2.3.4", hostnames: ["x", "y"] }] }), { podIps: ["10.0.0.1"], clusterDomain: "cluster.local", nodeHosts: "" });
  assert.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
  assert.ok(text.endsWith("10.0.0.1\th.s.shop.svc.cluster.local\th\n\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n"));
});
