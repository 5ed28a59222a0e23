import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { resources } from "../api/all.ts";
import type { Resource } from "../api/resource.ts";
import { schemas } from "../api/schemas.ts";
import { decodeFieldSet, pathsOf, pathText } from "../apimachinery/managed-fields/field-set.ts";
import { apiVersionOf, type KubeObject } from "../apimachinery/object.ts";
import { managedFieldsOf, type FieldWrite } from "./managed-fields.ts";
import type { Registry } from "./registry/registry.ts";
import { objectAs, storedFrom, type Served } from "./served.ts";

const registries = new Map<string, Registry>();
/** A resource as the server serves it, as far as managed fields look at it: versions of one kind share a registry. */
function servedAs(resource: Resource): Served {
  const stored = resource.storedAs?.type ?? resource.type;
  const key = `${stored.group}/${stored.plural}`;
  const registry = registries.get(key) ?? ({} as Registry);
  registries.set(key, registry);
  return { type: resource.type, resource, registry, conversion: resource.storedAs } as unknown as Served;
}
const served = new Map(resources.map((resource) => [`${apiVersionOf(resource.type)}/${resource.type.plural}`, servedAs(resource)]));
const named = (name: string): Served => {
  const found = served.get(name);
  assert.ok(found, name);
  return found;
};
const keeper = managedFieldsOf(schemas, (group, version, plural) => served.get(`${apiVersionOf({ group, version })}/${plural}`));

const write = (as: Served, manager: string, subresource = ""): FieldWrite => ({ served: as, subresource, manager, nowMs: Date.parse("2026-01-01T00:00:00Z") });
const owned = ({ metadata }: KubeObject) => Object.fromEntries((metadata.managedFields ?? []).map(({ manager = "", operation = "", apiVersion = "", subresource = "", fieldsV1 }) =>
  [[manager, operation, apiVersion, ...(subresource === "" ? [] : [subresource])].join(" "), pathsOf(decodeFieldSet(fieldsV1)).map(pathText)]));
const withMetadata = <T extends KubeObject>(object: T, more: KubeObject["metadata"]): T => ({ ...object, metadata: { ...object.metadata, ...more } });
const stored = <T extends KubeObject>(object: T): T => withMetadata(object, { uid: "u", resourceVersion: "1" });

const autoscaler = (version: string, spec: object): KubeObject => ({ apiVersion: `autoscaling/${version}`, kind: "HorizontalPodAutoscaler", metadata: { name: "a", namespace: "d" }, spec } as KubeObject);
const target = { kind: "Deployment", name: "web" };

describe("fields are tracked in the version in which they were written", () => {
  const [v1, v2] = [named("autoscaling/v1/horizontalpodautoscalers"), named("autoscaling/v2/horizontalpodautoscalers")];
  const made = storedFrom(v1, autoscaler("v1", { maxReplicas: 3, scaleTargetRef: target, targetCPUUtilizationPercentage: 80 }));
  const live = stored(keeper.update(made, undefined, write(v1, "old")));

  test("a create says the version of its request", () => {
    const paths = owned(live)["old Update autoscaling/v1"];
    assert.ok(paths?.includes(".spec.targetCPUUtilizationPercentage"), JSON.stringify(owned(live)));
    assert.equal(paths?.includes(".spec.metrics"), false);
  });
  test("who changes a field in another version takes it where it lies in the owner's", () => {
    const metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }];
    const next = keeper.update(storedFrom(v2, autoscaler("v2", { maxReplicas: 3, scaleTargetRef: target, metrics })), live, write(v2, "new"));
    assert.ok(owned(next)["new Update autoscaling/v2"]?.includes(".spec.metrics"), JSON.stringify(owned(next)));
    assert.equal(owned(next)["old Update autoscaling/v1"]?.includes(".spec.targetCPUUtilizationPercentage"), false);
    assert.ok(owned(next)["old Update autoscaling/v1"]?.includes(".spec.maxReplicas"));
  });
  test("who applied in one version may go on in another; what it says no more goes", () => {
    const first = stored(keeper.apply(autoscaler("v1", { maxReplicas: 3, minReplicas: 2, scaleTargetRef: target }), undefined, { ...write(v1, "me"), force: false }));
    const second = keeper.apply(autoscaler("v2", { maxReplicas: 3, scaleTargetRef: target }), objectAs(v2, storedFrom(v1, first)), { ...write(v2, "me"), force: false });
    assert.equal((second as KubeObject & { readonly spec: { readonly minReplicas?: number } }).spec.minReplicas, undefined);
    assert.deepEqual(Object.keys(owned(second)), ["me Apply autoscaling/v2"]);
  });
  test("what was written in a version that is no more belongs to nobody", () => {
    const entries = live.metadata.managedFields?.map((entry) => ({ ...entry, apiVersion: "autoscaling/v2beta1" })) ?? [];
    const next = keeper.update(withMetadata(live, { labels: { a: "b" } }), withMetadata(live, { managedFields: entries }), write(v2, "new"));
    const sent = keeper.update(withMetadata(next, { managedFields: entries, labels: { a: "b" } }), withMetadata(live, { managedFields: entries }), write(v2, "new"));
    assert.deepEqual(Object.keys(owned(sent)), ["new Update autoscaling/v2"]);
  });
});

describe("each way of writing tracks what it may change", () => {
  const everything = (apiVersion: string, kind: string, more: object): KubeObject => ({ apiVersion, kind, metadata: { name: "a", namespace: "d", labels: { l: "1" } }, ...more } as KubeObject);
  const pod = { spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "1" } } }], ephemeralContainers: [{ name: "e", image: "i" }] }, status: { phase: "Running" } };
  const request = { spec: { request: "", signerName: "x/y" }, status: { certificate: "eA==", conditions: [{ type: "Approved", status: "True" }] } };
  for (const [name, subresource, more, paths] of [
    ["apps/v1/deployments", "", { spec: { replicas: 1 }, status: { replicas: 1 } }, [".metadata.labels", ".metadata.labels.l", ".spec.replicas"]],
    ["apps/v1/deployments", "status", { spec: { replicas: 1 }, status: { replicas: 1 } }, [".status.replicas"]],
    ["apps/v1/daemonsets", "status", { spec: { minReadySeconds: 1 }, status: { numberReady: 1 } }, [".metadata.labels", ".metadata.labels.l", ".status.numberReady"]],
    ["v1/pods", "resize", pod, ['.spec.containers[name="c"]', '.spec.containers[name="c"].resources', '.spec.containers[name="c"].resources.requests', '.spec.containers[name="c"].resources.requests.cpu']],
    ["v1/pods", "ephemeralcontainers", pod, [".spec.ephemeralContainers", '.spec.ephemeralContainers[name="e"]', '.spec.ephemeralContainers[name="e"].image', '.spec.ephemeralContainers[name="e"].name', '.spec.ephemeralContainers[name="e"].resources']],
    ["certificates.k8s.io/v1/certificatesigningrequests", "", request, [".metadata.labels", ".metadata.labels.l"]],
    ["certificates.k8s.io/v1/certificatesigningrequests", "approval", request, [".metadata.labels", ".metadata.labels.l", ".status.conditions", '.status.conditions[type="Approved"]', '.status.conditions[type="Approved"].lastTransitionTime', '.status.conditions[type="Approved"].lastUpdateTime', '.status.conditions[type="Approved"].status', '.status.conditions[type="Approved"].type']],
    ["certificates.k8s.io/v1/certificatesigningrequests", "status", request, [".metadata.labels", ".metadata.labels.l", ".status.certificate"]],
    ["v1/namespaces", "finalize", { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } }, [".metadata.labels", ".metadata.labels.l", ".spec.finalizers"]],
    ["networking.k8s.io/v1/servicecidrs", "status", { spec: { cidrs: ["10.0.0.0/8"] }, status: { conditions: [{ type: "Ready", status: "True" }] } },
      [".status.conditions", '.status.conditions[type="Ready"]', ...["lastTransitionTime", "message", "reason"].map((field) => `.status.conditions[type="Ready"].${field}`), '.status.conditions[type="Ready"].status', '.status.conditions[type="Ready"].type']],
  ] as const) {
    test(`${name} ${subresource}`, () => {
      const as = named(name);
      const next = keeper.update(everything(apiVersionOf(as.type), as.type.kind, more), stored({ ...everything(apiVersionOf(as.type), as.type.kind, {}), metadata: { managedFields: [{ manager: "x", operation: "Apply", apiVersion: apiVersionOf(as.type), fieldsType: "FieldsV1", fieldsV1: { "f:immutable": {} } }] } } as KubeObject), write(as, "m", subresource));
      assert.deepEqual(owned(next)[`m Update ${apiVersionOf(as.type)}${subresource === "" ? "" : ` ${subresource}`}`]?.toSorted(), [...paths].toSorted());
    });
  }
});

describe("properties of apply", () => {
  const maps = named("v1/configmaps");
  const map = (data: Readonly<Record<string, string>>): KubeObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "d" }, data } as KubeObject);
  const apply = (live: KubeObject | undefined, manager: string, data: Readonly<Record<string, string>>, force = false) => stored(keeper.apply(map(data), live, { ...write(maps, manager), force }));
  const dataOf = (object: KubeObject | undefined): Readonly<Record<string, string>> => (object as { readonly data?: Readonly<Record<string, string>> } | undefined)?.data ?? {};
  const data = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"), { noNullPrototype: true });
  const steps = fc.array(fc.record({ manager: fc.constantFrom("m1", "m2", "m3"), data }), { minLength: 1, maxLength: 8 });

  test("applying again changes nothing", () => {
    fc.assert(fc.property(steps, (all) => {
      let live: KubeObject | undefined;
      for (const step of all) live = apply(live, step.manager, step.data, true);
      const last = all.at(-1);
      assert.deepEqual(apply(live, last?.manager ?? "", last?.data ?? {}), live);
    })); // What fails is told with its seed.
  });
  test("every field has an owner that said so last, and every owned field is there", () => {
    fc.assert(fc.property(steps, (all) => {
      let live: KubeObject | undefined;
      const said = new Map<string, Readonly<Record<string, string>>>();
      for (const step of all) {
        live = apply(live, step.manager, step.data, true);
        said.set(step.manager, step.data);
      }
      const owners = owned(live as KubeObject);
      for (const [key, value] of Object.entries(dataOf(live))) {
        const its = [...said].filter(([manager]) => owners[`${manager} Apply v1`]?.includes(`.data.${key}`));
        assert.ok(its.length > 0, `${key} belongs to nobody`);
        for (const [, each] of its) assert.equal(each[key], value);
      }
      for (const paths of Object.values(owners)) for (const path of paths) assert.ok(path === ".data" || Object.hasOwn(dataOf(live), path.slice(".data.".length)), path);
    }));
  });
  test("the order of managers that do not conflict does not matter", () => {
    const parts = fc.record({ m1: fc.dictionary(fc.constantFrom("a1", "a2", "both"), fc.constant("1"), { noNullPrototype: true }), m2: fc.dictionary(fc.constantFrom("b1", "b2", "both"), fc.constant("1"), { noNullPrototype: true }) });
    fc.assert(fc.property(parts, ({ m1, m2 }) => {
      const one = apply(apply(undefined, "m1", m1), "m2", m2);
      const other = apply(apply(undefined, "m2", m2), "m1", m1);
      assert.deepEqual(dataOf(one), dataOf(other));
      assert.deepEqual(owned(one), owned(other));
    }));
  });
});
