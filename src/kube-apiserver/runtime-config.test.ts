import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../api/all.ts";
import { otherVersions } from "../api/other-versions.ts";
import { apiVersionOf } from "../apimachinery/object.ts";
import { resourcesOn } from "./runtime-config.ts";

const all = [...resources, ...otherVersions];
const on = (text: string): ReadonlySet<string> => new Set(resourcesOn(text, all).map(({ type }) => apiVersionOf(type)));

test("what is served follows the configuration, from the widest word to the narrowest", () => {
  assert.deepEqual(resourcesOn("", all), resources);
  for (const [text, has, hasNot] of [
    ["networking.k8s.io/v1beta1=true", ["networking.k8s.io/v1", "networking.k8s.io/v1beta1"], ["storage.k8s.io/v1beta1"]],
    ["networking.k8s.io/v1beta1", ["networking.k8s.io/v1beta1"], []],
    ["api/beta=true", ["networking.k8s.io/v1beta1", "resource.k8s.io/v1beta2", "apps/v1"], ["admissionregistration.k8s.io/v1alpha1"]],
    ["api/all=true", ["admissionregistration.k8s.io/v1alpha1", "storage.k8s.io/v1beta1"], []],
    ["api/all=true,api/alpha=false", ["storage.k8s.io/v1beta1"], ["admissionregistration.k8s.io/v1alpha1"]],
    ["api/all=false,api/v1=true,apps/v1", ["v1", "apps/v1"], ["batch/v1"]],
    ["autoscaling/v1=false", ["autoscaling/v2"], ["autoscaling/v1"]],
  ] as const) {
    const found = on(text);
    for (const each of has) assert.ok(found.has(each), `${text}: ${each}`);
    for (const each of hasNot) assert.ok(!found.has(each), `${text}: not ${each}`);
  }
  const some = resourcesOn("apps/v1/deployments=false", all).filter(({ type }) => type.group === "apps").map(({ type }) => type.plural);
  assert.ok(some.includes("replicasets") && !some.includes("deployments"));
});

test("what nobody knows is refused", () => {
  for (const [text, message] of [
    ["apps/v1=maybe", /invalid value of apps\/v1=maybe/], ["nope.example.com/v1", /unknown api groups nope\.example\.com\/v1/], ["apps/v7=true", /unknown api groups apps\/v7/],
    ["api/all=false", /invalid key with only api\/all=false/], ["certificates.k8s.io/v1beta1=true", /certificates\.k8s\.io\/v1beta1 is not served by this server/],
  ] as const) assert.throws(() => resourcesOn(text, all), message);
});

test("versions of one kind are views of one object, there and back", () => {
  for (const { type, storedAs } of otherVersions) assert.ok(storedAs && storedAs.type.plural === type.plural && storedAs.type.version === "v1", type.plural);
  const conversion = (plural: string) => otherVersions.find(({ type }) => type.version === "v1beta1" && type.plural === plural)?.storedAs;
  const claim = {
    apiVersion: "resource.k8s.io/v1beta1", kind: "ResourceClaim", metadata: { name: "a" },
    spec: { devices: { requests: [{ name: "one", deviceClassName: "gpu", count: 2 }, { name: "any", firstAvailable: [{ name: "x", deviceClassName: "gpu" }] }] } },
  };
  const stored = conversion("resourceclaims")?.toStored(claim);
  assert.deepEqual(stored, {
    ...claim, apiVersion: "resource.k8s.io/v1",
    spec: { devices: { requests: [{ name: "one", exactly: { deviceClassName: "gpu", count: 2 } }, { name: "any", firstAvailable: [{ name: "x", deviceClassName: "gpu" }] }] } },
  });
  assert.deepEqual(stored && conversion("resourceclaims")?.fromStored(stored), claim);
  const template = { apiVersion: "resource.k8s.io/v1beta1", kind: "ResourceClaimTemplate", metadata: { name: "a" }, spec: { metadata: { labels: { a: "b" } }, spec: claim.spec } };
  const storedTemplate = conversion("resourceclaimtemplates")?.toStored(template);
  assert.deepEqual(storedTemplate && conversion("resourceclaimtemplates")?.fromStored(storedTemplate), template);
  const slice = {
    apiVersion: "resource.k8s.io/v1beta1", kind: "ResourceSlice", metadata: { name: "a" },
    spec: { driver: "d.example.com", nodeName: "n", pool: { name: "p", generation: 1, resourceSliceCount: 1 }, devices: [{ name: "gpu", basic: { attributes: { model: { string: "x" } } } }] },
  };
  const storedSlice = conversion("resourceslices")?.toStored(slice);
  assert.deepEqual((storedSlice as unknown as typeof slice).spec.devices, [{ name: "gpu", attributes: { model: { string: "x" } } }]);
  assert.deepEqual(storedSlice && conversion("resourceslices")?.fromStored(storedSlice), slice);
});
