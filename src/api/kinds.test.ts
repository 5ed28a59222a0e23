import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorText } from "../apimachinery/field-error.ts";
import type { KubeObject } from "../apimachinery/object.ts";
import { resources } from "./all.ts";
import type { Resource } from "./resource.ts";

type Loose = Readonly<Record<string, unknown>>;
const resourceOf = (kind: string): Resource => {
  const found = resources.find(({ type }) => type.kind === kind && type.version !== "v1beta1" && !(kind === "HorizontalPodAutoscaler" && type.version === "v1"));
  assert.ok(found, kind);
  return found;
};
const objectOf = (kind: string, own: Loose): KubeObject => {
  const { type } = resourceOf(kind);
  const { metadata, ...rest } = own as { readonly metadata?: Loose };
  return { apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`, kind, metadata: { name: "a", namespace: "default", uid: "u", ...metadata }, ...rest };
};
const textsOf = (errors: Iterable<Parameters<typeof fieldErrorText>[0]>): string[] => [...errors].map(fieldErrorText);
const created = (kind: string, own: Loose): KubeObject => { const resource = resourceOf(kind); return resource.prepareForCreate(resource.defaults(objectOf(kind, own))); };

const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "nginx" }] } };
const workload = { selector: { matchLabels: { app: "a" } }, template };

for (const [kind, what, own, expected] of [
  ["Deployment", "a good one", { spec: workload }, []],
  ["Deployment", "no selector", { spec: { template } }, ["spec.selector: Required value", 'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']],
  ["Deployment", "another selector", { spec: { ...workload, selector: { matchLabels: { app: "b" } } } }, ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']],
  ["Deployment", "no room to roll", { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } }, ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"]],
  ["Deployment", "a policy that ends", { spec: { ...workload, template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } } }, ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']],
  ["ReplicaSet", "negative replicas", { spec: { ...workload, replicas: -1 } }, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
  ["DaemonSet", "surge and loss at once", { spec: { ...workload, updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } } }, ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"]],
  ["StatefulSet", "a good one", { spec: { ...workload, serviceName: "s" } }, []],
  ["Job", "a good one", { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } }, []],
  ["Job", "a policy that never ends", { spec: { template } }, ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
  ["CronJob", "a bad schedule", { spec: { schedule: "* * * *", jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } } } }, ['spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]']],
  ["Service", "no ports", { spec: {} }, ["spec.ports: Required value"]],
  ["Service", "a port out of range", { spec: { ports: [{ port: 0 }] } }, ["spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive", "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive"]],
  ["Service", "a node port it cannot have", { spec: { ports: [{ port: 80, nodePort: 30000 }] } }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
  ["Service", "a name outside", { spec: { type: "ExternalName", externalName: "example.com" } }, []],
  ["Service", "an unknown type", { spec: { type: "X", ports: [{ port: 80 }] } }, ['spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
  ["ConfigMap", "a bad key", { data: { "a/b": "" } }, ['data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, \'-\', \'_\' or \'.\' (e.g. \'key.name\',  or \'KEY_NAME\',  or \'key-name\', regex used for validation is \'[-._a-zA-Z0-9]+\')']],
  ["ConfigMap", "too much", { data: { a: "x".repeat(1024 * 1024 + 1) } }, ["[]: Too long: may not be more than 1048576 bytes"]],
  ["Secret", "a TLS secret without its key", { type: "kubernetes.io/tls", data: { "tls.crt": "" } }, ["data[tls.key]: Required value"]],
  ["Secret", "a token of nobody", { type: "kubernetes.io/service-account-token" }, ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]],
  ["Role", "a rule without verbs", { rules: [{ apiGroups: [""], resources: ["pods"] }] }, ["rules[0].verbs: Required value: verbs must contain at least one value"]],
  ["RoleBinding", "an unknown subject", { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "X", name: "x" }] }, ['subjects[0].kind: Unsupported value: "X": supported values: "ServiceAccount", "User", "Group"']],
  ["PriorityClass", "a value of the system's", { value: 1_000_000_001 }, ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]],
  ["Lease", "no duration", { spec: { leaseDurationSeconds: 0 } }, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]],
  ["EndpointSlice", "a loopback address", { addressType: "IPv4", endpoints: [{ addresses: ["127.0.0.1"] }] }, ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
  ["PersistentVolumeClaim", "no size", { spec: { accessModes: ["ReadWriteOnce"] } }, ["spec.resources[storage]: Required value"]],
  ["PersistentVolume", "no source", { spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } } }, ["spec: Required value: must specify a volume type"]],
  ["NetworkPolicy", "an empty peer", { spec: { podSelector: {}, ingress: [{ from: [{}] }] } }, ["spec.ingress[0].from[0]: Required value: must specify a peer"]],
  ["Ingress", "nothing to serve", { spec: {} }, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]],
  ["PodDisruptionBudget", "both bounds", { spec: { minAvailable: 1, maxUnavailable: 1 } }, ['spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']],
] as const satisfies readonly (readonly [string, string, Loose, readonly string[]])[]) {
  test(`creating a ${kind} with ${what}`, () => assert.deepEqual(textsOf(resourceOf(kind).validate(created(kind, own))), expected));
}

for (const [kind, what, previous, next, expected] of [
  ["Deployment", "its selector", { spec: workload }, { spec: { selector: { matchLabels: { app: "a", b: "c" } }, template: { ...template, metadata: { labels: { app: "a", b: "c" } } } } }, ['spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable']],
  ["Secret", "its type", {}, { type: "x" }, ['type: Invalid value: "x": field is immutable']],
  ["ConfigMap", "immutable data", { immutable: true, data: { a: "1" } }, { immutable: true, data: { a: "2" } }, ["data: Forbidden: field is immutable when `immutable` is set"]],
  ["RoleBinding", "its role", { roleRef: { kind: "Role", name: "r" } }, { roleRef: { kind: "Role", name: "s" } }, ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"s"}: cannot change roleRef']],
  ["StatefulSet", "its service", { spec: { ...workload, serviceName: "s" } }, { spec: { ...workload, serviceName: "t" } }, ["spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"]],
  ["Service", "its address", { spec: { ports: [{ port: 80 }], clusterIP: "10.0.0.1" } }, { spec: { ports: [{ port: 80 }], clusterIP: "10.0.0.2", clusterIPs: ["10.0.0.2"] } }, ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']],
] as const satisfies readonly (readonly [string, string, Loose, Loose, readonly string[]])[]) {
  test(`changing ${what} of a ${kind}`, () => {
    const resource = resourceOf(kind);
    const before = created(kind, previous);
    assert.deepEqual(textsOf(resource.validateUpdate(resource.prepareForUpdate(resource.defaults(objectOf(kind, next)), before), before)), expected);
  });
}

const nowMs = Date.parse("2026-01-01T01:00:00Z");
for (const [kind, own, expected] of [
  ["Deployment", { spec: { ...workload, replicas: 3 }, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 } }, ["a", "2/3", 3, 2, "60m", "c", "nginx", "app=a"]],
  ["ReplicaSet", { spec: workload, status: { replicas: 1, readyReplicas: 1 } }, ["a", 1, 1, 1, "60m", "c", "nginx", "app=a"]],
  ["Service", { spec: { ports: [{ port: 80, nodePort: 30080 }], type: "NodePort", clusterIPs: ["10.0.0.1"], selector: { app: "a" } } }, ["a", "NodePort", "10.0.0.1", "<none>", "80:30080/TCP", "60m", "app=a"]],
  ["Node", { metadata: { labels: { "node-role.kubernetes.io/control-plane": "" } }, spec: { unschedulable: true }, status: { conditions: [{ type: "Ready", status: "True" }], nodeInfo: { kubeletVersion: "v1.36.4", architecture: "amd64", kernelVersion: "6.1" } } }, ["a", "Ready,SchedulingDisabled", "control-plane", "60m", "v1.36.4", "<none>", "<none>", "<unknown>", "6.1 (amd64)", "<unknown>"]],
  ["Namespace", { status: { phase: "Active" } }, ["a", "Active", "60m"]],
  ["Secret", { stringData: { a: "b" } }, ["a", "Opaque", 1, "60m"]],
  ["ConfigMap", { data: { a: "b" }, binaryData: { c: "" } }, ["a", 2, "60m"]],
  ["Job", { spec: { completions: 3, template }, status: { succeeded: 3, startTime: "2026-01-01T00:00:00Z", completionTime: "2026-01-01T00:01:05Z", conditions: [{ type: "Complete", status: "True" }] } }, ["a", "Complete", "3/3", "65s", "60m", "c", "nginx", "<none>"]],
  ["EndpointSlice", { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [{ addresses: ["1.1.1.1"] }, { addresses: ["2.2.2.2"] }, { addresses: ["3.3.3.3"] }, { addresses: ["4.4.4.4"] }] }, ["a", "IPv4", "80", "1.1.1.1,2.2.2.2,3.3.3.3 + 1 more...", "60m"]],
  ["RoleBinding", { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "User", name: "u" }, { kind: "ServiceAccount", name: "s", namespace: "n" }] }, ["a", "Role/r", "60m", "u", "", "n/s"]],
] as const satisfies readonly (readonly [string, Loose, readonly unknown[]])[]) {
  test(`the row of a ${kind}`, () => {
    const resource = resourceOf(kind);
    const { metadata = {}, ...rest } = own as Loose;
    const object = resource.defaults(objectOf(kind, { ...rest, metadata: { creationTimestamp: "2026-01-01T00:00:00Z", ...(metadata as Loose) } }));
    assert.deepEqual(resource.columns.map(({ cell }) => cell(object, nowMs)), expected);
  });
}

test("an event is the same in both groups", () => {
  const served = resources.find(({ type }) => type.group === "events.k8s.io");
  const event = { apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "e", namespace: "default" }, eventTime: "2026-01-01T00:00:00.000000Z", regarding: { kind: "Pod", name: "p" }, note: "n", reportingController: "c", type: "Normal" };
  const stored = served?.storedAs?.toStored(event);
  assert.deepEqual(stored, { apiVersion: "v1", kind: "Event", metadata: event.metadata, eventTime: event.eventTime, involvedObject: event.regarding, message: "n", reportingComponent: "c", type: "Normal" });
  assert.deepEqual(served?.storedAs?.fromStored(stored as KubeObject), event);
});

test("a Service that stops being external loses what was allocated for it", () => {
  const resource = resourceOf("Service");
  const before = created("Service", { spec: { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }], clusterIP: "10.0.0.1" } });
  const after = resource.prepareForUpdate(resource.defaults(objectOf("Service", { spec: { type: "ClusterIP", ports: [{ port: 80, nodePort: 30080 }], externalTrafficPolicy: "Cluster" } })), before);
  assert.deepEqual((after as unknown as { readonly spec: unknown }).spec, {
    type: "ClusterIP", ports: [{ port: 80, protocol: "TCP", targetPort: 80 }], sessionAffinity: "None", internalTrafficPolicy: "Cluster", clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"],
  });
});
