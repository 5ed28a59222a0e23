import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../storage/store.ts";
import { planNodes } from "../spec.ts";
import { forkedEntry, type ForkFacts } from "./rewrite.ts";

const facts: ForkFacts = {
  from: { podCidr: "10.128.0.0/16", nodeCidr: "10.222.0.0/24" },
  to: { podCidr: "10.131.0.0/16", nodes: planNodes("copy", 3, 2).map((node, index) => ({ ...node, name: `dev-${index + 1}` })) },
  caPem: "the fork's authority",
};
type Json = Readonly<Record<string, unknown>>;
const entryOf = (key: string, object: Json): Entry => ({ key: `/registry/${key}`, revision: 7, value: Buffer.from(JSON.stringify(object)) });
const forked = (key: string, object: Json): Json | undefined => {
  const entry = forkedEntry(entryOf(key, object), facts);
  return entry && (JSON.parse(Buffer.from(entry.value).toString()) as Json);
};
const pod = (status: Json): Json => ({ kind: "Pod", apiVersion: "v1", metadata: { name: "a", namespace: "default", uid: "u" }, spec: { nodeName: "dev-1" }, status });
const metadata = { name: "x", namespace: "default", uid: "u" };

const cases: readonly { readonly what: string; readonly key: string; readonly before: Json; readonly after: Json | undefined }[] = [
  {
    what: "a node has addresses of the fork, and has yet to say how it is", key: "minions/dev-2",
    before: {
      kind: "Node", apiVersion: "v1", metadata: { name: "dev-2", uid: "u" }, spec: { podCIDR: "10.128.1.0/24", podCIDRs: ["10.128.1.0/24"], taints: [{ key: "mine", effect: "NoSchedule" }] },
      status: { addresses: [{ type: "InternalIP", address: "10.222.0.11" }, { type: "Hostname", address: "dev-2" }], capacity: { cpu: "2" }, conditions: [{ type: "Ready", status: "True" }], images: [{ names: ["a"] }] },
    },
    after: {
      kind: "Node", apiVersion: "v1", metadata: { name: "dev-2", uid: "u" }, spec: { taints: [{ key: "mine", effect: "NoSchedule" }], podCIDR: "10.131.1.0/24", podCIDRs: ["10.131.1.0/24"] },
      status: { addresses: [{ type: "InternalIP", address: "10.222.3.11" }, { type: "Hostname", address: "dev-2" }], capacity: { cpu: "2" } },
    },
  },
  { what: "a node that joined the other cluster stays there", key: "minions/far", before: { kind: "Node", apiVersion: "v1", metadata: { name: "far", uid: "u" } }, after: undefined },
  {
    what: "a pod that runs has yet to start", key: "pods/default/a",
    before: pod({ phase: "Running", podIP: "10.128.1.5", hostIP: "10.222.0.10", qosClass: "Burstable", startTime: "2026-01-01T00:00:00Z", containerStatuses: [{ name: "c", containerID: "containerd://1", ready: true }], conditions: [{ type: "Ready", status: "True" }, { type: "PodScheduled", status: "True" }] }),
    after: pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "True" }], qosClass: "Burstable" }),
  },
  {
    what: "a pod that has ended has ended", key: "pods/default/a",
    before: pod({ phase: "Succeeded", podIP: "10.128.1.5", podIPs: [{ ip: "10.128.1.5" }], hostIP: "10.222.0.10", containerStatuses: [{ name: "c", state: { terminated: { exitCode: 0 } } }] }),
    after: pod({ phase: "Succeeded", containerStatuses: [{ name: "c", state: { terminated: { exitCode: 0 } } }] }),
  },
  {
    what: "endpoints lead to nobody in the other cluster, and still to the world", key: "services/endpoints/default/x",
    before: { kind: "Endpoints", apiVersion: "v1", metadata, subsets: [{ addresses: [{ ip: "10.128.0.9" }, { ip: "192.0.2.7" }], notReadyAddresses: [{ ip: "10.222.0.10" }], ports: [{ port: 80 }] }, { addresses: [{ ip: "10.128.0.9" }] }] },
    after: { kind: "Endpoints", apiVersion: "v1", metadata, subsets: [{ ports: [{ port: 80 }], addresses: [{ ip: "192.0.2.7" }] }] },
  },
  {
    what: "so do slices", key: "endpointslices/default/x",
    before: { kind: "EndpointSlice", apiVersion: "discovery.k8s.io/v1", metadata, addressType: "IPv4", endpoints: [{ addresses: ["10.128.0.9"] }, { addresses: ["192.0.2.7"] }], ports: [] },
    after: { kind: "EndpointSlice", apiVersion: "discovery.k8s.io/v1", metadata, addressType: "IPv4", endpoints: [{ addresses: ["192.0.2.7"] }], ports: [] },
  },
  {
    what: "pods trust the fork's authority from their first moment", key: "configmaps/default/kube-root-ca.crt",
    before: { kind: "ConfigMap", apiVersion: "v1", metadata: { ...metadata, name: "kube-root-ca.crt" }, data: { "ca.crt": "the other's" } },
    after: { kind: "ConfigMap", apiVersion: "v1", metadata: { ...metadata, name: "kube-root-ca.crt" }, data: { "ca.crt": "the fork's authority" } },
  },
  {
    what: "a token that the other has signed is none", key: "secrets/default/x",
    before: { kind: "Secret", apiVersion: "v1", metadata, type: "kubernetes.io/service-account-token", data: { "token": "dG9rZW4=", "ca.crt": "Y2E=", "namespace": "ZGVmYXVsdA==" } },
    after: { kind: "Secret", apiVersion: "v1", metadata, type: "kubernetes.io/service-account-token", data: { "ca.crt": Buffer.from("the fork's authority").toString("base64"), "namespace": "ZGVmYXVsdA==" } },
  },
  { what: "a node's sign of life stays", key: "leases/kube-node-lease/dev-1", before: { kind: "Lease", apiVersion: "coordination.k8s.io/v1", metadata: { name: "dev-1", namespace: "kube-node-lease", uid: "u" } }, after: undefined },
  { what: "what happened, happened there", key: "events/default/x", before: { kind: "Event", apiVersion: "v1", metadata }, after: undefined },
  { what: "requests to the other's authority stay", key: "certificatesigningrequests/x", before: { kind: "CertificateSigningRequest", apiVersion: "certificates.k8s.io/v1", metadata }, after: undefined },
  { what: "nobody joins the fork with the other's token", key: "secrets/kube-system/bootstrap-token-abcdef", before: { kind: "Secret", apiVersion: "v1", metadata }, after: undefined },
  { what: "servers of the other do not live here", key: "masterleases/10.0.0.1", before: {}, after: undefined },
];
for (const { what, key, before, after } of cases) test(`fork: ${what}`, () => assert.deepEqual(forked(key, before), after));

test("fork: everything else is the same, to the byte", () => {
  const same: readonly Entry[] = [
    entryOf("secrets/default/x", { kind: "Secret", apiVersion: "v1", metadata, data: { a: "b" } }),
    entryOf("services/specs/default/x", { kind: "Service", apiVersion: "v1", metadata, spec: { clusterIP: "10.96.4.4" }, status: { loadBalancer: {} } }),
    entryOf("leases/kube-system/x", { kind: "Lease", apiVersion: "coordination.k8s.io/v1", metadata: { ...metadata, namespace: "kube-system" } }),
    entryOf("configmaps/default/x", { kind: "ConfigMap", apiVersion: "v1", metadata, data: { "ca.crt": "mine" } }),
    entryOf("example.com/widgets/default/x", { kind: "Widget", apiVersion: "example.com/v1", metadata }),
    { key: "/registry/secrets/default/y", revision: 3, value: Buffer.from("k8s:enc:aesgcm:v1:key:…") },
  ];
  for (const entry of same) assert.equal(forkedEntry(entry, facts), entry, entry.key);
  assert.throws(() => forkedEntry({ key: "/registry/pods/default/y", revision: 3, value: Buffer.from("k8s:enc:aesgcm:v1:key:…") }, facts), /pods\/default\/y is encrypted at rest/);
});
