import { closeSync, fsyncSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceState } from "../src/cluster/snapshots/replace-state.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { seededRandom } from "../src/stdx/random.ts";
import { readState } from "../src/storage/snapshot/read-state.ts";
import { openSnapshot, writeSnapshot } from "../src/storage/snapshot/snapshot-file.ts";
import { writeSqliteFile } from "../src/storage/sqlite/loader.ts";
import { openSqliteStore, type SqliteStore } from "../src/storage/sqlite/sqlite-store.ts";
import type { Entry } from "../src/storage/store.ts";
import { median, megabytes, ms, type Row } from "./table.ts";

const objects = 100_000;
const valueBytes = 1500;
const pageEntries = 1000;
const signal = new AbortController().signal;

/** Looks like an object of the API to a compressor: mostly the same words, with names, UIDs and digests that never repeat. */
function* sample(): Generator<readonly Entry[]> {
  const random = seededRandom(1);
  const hex = (length: number): string => Buffer.from(random.bytes(length)).toString("hex");
  for (let from = 0; from < objects; from += pageEntries) {
    yield Array.from({ length: pageEntries }, (_, i) => {
      const text = JSON.stringify({ kind: "Pod", apiVersion: "v1", metadata: { name: `web-${from + i}`, namespace: "default", uid: hex(16), labels: { app: "web", hash: hex(5) } }, status: { containerID: hex(32), imageID: hex(32), podIP: hex(4) } });
      const value = `${text.slice(0, -1)},"fill":"${"the same in every object, as most fields are; ".repeat(40)}`.slice(0, valueBytes - 2);
      return { key: `/registry/pods/default/web-${String(from + i).padStart(6, "0")}`, revision: 2 + from + i, value: Buffer.from(`${value}"}`) };
    });
  }
}
async function* pages(): AsyncGenerator<readonly Entry[]> {
  yield* sample();
}

/** As many bytes as the objects have, written to one file and flushed, and read again. */
function raw(path: string): { readonly writeMs: number; readonly readMs: number } {
  const block = Buffer.alloc(1024 * 1024, "x");
  const total = objects * valueBytes;
  const began = performance.now();
  const file = openSync(path, "w+");
  for (let written = 0; written < total; written += block.length) writeSync(file, block);
  fsyncSync(file);
  const writeMs = performance.now() - began;
  const beganReading = performance.now();
  for (let at = 0; at < total; at += block.length) readSync(file, block, 0, block.length, at);
  const readMs = performance.now() - beganReading;
  closeSync(file);
  return { writeMs, readMs };
}

/** How long durable writes take, one after the other, for as long as `until` has not settled. */
async function writesBeside(store: SqliteStore, until: Promise<unknown>): Promise<readonly number[]> {
  const durations: number[] = [];
  let running = true;
  until.then(() => (running = false), () => (running = false));
  for (let expected = 0; running;) {
    const began = performance.now();
    expected = await store.put("/registry/leases/bench", new Uint8Array(500), { expected });
    durations.push(performance.now() - began);
  }
  return durations;
}

/** Milliseconds by the clock and of the processor. */
async function timed(work: () => Promise<unknown>): Promise<{ readonly wallMs: number; readonly cpuMs: number }> {
  const [before, began] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - began, cpuMs: (user + system) / 1000 };
}
type Timed = Awaited<ReturnType<typeof timed>>;
const timeText = ({ wallMs, cpuMs }: Timed): string => `${ms(wallMs)} (CPU ${ms(cpuMs)})`;

const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;

/** Snapshot and restore of 100,000 objects of 1.5 KB, beside as many bytes written to a file and read from it. */
export async function benchSnapshot(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bench-snapshot-"));
  try {
    const [state, file] = [join(folder, "state.db"), join(folder, "a.snapshot")];
    await writeSqliteFile(state, pages(), objects + 2);
    const { writeMs, readMs } = raw(join(folder, "raw"));
    let saved: Timed;
    let alone: readonly number[];
    let beside: readonly number[];
    {
      await using store = await openSqliteStore({ path: state, clock: systemClock, log: silentLog });
      alone = await writesBeside(store, systemClock.sleep(2_000, { signal }));
      await store.delete("/registry/leases/bench", { expected: (await store.get("/registry/leases/bench"))?.revision ?? 0 });
      const save = (name: string): Promise<unknown> => writeSnapshot(name, readState(store, { signal }), {}, { signal, unique: "bench" });
      saved = await timed(() => save(file));
      const saving = save(join(folder, "another.snapshot"));
      beside = await writesBeside(store, saving);
      await saving;
    }
    const checked = await timed(async () => (await openSnapshot(file, { signal }))[Symbol.asyncDispose]());
    const restored = await timed(async () => {
      await using snapshot = await openSnapshot(file, { signal });
      await replaceState(state, snapshot);
    });
    return [
      { what: `snapshot of ${objects} objects of 1.5 KB, read back included`, measured: timeText(saved), raw: `${megabytes(objects * valueBytes)} written and flushed: ${ms(writeMs)}`, ratio: saved.wallMs / writeMs },
      { what: "its file", measured: megabytes(statSync(file).size), raw: megabytes(objects * valueBytes), ratio: statSync(file).size / (objects * valueBytes) },
      { what: "a durable write while it is taken, median / p99", measured: `${median(beside).toFixed(1)} / ${p99(beside).toFixed(1)} ms`, raw: `without: ${median(alone).toFixed(1)} / ${p99(alone).toFixed(1)} ms`, ratio: p99(beside) / p99(alone) },
      { what: `restore of ${objects} objects, of which ${timeText(checked)} is checking it`, measured: timeText(restored), raw: `read: ${ms(readMs)}, written: ${ms(writeMs)}`, ratio: restored.wallMs / (readMs + writeMs) },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
