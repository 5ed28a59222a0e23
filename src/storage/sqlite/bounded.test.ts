import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../../stdx/random.ts";
import { Database, type Write } from "./database.ts";
import { bytesMaxDefault } from "./protocol.ts";

/*
 * A week of heartbeats is 2,016 windows of five minutes, between which history is compacted; each window is like the next. So the sizes after some dozens
 * of them are those after a week, when the second half of them is no larger than the first. KEELSON_WINDOWS=2016 plays the whole week (6 million writes).
 */
const windows = Number(process.env["KEELSON_WINDOWS"] ?? 28);
const seed = Number(process.env["KEELSON_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const nodeCount = 100;
const podCount = 1000;
const windowSeconds = 300;
const heartbeatSeconds = 10;
const eventsPerWindow = 60;
const eventLifeWindows = 12;

const sizesOf = (path: string): { readonly database: number; readonly log: number } => ({ database: statSync(path).size, log: existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0 });

test(`sqlite: after a week of heartbeats of ${nodeCount} nodes the files are within twice a fresh copy (${windows} windows, KEELSON_SEED=${seed})`, () => {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "keelson-bounded-"));
  try {
    const random = seededRandom(seed);
    const path = join(folder, "state.db");
    const database = new Database({ path, bytesMax: bytesMaxDefault });
    const revisions = new Map<string, number>();
    const write = (puts: readonly (readonly [key: string, bytes: number])[], deletions: readonly string[] = []): void => {
      const writes: Write[] = [
        ...puts.map(([key, bytes]) => ({ key, expected: revisions.get(key) ?? 0, value: Buffer.alloc(bytes, `${key} ${random.below(1e9)} `) })),
        ...deletions.map((key) => ({ key, expected: revisions.get(key) ?? 0 })),
      ];
      for (const [index, outcome] of database.write(writes).entries()) {
        assert.ok("revision" in outcome);
        const { key = "", value } = writes[index] ?? {};
        if (value) revisions.set(key, outcome.revision);
        else revisions.delete(key);
      }
    };
    const nodes = Array.from({ length: nodeCount }, (_, i) => `node-${i}`);
    // Made over the first window, between heartbeats, as a cluster comes to be.
    const pods = Array.from({ length: podCount }, (_, i) => `/registry/pods/default/pod-${i}`);
    const events: string[][] = [];
    const sizes: { readonly database: number; readonly log: number }[] = [];
    let compactTo = 1;
    for (let window = 0; window < windows; window++) {
      const begun = database.revision;
      const made: string[] = [];
      for (let second = 0; second < windowSeconds; second++) {
        // Heartbeats are spread over their ten seconds, and those of half a second share a transaction.
        for (const half of [0, 1]) {
          const due = nodes.filter((_, i) => i % (2 * heartbeatSeconds) === 2 * (second % heartbeatSeconds) + half);
          write(due.map((node) => [`/registry/leases/kube-node-lease/${node}`, 550 + random.below(20)]));
        }
        if (window === 0) write(pods.slice(Math.floor((second * podCount) / windowSeconds), Math.floor(((second + 1) * podCount) / windowSeconds)).map((key) => [key, 2000 + random.below(2500)]));
        if (second % 3 === 0) write([[`/registry/minions/${nodes[second / 3] ?? ""}`, 6000 + random.below(1000)]]);
        if (second % (windowSeconds / eventsPerWindow) === 0) {
          const key = `/registry/events/default/event-${window}-${second}`;
          made.push(key);
          write([[key, 700 + random.below(400)]]);
        }
        // Pods come and go, a little.
        if (second % 30 === 0) {
          const key = pods[random.below(podCount)] ?? "";
          if (revisions.has(key)) write([], [key]);
          write([[key, 2000 + random.below(2500)]]);
        }
      }
      events.push(made);
      if (events.length > eventLifeWindows) write([], events.shift());
      // As the store does at its clock's ticks: up to where the window before this one ended.
      while (database.compacted < compactTo) database.compactStep(compactTo);
      database.giveSpaceBack();
      compactTo = database.revision;
      assert.ok(database.compacted <= begun + 1, "a window of history is kept");
      sizes.push(sizesOf(path));
    }
    const { entries, revision } = database.list("", { limit: 1_000_000, count: false });
    const freshPath = join(folder, "fresh.db");
    const fresh = new Database({ path: freshPath, bytesMax: bytesMaxDefault });
    fresh.load(entries, revision);
    fresh.close();
    const copyBytes = statSync(freshPath).size;
    const total = ({ database: file, log }: { readonly database: number; readonly log: number }): number => file + log;
    const settled = sizes.slice(eventLifeWindows);
    const [first, second] = [settled.slice(0, settled.length / 2), settled.slice(settled.length / 2)].map((half) => Math.max(...half.map(total)));
    console.log(`${entries.length} objects; fresh copy ${copyBytes}; file ${sizes.at(-1)?.database} and log ${sizes.at(-1)?.log} at the end, ${Math.max(...sizes.map(total))} at most after a compaction`);
    assert.ok((second ?? 0) <= (first ?? 0) * 1.05, `it grows: ${first} bytes, then ${second}`);
    assert.ok(Math.max(first ?? 0, second ?? 0) < 2 * copyBytes, `${Math.max(first ?? 0, second ?? 0)} bytes, where a fresh copy has ${copyBytes}`);
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: what was compacted is not in the file any more", () => {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "keelson-wiped-"));
  try {
    const path = join(folder, "state.db");
    const database = new Database({ path, bytesMax: bytesMaxDefault });
    const revisions = new Map<string, number>();
    // Some are one of several in a page, some need pages of their own.
    for (let i = 0; i < 400; i++) {
      const key = `/registry/secrets/default/${i % 50}`;
      const [outcome] = database.write([{ key, expected: revisions.get(key) ?? 0, value: Buffer.from(`plain-${i}-`.padEnd(i % 5 === 0 ? 9_000 : 300, "x")) }]);
      assert.ok(outcome && "revision" in outcome);
      revisions.set(key, outcome.revision);
    }
    const found = (): number[] => [...readFileSync(path, "latin1").matchAll(/plain-(\d+)-/g)].map(([, number]) => Number(number)).toSorted((a, b) => a - b);
    database.giveSpaceBack();
    assert.equal(new Set(found()).size, 400, "all history is there before");
    while (database.compacted < database.revision) database.compactStep(database.revision);
    database.giveSpaceBack();
    assert.deepEqual(found(), Array.from({ length: 50 }, (_, i) => 350 + i));
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
