/** Spec, status and generation of every kind with a status: each is written by its own endpoint, whatever else comes along. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { resources } from "../../src/api/all.ts";
import type { KubeObject, ResourceType } from "../../src/apimachinery/object.ts";
import type { ApiRequest } from "../../src/apimachinery/transport.ts";
import { startTestServer, type TestServer } from "./fixture.ts";

type Loose = KubeObject & { readonly spec?: Readonly<Record<string, unknown>>; readonly status?: Readonly<Record<string, unknown>> };

let started: TestServer;
before(async () => void (started = await startTestServer()));
after(async () => {
  const { complaints } = started;
  await started[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

const at = "2026-01-01T00:00:00Z";
const condition = { conditions: [{ type: "Example", status: "True", reason: "Because", message: "m", lastTransitionTime: at }] };
const podSpec = { containers: [{ name: "a", image: "x" }] };
const template = { metadata: { labels: { app: "a" } }, spec: podSpec };
const selector = { matchLabels: { app: "a" } };
const jobSpec = { template: { spec: { ...podSpec, restartPolicy: "Never" } } };

interface Kind {
  readonly spec: object;
  /** A change of the spec that an update may make. */
  readonly change: object;
  readonly status: object;
  /** What the server itself says in the status of a new object. */
  readonly statusAtFirst?: Readonly<Record<string, unknown>>;
}

/** By "group/plural". */
const kinds: Readonly<Record<string, Kind>> = {
  "/pods": { spec: podSpec, change: { activeDeadlineSeconds: 100 }, status: { ...condition, phase: "Running" }, statusAtFirst: { phase: "Pending", qosClass: "BestEffort" } },
  "/services": { spec: { ports: [{ port: 80 }] }, change: { sessionAffinity: "ClientIP" }, status: condition, statusAtFirst: { loadBalancer: {} } },
  "/replicationcontrollers": { spec: { replicas: 1, selector: { app: "a" }, template }, change: { replicas: 2 }, status: { replicas: 1, ...condition }, statusAtFirst: { replicas: 0 } },
  "/persistentvolumeclaims": { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }, change: { volumeName: "v" }, status: { phase: "Bound" }, statusAtFirst: { phase: "Pending" } },
  "/persistentvolumes": { spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" } }, change: { persistentVolumeReclaimPolicy: "Delete" }, status: { phase: "Available", message: "m" }, statusAtFirst: { phase: "Pending" } },
  "/resourcequotas": { spec: { hard: { pods: "1" } }, change: { hard: { pods: "2" } }, status: { hard: { pods: "1" }, used: { pods: "0" } } },
  "/namespaces": { spec: {}, change: {}, status: { phase: "Active", ...condition }, statusAtFirst: { phase: "Active" } },
  "apps/deployments": { spec: { selector, template }, change: { replicas: 3 }, status: { replicas: 1, ...condition } },
  "apps/replicasets": { spec: { selector, template }, change: { replicas: 3 }, status: { replicas: 1, ...condition }, statusAtFirst: { replicas: 0 } },
  "apps/daemonsets": { spec: { selector, template }, change: { minReadySeconds: 3 }, status: { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1, numberReady: 1 }, statusAtFirst: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } },
  "apps/statefulsets": { spec: { serviceName: "a", selector, template }, change: { replicas: 3 }, status: { replicas: 1, ...condition }, statusAtFirst: { replicas: 0 } },
  "batch/jobs": { spec: jobSpec, change: { activeDeadlineSeconds: 3 }, status: { active: 1, startTime: at } },
  "batch/cronjobs": { spec: { schedule: "* * * * *", jobTemplate: { spec: jobSpec } }, change: { schedule: "1 * * * *" }, status: { lastScheduleTime: at } },
  "autoscaling/horizontalpodautoscalers": { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" } }, change: { maxReplicas: 4 }, status: { currentReplicas: 1, desiredReplicas: 2 }, statusAtFirst: { desiredReplicas: 0 } },
  "policy/poddisruptionbudgets": { spec: { minAvailable: 1, selector }, change: { minAvailable: 2 }, status: { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1 }, statusAtFirst: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 } },
  "networking.k8s.io/ingresses": { spec: { defaultBackend: { service: { name: "a", port: { number: 80 } } } }, change: { ingressClassName: "b" }, status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } }, statusAtFirst: { loadBalancer: {} } },
  "networking.k8s.io/servicecidrs": { spec: { cidrs: ["10.1.0.0/16"] }, change: { cidrs: ["10.1.0.0/16", "fd01::/112"] }, status: condition },
  "flowcontrol.apiserver.k8s.io/flowschemas": { spec: { priorityLevelConfiguration: { name: "x" } }, change: { matchingPrecedence: 77 }, status: condition },
  "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations": { spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } }, change: { limited: { limitResponse: { type: "Reject" }, lendablePercent: 7 } }, status: condition },
  "storage.k8s.io/volumeattachments": { spec: { attacher: "a", nodeName: "n", source: { persistentVolumeName: "p" } }, change: {}, status: { attached: true }, statusAtFirst: { attached: false } },
  "resource.k8s.io/resourceclaims": { spec: { devices: { requests: [{ name: "r", exactly: { deviceClassName: "c" } }] } }, change: {}, status: { reservedFor: [] } },
  "admissionregistration.k8s.io/validatingadmissionpolicies": { spec: { matchConstraints: { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }] }, validations: [{ expression: "true" }] }, change: { failurePolicy: "Ignore" }, status: condition },
};
/** Kinds whose generation upstream keeps; others have none. */
const counted = new Set(Object.keys(kinds).filter((key) => !/persistentvolume|services$|resourcequotas|namespaces|horizontal|servicecidrs|volumeattachments|resourceclaims/.test(key)));

const storedOnce = new Map(resources.filter(({ storedAs, type }) => !storedAs && type.subresources["status"]).map(({ type }) => [`${type.group}/${type.plural}`, type]));

for (const [key, { spec, change, status, statusAtFirst }] of Object.entries(kinds)) {
  test(`spec and status of ${key}`, async () => {
    const type = storedOnce.get(key) as ResourceType | undefined;
    assert.ok(type, "no such kind");
    const request = (verb: ApiRequest["verb"], more: Partial<ApiRequest>) =>
      started.local.request({ verb, group: type.group, version: type.version, resource: type.plural, ...(type.namespaced && { namespace: "default" }), ...more }) as Promise<Loose>;
    const labelsOf = ({ metadata }: Loose) => metadata.labels?.["l"];
    const made = await request("create", { body: { metadata: { name: "s" }, spec, status } });
    for (const field of Object.keys(status)) assert.deepEqual(made.status?.[field], statusAtFirst?.[field], `status.${field} is not a creator's`);
    assert.equal(made.metadata.generation, counted.has(key) ? 1 : undefined);

    const withStatus = await request("update", { name: "s", subresource: "status", body: { ...made, metadata: { ...made.metadata, labels: { l: "status" } }, spec: { ...made.spec, ...change }, status } });
    assert.deepEqual(withStatus.spec, made.spec, "the spec is not written by way of the status");
    for (const [field, value] of Object.entries(status)) assert.deepEqual(withStatus.status?.[field], value, `status.${field}`);
    assert.equal(withStatus.metadata.generation, made.metadata.generation);

    const changed = await request("update", { name: "s", body: { ...withStatus, metadata: { ...withStatus.metadata, labels: { l: "spec" } }, spec: { ...withStatus.spec, ...change }, status: {} } });
    assert.equal(labelsOf(changed), "spec");
    for (const [field, value] of Object.entries(status)) assert.deepEqual(changed.status?.[field], value, `status.${field} is not written by way of the spec`);
    const grows = Object.keys(change).length > 0;
    assert.equal(changed.metadata.generation, counted.has(key) ? (grows ? 2 : 1) : undefined);
    const relabelled = await request("patch", { name: "s", patchType: "application/merge-patch+json", body: { metadata: { labels: { l: "again" }, generation: 77 } } });
    assert.equal(relabelled.metadata.generation, changed.metadata.generation, "labels are no generation, and no client says which one it is");
  });
}

test("every kind with a status is looked at", () => {
  const elsewhere = ["/nodes", "certificates.k8s.io/certificatesigningrequests", "apiextensions.k8s.io/customresourcedefinitions", "apiregistration.k8s.io/apiservices"];
  assert.deepEqual([...storedOnce.keys()].filter((key) => !(key in kinds) && !elsewhere.includes(key)), []);
});
