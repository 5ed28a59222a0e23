/** Versions that are off by default, turned on: they are views of the objects that the stable version has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../../src/api/all.ts";
import { otherVersions } from "../../src/api/other-versions.ts";
import { resourcesOn } from "../../src/kube-apiserver/runtime-config.ts";
import { startTestServer } from "./fixture.ts";

test("a kind is one in all of its versions", async () => {
  await using started = await startTestServer({ served: resourcesOn("api/all=true", [...resources, ...otherVersions]) });
  const ask = async <T>(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<{ readonly status: number; readonly warning: string; readonly body: T }> => {
    using response = await started.http.raw({ method, path, headers: { "content-type": "application/json" }, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, warning: String(response.headers["warning"] ?? ""), body: JSON.parse(await response.text()) as T };
  };
  const claims = (version: string) => `/apis/resource.k8s.io/${version}/namespaces/default/resourceclaims`;
  interface Claim { readonly apiVersion: string; readonly metadata: { readonly resourceVersion: string }; readonly spec: { readonly devices: { readonly requests: readonly Record<string, unknown>[] } } }

  const made = await ask<Claim>("POST", claims("v1beta1"), { apiVersion: "resource.k8s.io/v1beta1", kind: "ResourceClaim", metadata: { name: "a" }, spec: { devices: { requests: [{ name: "one", deviceClassName: "gpu" }] } } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.warning, '299 - "resource.k8s.io/v1beta1 ResourceClaim is deprecated in v1.35+, unavailable in v1.38+"');
  assert.deepEqual(made.body.spec.devices.requests, [{ name: "one", deviceClassName: "gpu", allocationMode: "ExactCount", count: 1 }]);
  const stable = await ask<Claim>("GET", `${claims("v1")}/a`);
  assert.deepEqual([stable.warning, stable.body.apiVersion, stable.body.spec.devices.requests], ["", "resource.k8s.io/v1", [{ name: "one", exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 1 } }]]);
  const { body: middle } = await ask<{ readonly items: readonly Claim[]; readonly apiVersion: string }>("GET", claims("v1beta2"));
  assert.deepEqual([middle.apiVersion, middle.items.map(({ spec }) => spec)], ["resource.k8s.io/v1beta2", [stable.body.spec]]);
  const refused = await ask<{ readonly message: string }>("POST", claims("v1beta1"), { metadata: { name: "b" }, spec: { devices: { requests: [{ name: "UPPER", deviceClassName: "gpu" }] } } });
  assert.equal(refused.status, 422);
  assert.match(refused.body.message, /spec\.devices\.requests\[0\]\.name: Invalid value: "UPPER"/);

  const { body: group } = await ask<{ readonly versions: readonly { readonly version: string }[]; readonly preferredVersion: { readonly version: string } }>("GET", "/apis/resource.k8s.io");
  assert.deepEqual([group.versions.map(({ version }) => version), group.preferredVersion.version], [["v1", "v1beta2", "v1beta1"], "v1"]);
  const cidr = await ask<{ readonly spec: object }>("GET", "/apis/networking.k8s.io/v1beta1/servicecidrs");
  assert.equal(cidr.status, 200);
  assert.deepEqual(started.complaints, []);
});

test("what is turned off is nowhere", async () => {
  await using started = await startTestServer({ served: resourcesOn("apps/v1/deployments=false,autoscaling/v1=false", [...resources, ...otherVersions]) });
  const status = async (path: string) => (await started.http.raw({ method: "GET", path })).status;
  assert.deepEqual(await Promise.all(["/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/apis/autoscaling/v1", "/apis/autoscaling/v2"].map(status)), [404, 200, 404, 200]);
});
