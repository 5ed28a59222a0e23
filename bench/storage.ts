import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, fdatasync, mkdtempSync, openSync, readSync, rmSync, statSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openSqliteStore } from "../src/storage/sqlite/sqlite-store.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { megabytes, ms, perSecond, tableText, type Row } from "./table.ts";

const valueBytes = 1500;
const durationMs = 2000;
const inFlights = [1, 16, 64] as const;
const watchedWrites = 3000;
/** The store whose recovery is timed: about as many bytes as this. */
const largeBytes = Number(process.env["KEELSON_BENCH_STORE_BYTES"] ?? 1e9);
const countedObjects = 100_000;

interface Figure {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** The store alone, each figure beside what the disk does in the same run. What the API server adds is another section's. */
export async function benchStorage(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bench-storage-"));
  try {
    const rows: Row[] = [];
    for (const inFlight of inFlights) {
      const raw = await rawAppends(join(folder, `raw-${inFlight}`), inFlight);
      const made = await creates(join(folder, `store-${inFlight}.db`), inFlight);
      rows.push({
        what: `store: durable creates of 1.5 KB, ${inFlight} in flight`, ratio: made.perSecond / raw.perSecond,
        measured: `${perSecond(made.perSecond)}, p99 ${made.p99Ms.toFixed(1)} ms, ${made.flushesPerWrite.toFixed(2)} flushes a write`,
        raw: `append + fdatasync: ${perSecond(raw.perSecond)}, p99 ${raw.p99Ms.toFixed(1)} ms`,
      });
    }
    rows.push(await watchLatency(folder), ...(await recovery(folder)), await memoryPerObject(folder, "sqlite"), await memoryPerObject(folder, "memory"));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function creates(path: string, inFlight: number): Promise<Figure & { readonly flushesPerWrite: number }> {
  await using store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
  const value = crypto.getRandomValues(new Uint8Array(valueBytes));
  let [next, flushes, inTurn] = [0, 0, false];
  const latencies: number[] = [];
  const began = performance.now();
  const end = began + durationMs;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() < end) {
      const asked = performance.now();
      await store.put(`/registry/configmaps/default/bench-${next++}`, value, { expected: 0 });
      latencies.push(performance.now() - asked);
      // All writes of one commit are acknowledged in one turn of the event loop.
      if (!inTurn) {
        inTurn = true;
        flushes++;
        setImmediate(() => void (inTurn = false));
      }
    }
  }));
  return { perSecond: (latencies.length / (performance.now() - began)) * 1000, p99Ms: percentile(latencies, 0.99), flushesPerWrite: flushes / latencies.length };
}

/** Groups of `inFlight` values appended and flushed, counted in values. */
async function rawAppends(path: string, inFlight: number): Promise<Figure> {
  const file = openSync(path, "a");
  const group = crypto.getRandomValues(new Uint8Array(valueBytes * Math.min(inFlight, 43)));
  const latencies: number[] = [];
  const began = performance.now();
  while (performance.now() < began + durationMs) {
    const asked = performance.now();
    await promisify(write)(file, group, 0, group.length, null);
    if (inFlight > 43) await promisify(write)(file, group, 0, valueBytes * (inFlight - 43), null);
    await promisify(fdatasync)(file);
    latencies.push(performance.now() - asked);
  }
  closeSync(file);
  return { perSecond: ((latencies.length * inFlight) / (performance.now() - began)) * 1000, p99Ms: percentile(latencies, 0.99) };
}

/**
 * From a write to its event, on a file system whose flushes cost nothing: all of the way between the threads and the commit itself, without the disk. It
 * is more than what lies between commit and event.
 */
async function watchLatency(folder: string): Promise<Row> {
  const place = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/keelson-bench-") : folder;
  try {
    await using store = await openSqliteStore({ path: join(place, "watch.db"), clock: systemClock, log: silentLog });
    using watch = store.watch("/registry/", { after: store.revision });
    const changes = watch[Symbol.asyncIterator]();
    const value = crypto.getRandomValues(new Uint8Array(valueBytes));
    const latencies: number[] = [];
    for (let i = 0; i < watchedWrites; i++) {
      const asked = performance.now();
      const [seen] = await Promise.all([changes.next().then(() => performance.now()), store.put(`/registry/configmaps/default/bench-${i}`, value, { expected: 0 })]);
      latencies.push(seen - asked);
    }
    return { what: "store: commit to event on a watch, p99 (write and thread included, no disk)", measured: `${percentile(latencies, 0.99).toFixed(2)} ms`, raw: `p50 ${percentile(latencies, 0.5).toFixed(2)} ms`, budget: "2 ms", met: percentile(latencies, 0.99) < 2 };
  } finally {
    if (place !== folder) rmSync(place, { recursive: true });
  }
}

async function filled(kind: "sqlite" | "memory", path: string, objects: number): Promise<{ readonly grownBytes: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, ["--expose-gc", join(import.meta.dirname, "storage-filler.ts"), kind, path, String(objects), String(valueBytes)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [said] = (await Promise.race([once(child.stdout, "data"), exited])) as [Buffer | number];
  return {
    grownBytes: Number(String(said)),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** After SIGKILL: until the store is ready, which is when all of it has been checked. */
async function recovery(folder: string): Promise<Row[]> {
  const path = join(folder, "large.db");
  const filler = await filled("sqlite", path, Math.round(largeBytes / (valueBytes * 1.1)));
  await filler.kill();
  const bytes = [path, `${path}-wal`].reduce((sum, file) => sum + statSync(file).size, 0);
  const logBytes = statSync(`${path}-wal`).size;
  const read = performance.now();
  readWhole(path);
  readWhole(`${path}-wal`);
  const readMs = performance.now() - read;
  const began = performance.now();
  const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
  const openMs = performance.now() - began;
  await store[Symbol.asyncDispose]();
  rmSync(path);
  return [{ what: `store: ready after SIGKILL, ${megabytes(bytes)} (${megabytes(logBytes)} of it log), every byte checked`, measured: ms(openMs), raw: `reading as much: ${ms(readMs)}`, ratio: openMs / readMs }];
}

function readWhole(path: string): void {
  const file = openSync(path, "r");
  const chunk = Buffer.alloc(1 << 20);
  while (readSync(file, chunk) > 0);
  closeSync(file);
}

async function memoryPerObject(folder: string, kind: "sqlite" | "memory"): Promise<Row> {
  const filler = await filled(kind, join(folder, `${kind}-objects.db`), countedObjects);
  await filler.kill();
  return { what: `store (${kind}): memory per object of 1.5 KB, ${countedObjects} of them`, measured: `${(filler.grownBytes / countedObjects).toFixed(0)} B` };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

if (import.meta.main) console.log(tableText(await benchStorage()));
