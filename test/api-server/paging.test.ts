import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configmaps, services, type Service } from "../../src/api/generated/core-v1.ts";
import { isStatusError } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { startTestServer } from "./fixture.ts";

test("a list whose past is forgotten goes on with the present, when the client wants that", async () => {
  await using started = await startTestServer();
  const client = new TypedClient(started.local);
  for (const name of ["a", "b", "c", "d"]) await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
  const first = await client.list(configmaps, { namespace: "default", limit: 2 });
  assert.equal(first.metadata.remainingItemCount, 2);
  await client.create(configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ca", namespace: "default" } });
  await started.store.compact(started.store.revision);

  using response = await started.http.raw({ method: "GET", path: "/api/v1/namespaces/default/configmaps", query: { limit: "2", continue: first.metadata.continue ?? "" } });
  assert.equal(response.status, 410);
  const status = JSON.parse(await response.text()) as { reason: string; message: string; metadata: { continue: string } };
  assert.equal(status.reason, "Expired");
  assert.match(status.message, /^The provided continue parameter is too old to display a consistent list result\./);
  const rest = await client.list(configmaps, { namespace: "default", limit: 5, continue: status.metadata.continue });
  assert.deepEqual(rest.items.map(({ metadata }) => metadata.name), ["c", "ca", "d"]);

  await assert.rejects(client.list(configmaps, { namespace: "default", resourceVersion: first.metadata.resourceVersion ?? "", resourceVersionMatch: "Exact" }), (error) => isStatusError(error, "Expired"));
  await assert.rejects(client.list(configmaps, { namespace: "default", resourceVersion: "999999" }), { reason: "Timeout", message: /^Timeout: Too large resource version: 999999, current: \d+$/ });
});

test("a server that starts over what is stored serves it, and knows which addresses are taken", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keelson-test-"));
  const open = () => openSqliteStore({ path: join(folder, "state.db"), clock: systemClock, log: silentLog });
  const service = (name: string, clusterIP?: string): Service => ({
    apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec: { ports: [{ port: 80 }], ...(clusterIP !== undefined && { clusterIP }) },
  });
  try {
    let kept: Service;
    {
      await using first = await startTestServer({ store: await open() });
      kept = await new TypedClient(first.http).create(services, service("kept"));
    }
    await using second = await startTestServer({ store: await open() });
    const client = new TypedClient(second.http);
    assert.deepEqual(await client.get(services, { namespace: "default", name: "kept" }), kept);
    await assert.rejects(client.create(services, service("other", kept.spec?.clusterIP ?? "")), { message: /provided IP is already allocated/ });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
