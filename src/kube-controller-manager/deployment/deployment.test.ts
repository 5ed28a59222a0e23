import assert from "node:assert/strict";
import { test } from "node:test";
import { deployments, replicasets, type Deployment } from "../../api/generated/apps-v1.ts";
import { events, pods } from "../../api/generated/core-v1.ts";
import { replicaSetController } from "../replicaset/replicaset.ts";
import { World } from "../testing/world.ts";
import { deploymentController } from "./deployment.ts";

const web = (image: string, replicas: number, more: Partial<NonNullable<Deployment["spec"]>> = {}): Deployment => ({
  apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "default" },
  spec: {
    replicas, selector: { matchLabels: { app: "web" } }, progressDeadlineSeconds: 600, revisionHistoryLimit: 2,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } }, ...more,
  },
});
const at = { name: "web", namespace: "default" };

async function images(world: World): Promise<string> {
  const count = new Map<string, number>();
  for (const pod of (await world.client.list(pods)).items) {
    const image = pod.spec?.containers[0]?.image ?? "";
    count.set(image, (count.get(image) ?? 0) + 1);
  }
  return [...count].map(([image, number]) => `${image}x${number}`).toSorted().join(" ");
}
const progressing = async (world: World) => (await world.client.get(deployments, at)).status?.conditions?.find(({ type }) => type === "Progressing");
async function settleRollout(world: World): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await world.pass(1000);
    await world.kubelet();
  }
}

test("creates, scales, rolls, rolls back, cleans up", async () => {
  using world = new World([deploymentController, replicaSetController]);
  await world.pass();
  await world.client.create(deployments, web("a", 4));
  await world.pass(100);
  assert.equal(await images(world), "ax4");
  assert.equal((await progressing(world))?.reason, "ReplicaSetUpdated");
  await settleRollout(world);
  const created = await world.client.get(deployments, at);
  assert.equal(created.metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  assert.deepEqual({ ...created.status, conditions: created.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message?.replace(/web-[a-z0-9]+/, "web-X")]) }, {
    observedGeneration: 1, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4, terminatingReplicas: 0,
    conditions: [["Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."], ["Progressing", "True", "NewReplicaSetAvailable", 'ReplicaSet "web-X" has successfully progressed.']],
  });

  let least = 99;
  let most = 0;
  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("b", 4).spec as NonNullable<Deployment["spec"]> });
  for (let round = 0; round < 20; round++) {
    await world.pass(100);
    const all = (await world.client.list(pods)).items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    least = Math.min(least, all.filter(({ status }) => status?.phase === "Running").length);
    most = Math.max(most, all.length);
    await world.kubelet();
  }
  assert.deepEqual([least, most, await images(world)], [3, 5, "bx4"]);

  for (const image of ["c", "d", "e", "b"]) {
    await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web(image, 4).spec as NonNullable<Deployment["spec"]> });
    await settleRollout(world);
    assert.equal(await images(world), `${image}x4`);
  }
  const sets = (await world.client.list(replicasets)).items;
  assert.equal(sets.length, 3);
  assert.equal((await world.client.get(deployments, at)).metadata.annotations?.["deployment.kubernetes.io/revision"], "6");
  assert.deepEqual(world.errors, []);
  const texts = (await world.client.list(events)).items.map(({ message = "" }) => message.replace(/web-[a-z0-9]+/, "web-X"));
  assert.ok(texts.includes("Scaled up replica set web-X from 0 to 4"));
  assert.ok(texts.includes("Scaled down replica set web-X from 4 to 3"));
});

test("a rollout that gets nowhere is told after its deadline, and undone by scaling to the old template", async () => {
  using world = new World([deploymentController, replicaSetController]);
  await world.client.create(deployments, web("good", 10));
  await settleRollout(world);
  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("bad", 10).spec as NonNullable<Deployment["spec"]> });
  const stuck = () => world.kubelet((pod) => (pod.spec?.containers[0]?.image === "bad" ? undefined : { phase: "Running" }));
  for (let round = 0; round < 5; round++) {
    await world.pass(1000);
    await stuck();
  }
  assert.equal(await images(world), "badx5 goodx8");
  await world.pass(605_000);
  assert.deepEqual([(await progressing(world))?.status, (await progressing(world))?.reason], ["False", "ProgressDeadlineExceeded"]);

  // Scaled in the middle: in proportion.
  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("bad", 30).spec as NonNullable<Deployment["spec"]> });
  await world.pass(1000);
  assert.equal(await images(world), "badx15 goodx23");

  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("good", 30).spec as NonNullable<Deployment["spec"]> });
  await settleRollout(world);
  assert.equal(await images(world), "goodx30");
});

test("Recreate waits for the last old pod; pausing holds everything", async () => {
  using world = new World([deploymentController, replicaSetController]);
  const recreate = { strategy: { type: "Recreate" } };
  await world.client.create(deployments, web("a", 2, recreate));
  await world.pass(100);
  for (const pod of (await world.client.list(pods)).items) await world.client.update(pods, { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: "n" } });
  await settleRollout(world);
  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("b", 2, recreate).spec as NonNullable<Deployment["spec"]> });
  await world.pass(1000);
  assert.equal(await images(world), "ax2");
  await settleRollout(world);
  assert.equal(await images(world), "bx2");

  await world.client.update(deployments, { ...(await world.client.get(deployments, at)), spec: web("c", 3, { ...recreate, paused: true }).spec as NonNullable<Deployment["spec"]> });
  await settleRollout(world);
  assert.equal(await images(world), "bx3");
  assert.equal((await progressing(world))?.reason, "DeploymentPaused");
});

test("revisions go on from an adopted set's, however large", async () => {
  using world = new World([deploymentController, replicaSetController]);
  const revision = "deployment.kubernetes.io/revision";
  const { template } = web("a", 1).spec ?? {};
  await world.client.create(replicasets, { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name: "old", namespace: "default", labels: { app: "web" }, annotations: { [revision]: "3546343826724305832" } }, spec: { replicas: 1, selector: { matchLabels: { app: "web" } }, ...(template && { template }) } });
  await world.client.create(deployments, web("b", 1));
  await settleRollout(world);
  assert.equal((await world.client.get(deployments, at)).metadata.annotations?.[revision], "3546343826724305833");
  assert.equal(await images(world), "bx1");
});
