import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod, Service } from "../../api/generated/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/discovery-v1.ts";
import { planEndpoints } from "../endpoints/plan.ts";
import { planSlices, type SlicePlan } from "./plan.ts";

const service = (spec: Partial<NonNullable<Service["spec"]>> = {}): Service => ({
  apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default", uid: "s" },
  spec: { clusterIP: "10.0.0.1", ipFamilies: ["IPv4"], selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }], ...spec },
});
const pod = (n: number, more: { ready?: boolean; ends?: boolean; port?: number } = {}): Pod => ({
  apiVersion: "v1", kind: "Pod", metadata: { name: `p${n}`, namespace: "default", uid: `u${n}`, labels: { app: "web" }, ...(more.ends && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
  spec: { nodeName: "n", containers: [{ name: "c", ports: [{ name: "web", containerPort: more.port ?? 8080 }] }] },
  status: { phase: "Running", podIPs: [{ ip: `10.1.${n >> 8}.${n & 255}` }], conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }] },
});
const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name: "n", labels: { "topology.kubernetes.io/zone": "z" } } };
const nodeOf = (name: string) => (name === "n" ? node : undefined);
const plan = (s: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []) => planSlices({ service: s, pods, nodeOf, slices, triggerTime: undefined });
const shown = ({ create, update, remove }: SlicePlan) => `+${create.map(({ endpoints = [] }) => endpoints.length)} ~${update.map(({ endpoints = [] }) => endpoints.length)} -${remove.length}`;
/** What the server would hold after the plan. */
const after = ({ create, update, remove }: SlicePlan, before: readonly EndpointSlice[] = []) => [
  ...before.filter((slice) => !remove.includes(slice)).map((slice) => update.find(({ metadata }) => metadata.name === slice.metadata.name) ?? slice),
  ...create.map((slice, index) => ({ ...slice, metadata: { ...slice.metadata, name: `${before.length}-${index}` } })),
];
const many = (count: number) => Array.from({ length: count }, (_, index) => pod(index));

test("one endpoint, whole", () => {
  const [slice] = plan(service(), [pod(7)]).create;
  assert.deepEqual(slice?.endpoints, [{
    addresses: ["10.1.0.7"], conditions: { ready: true, serving: true, terminating: false }, nodeName: "n", zone: "z", targetRef: { kind: "Pod", namespace: "default", name: "p7", uid: "u7" },
  }]);
  assert.deepEqual(slice?.ports, [{ name: "http", port: 8080, protocol: "TCP" }]);
  assert.deepEqual(slice?.metadata.labels, { "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" });
});

test("conditions", () => {
  const cases: readonly [Partial<NonNullable<Service["spec"]>>, Parameters<typeof pod>[1], readonly [boolean, boolean, boolean]][] = [
    [{}, { ready: false }, [false, false, false]],
    [{}, { ends: true }, [false, true, true]],
    [{ publishNotReadyAddresses: true }, { ready: false, ends: true }, [true, false, true]],
  ];
  for (const [spec, state, expected] of cases) {
    const conditions = plan(service(spec), [pod(1, state)]).create[0]?.endpoints?.[0]?.conditions;
    assert.deepEqual([conditions?.ready, conditions?.serving, conditions?.terminating], expected);
  }
});

test("slices are filled, kept where they are, and emptied", () => {
  assert.equal(shown(plan(service(), [])), "+0 ~ -0");
  const first = plan(service(), many(250));
  assert.equal(shown(first), "+100,100,50 ~ -0");
  const held = after(first);
  assert.equal(shown(plan(service(), many(250), held)), "+ ~ -0");
  assert.equal(shown(plan(service(), many(251), held)), "+ ~51 -0");
  assert.equal(shown(plan(service(), many(350), held)), "+50 ~100 -0");
  assert.equal(shown(plan(service(), many(250).slice(1), held)), "+ ~99 -0");
  assert.equal(shown(plan(service(), many(100), held)), "+ ~ -2");
  const none = plan(service(), [], held);
  assert.equal(shown(none), "+0 ~ -3");
  assert.equal(shown(plan(service(), [], after(none, held))), "+ ~ -0");
  assert.equal(shown(plan(service(), many(1), after(none, held))), "+1 ~ -1");
});

test("named ports with different numbers are in different slices", () => {
  assert.equal(shown(plan(service(), [pod(1), pod(2, { port: 9090 })])), "+1,1 ~ -0");
});

test("headless services need no ports; other families get nothing", () => {
  const [slice] = plan(service({ clusterIP: "None", ports: [] }), [pod(1)]).create;
  assert.deepEqual([slice?.endpoints?.length, slice?.ports, slice?.metadata.labels?.["service.kubernetes.io/headless"]], [1, [], ""]);
  assert.deepEqual(plan(service({ ipFamilies: ["IPv6"] }), [pod(1)]).create.map(({ addressType, endpoints }) => [addressType, endpoints?.length]), [["IPv6", 0]]);
});

test("Endpoints: ready and not ready, one subset per set of ports, at most 1000", () => {
  const made = planEndpoints(service(), [pod(2), pod(1, { ready: false }), pod(3, { ends: true })], undefined, undefined);
  assert.deepEqual(made?.subsets?.map(({ addresses, notReadyAddresses, ports }) => [addresses?.map(({ ip }) => ip), notReadyAddresses?.map(({ ip }) => ip), ports]), [[["10.1.0.2"], ["10.1.0.1"], [{ name: "http", port: 8080, protocol: "TCP" }]]]);
  assert.equal(planEndpoints(service(), [pod(2), pod(1, { ready: false })], made, undefined), undefined);
  const crowded = planEndpoints(service(), many(1200), undefined, undefined);
  assert.deepEqual([crowded?.subsets?.[0]?.addresses?.length, crowded?.metadata.annotations], [1000, { "endpoints.kubernetes.io/over-capacity": "truncated" }]);
});
