import assert from "node:assert/strict";
import { test } from "node:test";
import { statefulsets, type StatefulSet, type StatefulSetSpec } from "../../api/generated/apps-v1.ts";
import { persistentvolumeclaims, pods } from "../../api/generated/core-v1.ts";
import { World } from "../testing/world.ts";
import { statefulSetController } from "./statefulset.ts";

const at = { name: "db", namespace: "default" };
const db = (image: string, more: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  apiVersion: "apps/v1", kind: "StatefulSet", metadata: at,
  spec: {
    replicas: 3, serviceName: "db", selector: { matchLabels: { app: "db" } }, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    template: { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "c", image }] } }, volumeClaimTemplates: [{ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: {} }], ...more,
  },
});
const shown = async (world: World) => (await world.client.list(pods)).items.map(({ metadata, spec }) => `${metadata.name?.slice(3)}:${spec?.containers[0]?.image}`).toSorted().join(" ");
async function history(world: World, rounds: number): Promise<string[]> {
  const seen: string[] = [];
  for (let round = 0; round < rounds; round++) {
    await world.pass(100);
    seen.push(await shown(world));
    await world.kubelet();
  }
  return seen.filter((each, index) => each !== seen[index - 1]);
}
async function change(world: World, spec: StatefulSet["spec"]): Promise<void> {
  await world.client.update(statefulsets, { ...(await world.client.get(statefulsets, at)), ...(spec && { spec }) });
}

test("made in order, updated and ended in reverse, with volumes that stay", async () => {
  using world = new World([statefulSetController]);
  await world.client.create(statefulsets, db("a"));
  assert.deepEqual(await history(world, 6), ["0:a", "0:a 1:a", "0:a 1:a 2:a"]);
  assert.equal((await world.client.list(persistentvolumeclaims)).items.length, 3);
  const before = (await world.client.get(statefulsets, at)).status;
  assert.deepEqual([before?.replicas, before?.readyReplicas, before?.updatedReplicas, before?.currentRevision === before?.updateRevision], [3, 3, 3, true]);
  const revisions = async () => new Set((await world.client.list(pods)).items.map(({ metadata }) => metadata.labels?.["controller-revision-hash"]));
  assert.deepEqual(await revisions(), new Set([before?.currentRevision]), "the whole name of the revision, not its hash");

  await change(world, db("b").spec);
  assert.deepEqual(await history(world, 12), ["0:a 1:a 2:b", "0:a 1:b 2:b", "0:b 1:b 2:b"]);
  const after = (await world.client.get(statefulsets, at)).status;
  assert.deepEqual([after?.updatedReplicas, after?.currentReplicas, after?.currentRevision === after?.updateRevision, after?.currentRevision === before?.currentRevision], [3, 3, true, false]);

  await change(world, db("b", { replicas: 1 }).spec);
  assert.deepEqual((await history(world, 6)).at(-1), "0:b");
  assert.equal((await world.client.list(persistentvolumeclaims)).items.length, 3);
  assert.deepEqual(world.errors, []);
});

test("a partition keeps lower ordinals as they are, also when they are made again", async () => {
  using world = new World([statefulSetController]);
  await world.client.create(statefulsets, db("a"));
  await history(world, 6);
  await change(world, db("b", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } }).spec);
  assert.equal((await history(world, 6)).at(-1), "0:a 1:a 2:b");
  await world.client.delete(pods, { name: "db-0", namespace: "default" });
  assert.equal((await history(world, 6)).at(-1), "0:a 1:a 2:b");
});

test("Parallel does not wait", async () => {
  using world = new World([statefulSetController]);
  await world.client.create(statefulsets, db("a", { podManagementPolicy: "Parallel" }));
  assert.deepEqual(await history(world, 2), ["0:a 1:a 2:a"]);
});
