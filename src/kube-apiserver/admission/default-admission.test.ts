import { strict as assert } from "node:assert";
import { test } from "node:test";
import { configmaps, namespaces, nodes, persistentvolumeclaims, pods, serviceaccounts, type Node, type Pod } from "../../api/generated/core-v1.ts";
import { leases } from "../../api/generated/coordination-v1.ts";
import { ingresses, type Ingress } from "../../api/generated/networking-v1.ts";
import { priorityclasses } from "../../api/generated/scheduling-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { isStatusError } from "../../apimachinery/status-error.ts";
import type { AdmissionRequest } from "../access.ts";
import { clusterOf, userNamed } from "../authorization/fixture.ts";
import { admit, deletionOf, pluginsOn, requestOf, sleepingClock } from "./fixture.ts";

const object = (apiVersion: string, kind: string, metadata: object, rest: object = {}): KubeObject => ({ apiVersion, kind, metadata, ...rest }) as KubeObject;
const account = (namespace: string, name: string, rest: object = {}): KubeObject => object("v1", "ServiceAccount", { namespace, name, uid: "sa" }, rest);
const cluster = () => clusterOf(
  object("v1", "Namespace", { name: "default" }, { status: { phase: "Active" } }), object("v1", "Namespace", { name: "limited" }), object("v1", "Namespace", { name: "going" }, { status: { phase: "Terminating" } }),
  account("default", "default"), account("limited", "default"), account("default", "robot", { automountServiceAccountToken: false, imagePullSecrets: [{ name: "regcred" }] }),
  account("default", "strict", { secrets: [{ name: "mine" }] }),
  object("v1", "ServiceAccount", { namespace: "default", name: "enforcing", annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } }, { secrets: [{ name: "mine" }] }),
  object("scheduling.k8s.io/v1", "PriorityClass", { name: "high" }, { value: 1000, preemptionPolicy: "Never" }),
  object("v1", "Node", { name: "n1", uid: "node-uid", labels: { "topology.kubernetes.io/zone": "a", other: "x" } }),
  object("v1", "Pod", { namespace: "default", name: "web", uid: "pod-uid" }, { spec: { nodeName: "n1", containers: [], volumes: [{ name: "t", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }] } }),
  object("v1", "Pod", { namespace: "default", name: "far", uid: "far-uid" }, { spec: { nodeName: "n2", containers: [] } }),
  object("storage.k8s.io/v1", "StorageClass", { name: "old", annotations: { "storageclass.kubernetes.io/is-default-class": "true" }, creationTimestamp: "2026-01-01T00:00:00Z" }),
  object("storage.k8s.io/v1", "StorageClass", { name: "new", annotations: { "storageclass.kubernetes.io/is-default-class": "true" }, creationTimestamp: "2026-02-01T00:00:00Z" }),
  object("networking.k8s.io/v1", "IngressClass", { name: "nginx", annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } }),
  object("node.k8s.io/v1", "RuntimeClass", { name: "gvisor" }, { handler: "runsc", overhead: { podFixed: { cpu: "250m" } }, scheduling: { nodeSelector: { sandbox: "yes" } } }),
  object("v1", "LimitRange", { namespace: "limited", name: "l" }, { spec: { limits: [{ type: "Container", default: { cpu: "500m" }, defaultRequest: { cpu: "100m" }, max: { cpu: "1" } }, { type: "Pod", max: { cpu: "1500m" } }] } }),
);
const pod = (spec: object = {}, metadata: object = {}) => ({ metadata: { namespace: "default", name: "p", ...metadata }, spec: { containers: [{ name: "c", image: "i" }], ...spec } });
const admitted = async (request: AdmissionRequest): Promise<Pod> => await admit(pluginsOn(cluster()), request) as Pod;

test("a plain pod gets account, token, priority and tolerations", async () => {
  const { spec } = await admitted(requestOf(pods, pod()));
  const volume = spec?.volumes?.[0]?.name ?? "";
  assert.match(volume, /^kube-api-access-[a-z0-9]{5}$/);
  assert.deepEqual(spec, {
    containers: [{ name: "c", image: "i", volumeMounts: [{ name: volume, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }] }],
    serviceAccountName: "default", serviceAccount: "default",
    volumes: [{
      name: volume, projected: {
        defaultMode: 420, sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: "token" } }, { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
        ],
      },
    }],
    priority: 0, preemptionPolicy: "PreemptLowerPriority",
    tolerations: [
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
    ],
  });
});

test("what a pod says itself stays", async () => {
  const robot = await admitted(requestOf(pods, pod({ serviceAccountName: "robot", priorityClassName: "high", tolerations: [{ operator: "Exists" }] })));
  assert.equal(robot.spec?.volumes, undefined);
  assert.deepEqual(robot.spec?.imagePullSecrets, [{ name: "regcred" }]);
  assert.deepEqual([robot.spec?.priority, robot.spec?.preemptionPolicy, robot.spec?.priorityClassName], [1000, "Never", "high"]);
  assert.deepEqual(robot.spec?.tolerations, [{ operator: "Exists" }]);
  const own = await admitted(requestOf(pods, pod({ containers: [{ name: "c", volumeMounts: [{ name: "x", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }] }] })));
  assert.equal(own.spec?.volumes, undefined);
  const sandboxed = await admitted(requestOf(pods, pod({ runtimeClassName: "gvisor", nodeSelector: { disk: "ssd" } })));
  assert.deepEqual([sandboxed.spec?.overhead, sandboxed.spec?.nodeSelector], [{ cpu: "250m" }, { disk: "ssd", sandbox: "yes" }]);
  const bound = await admitted(requestOf(pods, pod({ nodeName: "n1" })));
  assert.deepEqual(bound.metadata.labels, { "topology.kubernetes.io/zone": "a" });
  const limited = await admitted(requestOf(pods, pod({}, { namespace: "limited" })));
  assert.deepEqual(limited.spec?.containers[0]?.resources, { requests: { cpu: "100m" }, limits: { cpu: "500m" } });
  assert.equal(limited.metadata.annotations?.["kubernetes.io/limit-ranger"], "LimitRanger plugin set: cpu request for container c; cpu limit for container c");
});

test("other kinds get their defaults", async () => {
  const plugins = pluginsOn(cluster());
  const claim = await admit(plugins, requestOf(persistentvolumeclaims, { metadata: { namespace: "default", name: "c" }, spec: {} }));
  assert.deepEqual([claim?.metadata.finalizers, (claim as unknown as { spec: { storageClassName: string } }).spec.storageClassName], [["kubernetes.io/pvc-protection"], "new"]);
  const ingress = await admit(plugins, requestOf(ingresses, { metadata: { namespace: "default", name: "i" }, spec: {} })) as Ingress;
  assert.equal(ingress.spec?.ingressClassName, "nginx");
  const node = await admit(plugins, requestOf(nodes, { metadata: { name: "n9" } }, { user: userNamed("root", "system:masters") })) as Node;
  assert.deepEqual(node.spec?.taints, [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
});

const node = { user: userNamed("system:node:n1", "system:nodes", "system:authenticated") };
const mirror = (owner: object | undefined, spec: object = {}) =>
  requestOf(pods, pod({ nodeName: "n1", ...spec }, { annotations: { "kubernetes.io/config.mirror": "x" }, ...(owner && { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n1", uid: "node-uid", controller: true, ...owner }] }) }), node);
const token = (bound: object | undefined, audiences: readonly string[] = []) =>
  requestOf(serviceaccounts, { kind: "TokenRequest", metadata: {}, spec: { audiences, ...(bound && { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...bound } }) } }, { ...node, subresource: "token", namespace: "default", name: "default" });
const nodeUpdate = (next: object, old: object = {}) => requestOf(nodes, { metadata: { name: "n1" }, ...next }, { ...node, operation: "UPDATE", oldObject: object("v1", "Node", { name: "n1" }, old) });

const refusals: readonly (readonly [AdmissionRequest, string])[] = [
  [requestOf(pods, pod({}, { namespace: "nowhere" })), 'namespaces "nowhere" not found'],
  [requestOf(configmaps, { metadata: { namespace: "going", name: "x" } }), 'configmaps "x" is forbidden: unable to create new content in namespace going because it is being terminated'],
  [deletionOf(namespaces, "kube-system"), 'namespaces "kube-system" is forbidden: this namespace may not be deleted'],
  [requestOf(pods, pod({ serviceAccountName: "x" })), 'pods "p" is forbidden: error looking up service account default/x: serviceaccount "x" not found'],
  [requestOf(pods, pod({ serviceAccountName: "enforcing", volumes: [{ name: "v", secret: { secretName: "theirs" } }] })),
    'pods "p" is forbidden: volume with secret.secretName="theirs" is not allowed because service account enforcing does not reference that secret'],
  [requestOf(pods, pod({ priorityClassName: "none" })), 'pods "p" is forbidden: no PriorityClass with name none was found'],
  [requestOf(pods, pod({ priority: 5 })), 'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name'],
  [requestOf(pods, pod({ runtimeClassName: "kata" })), 'pods "p" is forbidden: pod rejected: RuntimeClass "kata" not found'],
  [requestOf(pods, pod({ overhead: { cpu: "1" } })), 'pods "p" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
  [requestOf(pods, pod({ containers: [{ name: "c", resources: { requests: { cpu: "1" }, limits: { cpu: "1200m" } } }] }, { namespace: "limited" })), 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 1200m'],
  [requestOf(pods, pod({ containers: [1, 2, 3, 4].map((n) => ({ name: `c${n}` })) }, { namespace: "limited" })), 'pods "p" is forbidden: maximum cpu usage per Pod is 1500m, but limit is 2'],

  [requestOf(pods, pod(), node), 'pods "p" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods'],
  [mirror({}, { nodeName: "n2" }), 'pods "p" is forbidden: node "n1" can only create pods with spec.nodeName set to itself'],
  [mirror(undefined), 'pods "p" is forbidden: node "n1" can only create pods with an owner reference set to itself'],
  [mirror({ uid: "other" }), 'pods "p" is forbidden: node n1 UID mismatch: expected other got node-uid'],
  [mirror({}, { volumes: [{ name: "v", configMap: { name: "m" } }] }), 'pods "p" is forbidden: node "n1" can not create pods that reference configmaps'],
  [deletionOf(pods, "far", { ...node, namespace: "default" }), 'pods "far" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself'],
  [deletionOf(pods, "gone", { ...node, namespace: "default" }), 'pod "gone" not found'],
  [requestOf(nodes, { metadata: { name: "n2" } }, node), 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'],
  [requestOf(nodes, { metadata: { name: "n1", labels: { "node-restriction.kubernetes.io/x": "1", "kubernetes.io/os": "linux", "a.k8s.io/b": "1", mine: "1" } } }, node),
    'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: a.k8s.io/b, node-restriction.kubernetes.io/x'],
  [nodeUpdate({ spec: { taints: [] } }, { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } }), 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints'],
  [nodeUpdate({ metadata: { name: "n1", labels: { "x.kubernetes.io/y": "1" } } }), 'nodes "n1" is forbidden: is not allowed to modify labels: x.kubernetes.io/y'],
  [requestOf(leases, { metadata: { namespace: "default", name: "n1" } }, node), 'leases.coordination.k8s.io "n1" is forbidden: can only access leases in the "kube-node-lease" system namespace'],
  [token(undefined), 'serviceaccounts "default" is forbidden: node requested token not bound to a pod'],
  [token({ name: "web" }), 'serviceaccounts "default" is forbidden: node requested token with a pod binding without a uid'],
  [token({ name: "far", uid: "far-uid" }), 'serviceaccounts "default" is forbidden: node requested token bound to a pod scheduled on a different node'],
  [token({ name: "web", uid: "pod-uid" }, ["vault"]), 'serviceaccounts "default" is forbidden: audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience'],
];

for (const [request, message] of refusals) {
  test(`refused: ${message}`, () => assert.rejects(admit(pluginsOn(cluster()), request), { message }));
}

test("a node may do its own work", async () => {
  const plugins = pluginsOn(cluster());
  for (const request of [mirror({}), token({ name: "web", uid: "pod-uid" }), nodeUpdate({ metadata: { name: "n1", labels: { "kubernetes.io/os": "linux", free: "1" } } }), deletionOf(pods, "web", { ...node, namespace: "default" })]) await admit(plugins, request);
});

test("a refusal in a namespace that goes away names its cause", async () => {
  const error = await admit(pluginsOn(cluster()), requestOf(configmaps, { metadata: { namespace: "going", name: "x" } })).catch((caught: unknown) => caught);
  assert.ok(isStatusError(error));
  assert.deepEqual(error.details?.causes, [{ reason: "NamespaceTerminating", message: "namespace going is being terminated", field: "metadata.namespace" }]);
});

test("only one priority class is the default", async () => {
  const objects = cluster();
  objects.put(object("scheduling.k8s.io/v1", "PriorityClass", { name: "usual" }, { value: 7, globalDefault: true }));
  const second = requestOf(priorityclasses, { metadata: { name: "second" }, value: 1, globalDefault: true });
  await assert.rejects(admit(pluginsOn(objects), second), { message: 'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist' });
  assert.equal((await admit(pluginsOn(objects), requestOf(pods, pod())) as Pod).spec?.priority, 7);
});

test("a pod that comes before the default account of its namespace waits for it", async () => {
  const objects = cluster();
  objects.put(object("v1", "Namespace", { name: "fresh" }));
  const clock = sleepingClock(() => objects.put(account("fresh", "default")));
  const fresh = await admit(pluginsOn(objects, clock), requestOf(pods, pod({}, { namespace: "fresh" }))) as Pod;
  assert.equal(fresh.spec?.serviceAccountName, "default");
});
