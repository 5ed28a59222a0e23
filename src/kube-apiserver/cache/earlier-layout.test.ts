import assert from "node:assert/strict";
import { test } from "node:test";
import { deployments } from "../../api/generated/apps-v1.ts";
import { configmaps, nodes } from "../../api/generated/core-v1.ts";
import { silentLog } from "../../stdx/log.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { ClusterState } from "./cluster-state.ts";

const types = [configmaps, nodes, deployments];
const object = (kind: string, apiVersion: string, name: string, namespace?: string) => Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { name, ...(namespace !== undefined && { namespace }), uid: `uid-${name}` } }));

async function earlierStore(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.put("/registry/core/nodes/n1", object("Node", "v1", "n1"), { expected: 0 });
  await store.put("/registry/apps/deployments/default/web", object("Deployment", "apps/v1", "web", "default"), { expected: 0 });
  await store.put("/registry/core/configmaps/default/a", object("ConfigMap", "v1", "a", "default"), { expected: 0 });
  await store.put("/registry/stable.example.com/crontabs/default/c", object("CronTab", "stable.example.com/v1", "c", "default"), { expected: 0 });
  return store;
}
const moved = ["/registry/configmaps/default/a", "/registry/deployments/default/web", "/registry/minions/n1", "/registry/stable.example.com/crontabs/default/c"];

test("a cluster of the first versions' layout is found whole, never empty", async () => {
  const store = await earlierStore();
  await using state = await ClusterState.start({ store, types, log: silentLog });
  assert.equal(state.get(nodes, "", "n1")?.metadata.uid, "uid-n1");
  assert.equal(state.get(deployments, "default", "web")?.metadata.uid, "uid-web");
  assert.equal(state.get(configmaps, "default", "a")?.metadata.uid, "uid-a");
  assert.deepEqual((await store.list("")).entries.map(({ key }) => key), moved);
});

test("moving to the present layout goes on where it was stopped", async () => {
  for (let writes = 0; writes < 6; writes++) {
    const store = await earlierStore();
    let left = writes;
    const stopping = new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if ((name === "put" || name === "delete") && left-- === 0) throw new Error("stopped");
          return (member as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    await assert.rejects(ClusterState.start({ store: stopping, types, log: silentLog }), /stopped/);
    await using state = await ClusterState.start({ store, types, log: silentLog });
    assert.equal(state.list(nodes).length + state.list(deployments).length + state.list(configmaps).length, 3, `after ${writes} writes`);
    assert.deepEqual((await store.list("")).entries.map(({ key }) => key), moved);
  }
});
