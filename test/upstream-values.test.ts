// What upstream's own kube-apiserver 1.36.2 has stored, read by ours: bytes from its etcd, and the objects that it served for them (docs/etcd.md says how they were made).
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "../src/api/all.ts";
import { services } from "../src/api/generated/core-v1.ts";
import { apiVersionOf, type KubeObject } from "../src/apimachinery/object.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { Encryption } from "../src/kube-apiserver/encryption/encryption.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { seededRandom } from "../src/stdx/random.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import { startTestServer } from "./api-server/fixture.ts";

interface Recorded {
  readonly encryption: object;
  readonly values: readonly {
    readonly key: string;
    /** Base64. */
    readonly value: string;
    /** In the version that is stored; absent for what is no object of the API. Without its resourceVersion. */
    readonly served?: KubeObject;
    /** The same in another version. */
    readonly alsoServed?: KubeObject;
  }[];
}

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "golden/upstream-values.json"), "utf8")) as Recorded;
const types = resources.map(({ type }) => type);

test("what upstream's server has stored is served as it served it, encrypted or not, and stays as it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-upstream-values-"));
  try {
    const file = join(folder, "encryption.json");
    writeFileSync(file, JSON.stringify(recorded.encryption));
    using encryption = await Encryption.open({ file, reload: false, types, serverId: "test", clock: systemClock, random: seededRandom(1), log: silentLog });
    const store = new MemoryStore();
    for (const { key, value } of recorded.values) await store.put(key, Buffer.from(value, "base64"), { expected: 0 });
    const revisions = new Map(await Promise.all(recorded.values.map(async ({ key }) => [key, (await store.get(key))?.revision] as const)));
    await using server = await startTestServer({ store, encryption });
    const client = new TypedClient(server.http);
    const kinds = new Set<string>();
    for (const { key, served, alsoServed } of recorded.values) {
      for (const expected of [served, alsoServed]) {
        if (!expected) continue;
        const type = types.find((each) => each.kind === expected.kind && apiVersionOf(each) === expected.apiVersion);
        assert.ok(type, `${expected.apiVersion} ${expected.kind}`);
        const { name = "", namespace } = expected.metadata;
        const found = await client.get(type, { name, ...(namespace !== undefined && { namespace }) });
        assert.deepEqual(found, { ...expected, metadata: { ...expected.metadata, resourceVersion: String(revisions.get(key)) } }, key);
        kinds.add(`${expected.apiVersion} ${expected.kind}`);
      }
    }
    assert.equal(kinds.size, types.length, "every kind, and every version of it");
    for (const { key, value } of recorded.values) assert.deepEqual(Buffer.from((await store.get(key))?.value ?? []).toString("base64"), value, key);

    // Its bitmap and its addresses are heeded.
    const taken = recorded.values.find(({ key }) => key === "/registry/services/specs/sample/allocated")?.served as unknown as { readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] } };
    const wanting = (spec: object) => client.create(services, { apiVersion: "v1", kind: "Service", metadata: { name: "x", namespace: "sample" }, spec: { ...spec } });
    await assert.rejects(wanting({ ports: [{ port: 80 }], clusterIP: taken.spec.clusterIP }), /provided IP is already allocated/);
    await assert.rejects(wanting({ type: "NodePort", ports: [{ port: 80, nodePort: taken.spec.ports[0]?.nodePort }] }), /provided port is already allocated/);
    await assert.rejects(wanting({ type: "NodePort", ports: [{ port: 80, nodePort: 30_999 }] }), /provided port is already allocated/, "a port for health checks is one as well");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
