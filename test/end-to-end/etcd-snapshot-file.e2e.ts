// etcd's snapshot, read without etcd: the same keys, values and revisions as etcd has them, whatever happened before.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { saveEtcdSnapshot } from "../../src/storage/etcd/maintenance.ts";
import { openEtcdSnapshot } from "../../src/storage/etcd/snapshot-file.ts";
import { BadSnapshotError } from "../../src/storage/snapshot/bad-snapshot.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";

const signal = new AbortController().signal;
const names = (key: Uint8Array): string | undefined => {
  const name = Buffer.from(key).toString();
  return name.startsWith("/registry/") ? name : undefined;
};

test("a snapshot holds what etcd holds, after writes, deletions and compaction, in small values and large", { skip, timeout: 120_000 }, async () => {
  const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-snapshot-"));
  try {
    await using etcd = await EtcdCluster.start();
    await using store = await etcd.open();
    const revisions = new Map<string, number>();
    const churn = async (writes: number): Promise<void> => {
      for (let i = 0; i < writes; i++) {
        const key = `/registry/k${random.below(200)}`;
        const expected = revisions.get(key) ?? 0;
        if (expected > 0 && random.next() < 0.3) {
          await store.delete(key, { expected });
          revisions.delete(key);
        } else {
          // Some are larger than a page.
          revisions.set(key, await store.put(key, random.bytes(random.next() < 0.05 ? 20_000 : random.below(900)), { expected }));
        }
      }
    };
    await store.put("/elsewhere/x", random.bytes(10), { expected: 0 });
    for (const [round, compacts] of [false, true, false].entries()) {
      await churn(400);
      if (compacts) await store.compact(store.revision - 100);
      const path = join(folder, `s${round}.db`);
      await saveEtcdSnapshot(etcd.location(), path, { signal, unique: "test" });
      await using snapshot = await openEtcdSnapshot(path, { names, signal });
      assert.equal(snapshot.index.revision, store.revision, `seed ${seed}`);
      const found = (await Array.fromAsync(snapshot.entries())).flat();
      assert.deepEqual(found.map(({ revision }) => revision), found.map(({ revision }) => revision).toSorted((a, b) => a - b));
      const { entries } = await store.list("/registry/");
      const text = (all: typeof entries) => all.map(({ key, revision, value }) => `${key}@${revision} ${Buffer.from(value).toString("base64")}`).toSorted();
      assert.deepEqual(text(found), text(entries), `seed ${seed}`);
    }

    const whole = readFileSync(join(folder, "s0.db"));
    const bad = join(folder, "bad.db");
    const refused = async (bytes: Buffer, what: string): Promise<void> => {
      writeFileSync(bad, bytes);
      await assert.rejects(openEtcdSnapshot(bad, { names, signal }), BadSnapshotError, `${what}, seed ${seed}`);
    };
    for (let i = 0; i < 60; i++) {
      const [at, bit] = [random.below(whole.length), random.below(8)];
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
      await refused(flipped, `bit ${bit} of byte ${at}`);
      const length = random.below(whole.length);
      await refused(whole.subarray(0, length), `cut to ${length} bytes`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
