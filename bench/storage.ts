import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, write } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openSqliteStore } from "../src/storage/sqlite/sqlite-store.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";

/** Durable creates of 1.5 KB through the store, beside the disk's own limit: appending as much to a file and flushing it, one flush per group. */
export interface StorageFigure {
  readonly inFlight: number;
  readonly createsPerSecond: number;
  /** Groups of `inFlight` values appended and flushed with fdatasync, counted in values. */
  readonly rawPerSecond: number;
}

const valueBytes = 1500;

export async function benchStorage({ durationMs = 2000, inFlights = [1, 16, 64] } = {}): Promise<StorageFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bench-storage-"));
  try {
    const figures: StorageFigure[] = [];
    for (const inFlight of inFlights) {
      figures.push({
        inFlight,
        rawPerSecond: await raw(join(folder, `raw-${inFlight}`), inFlight, durationMs),
        createsPerSecond: await creates(join(folder, `store-${inFlight}.db`), inFlight, durationMs),
      });
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function creates(path: string, inFlight: number, durationMs: number): Promise<number> {
  await using store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
  const value = crypto.getRandomValues(new Uint8Array(valueBytes));
  let [next, done] = [0, 0];
  const began = performance.now();
  const end = began + durationMs;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() < end) {
      await store.put(`/registry/configmaps/default/bench-${next++}`, value, { expected: 0 });
      done++;
    }
  }));
  return (done / (performance.now() - began)) * 1000;
}

async function raw(path: string, inFlight: number, durationMs: number): Promise<number> {
  const file = openSync(path, "a");
  const group = crypto.getRandomValues(new Uint8Array(valueBytes * Math.min(inFlight, 43)));
  let done = 0;
  const began = performance.now();
  while (performance.now() < began + durationMs) {
    await promisify(write)(file, group, 0, group.length, null);
    if (inFlight > 43) await promisify(write)(file, group, 0, valueBytes * (inFlight - 43), null);
    await promisify(fdatasync)(file);
    done += inFlight;
  }
  closeSync(file);
  return (done / (performance.now() - began)) * 1000;
}

export function storageTable(figures: readonly StorageFigure[]): string {
  const rows = figures.map(({ inFlight, createsPerSecond, rawPerSecond }) =>
    [String(inFlight), createsPerSecond.toFixed(0), rawPerSecond.toFixed(0), (createsPerSecond / rawPerSecond).toFixed(2)]);
  return [["in flight", "creates/s", "append+fdatasync/s", "ratio"], ...rows].map((row) => row.map((cell) => cell.padStart(20)).join("")).join("\n");
}

if (import.meta.main) console.log(storageTable(await benchStorage()));
