/** What the server keeps in existence beside what clients make. */
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { leases, type Lease } from "../../src/api/generated/coordination-v1.ts";
import { configmaps } from "../../src/api/generated/core-v1.ts";
import { flowschemas, prioritylevelconfigurations, type FlowSchema } from "../../src/api/generated/flowcontrol-v1.ts";
import { isNotFound } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { ManualClock } from "../../src/client/testing/manual-clock.ts";
import { ensureFlowControl } from "../../src/kube-apiserver/bootstrap/flow-control.ts";
import { identityLeaseName, keepIdentityLease } from "../../src/kube-apiserver/bootstrap/identity-lease.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { startTestServer } from "./fixture.ts";

const danglingOf = ({ status }: FlowSchema) => status?.conditions?.map(({ type, status: value, reason }) => [type, value, reason]);

test("FlowSchemas and PriorityLevelConfigurations are there, and stay what nobody has made of them", async () => {
  await using started = await startTestServer();
  const client = new TypedClient(started.local);
  const { signal } = new AbortController();
  const round = () => ensureFlowControl({ transport: started.local, clock: systemClock, signal });
  await round();
  const { items: schemas } = await client.list(flowschemas);
  assert.deepEqual(new Set(schemas.map(({ metadata }) => metadata.name)), new Set([
    "exempt", "catch-all", "system-nodes", "system-node-high", "probes", "system-leader-election", "kube-controller-manager", "kube-scheduler", "kube-system-service-accounts", "service-accounts", "global-default",
  ]));
  for (const schema of schemas) {
    assert.deepEqual(danglingOf(schema), [["Dangling", "False", "Found"]]);
    assert.equal(schema.metadata.annotations?.["apf.kubernetes.io/autoupdate-spec"], "true");
    assert.deepEqual(schema.metadata.managedFields?.map(({ manager, operation, subresource }) => [manager, operation, subresource]), [
      ["api-priority-and-fairness-config-consumer-v1", "Apply", "status"], ["api-priority-and-fairness-config-producer-v1", "Update", undefined],
    ]);
  }
  assert.equal((await client.list(prioritylevelconfigurations)).items.length, 8);
  const { revision } = started.store;
  await round();
  assert.equal(started.store.revision, revision, "a second round finds nothing to do");

  const patch = (name: string, body: object) => client.patch(flowschemas, { name }, "application/merge-patch+json", body);
  await patch("service-accounts", { spec: { matchingPrecedence: 8_000 } });
  await patch("system-nodes", { metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "false" } }, spec: { matchingPrecedence: 501 } });
  await patch("probes", { metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": null } } });
  await patch("catch-all", { metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "false" } } });
  await client.delete(flowschemas, { name: "global-default" });
  const made = { apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", spec: { priorityLevelConfiguration: { name: "nowhere" } } } as const;
  await client.create(flowschemas, { ...made, metadata: { name: "mine" } });
  await client.create(flowschemas, { ...made, metadata: { name: "no-longer-shipped", annotations: { "apf.kubernetes.io/autoupdate-spec": "true" } } });
  await client.patch(prioritylevelconfigurations, { name: "exempt" }, "application/merge-patch+json", { spec: { exempt: { nominalConcurrencyShares: 7 } } });
  await round();
  const get = (name: string) => client.get(flowschemas, { name });
  assert.equal((await get("service-accounts")).spec?.matchingPrecedence, 9_000);
  assert.equal((await get("system-nodes")).spec?.matchingPrecedence, 501, "an administrator's own");
  assert.equal((await get("probes")).metadata.annotations?.["apf.kubernetes.io/autoupdate-spec"], "true");
  assert.equal((await get("catch-all")).metadata.annotations?.["apf.kubernetes.io/autoupdate-spec"], "true", "this one is never an administrator's");
  assert.equal((await get("global-default")).spec?.matchingPrecedence, 9_900);
  assert.deepEqual(danglingOf(await get("mine")), [["Dangling", "True", "NotFound"]]);
  await assert.rejects(get("no-longer-shipped"), isNotFound);
  assert.equal((await client.get(prioritylevelconfigurations, { name: "exempt" })).spec?.exempt?.nominalConcurrencyShares, 7);
  assert.deepEqual(started.complaints, []);
});

test("each server has a lease that says that it is there", async () => {
  await using started = await startTestServer();
  const client = new TypedClient(started.local);
  const clock = new ManualClock();
  const name = identityLeaseName(hostname());
  assert.match(name, /^apiserver-[a-z2-7]{26}$/);
  const namespace = "kube-system";
  const stale: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "apiserver-gone", namespace, labels: { "apiserver.kubernetes.io/identity": "kube-apiserver" } }, spec: { leaseDurationSeconds: 3600, renewTime: "2025-12-31T22:00:00.000000Z" } };
  await client.create(leases, stale);
  await client.create(leases, { ...stale, metadata: { name: "others", namespace } });
  const stop = new AbortController();
  const running = keepIdentityLease({ transport: started.local, clock, random: seededRandom(1), log: silentLog, signal: stop.signal });
  await clock.advance(1);
  const lease = await client.get(leases, { name, namespace });
  assert.deepEqual(lease.metadata.labels, { "apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": hostname() });
  assert.deepEqual([lease.spec?.leaseDurationSeconds, lease.spec?.renewTime], [3600, "2026-01-01T00:00:00.000000Z"]);
  assert.ok(lease.spec?.holderIdentity?.startsWith(`${name}_`));
  await clock.advance(11_000);
  assert.notEqual((await client.get(leases, { name, namespace })).spec?.renewTime, lease.spec?.renewTime);
  assert.deepEqual((await client.list(leases, { namespace })).items.map(({ metadata }) => metadata.name), [name, "others"]);
  assert.deepEqual((await client.get(configmaps, { namespace, name: "kube-apiserver-legacy-service-account-token-tracking" })).data, { since: "2026-01-01" });
  stop.abort(new Error("the test is over"));
  await running;
  await assert.rejects(client.get(leases, { name, namespace }), isNotFound);
});
