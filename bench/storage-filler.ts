// A process of its own for the bench: fills a store until it holds `bytes` of values, says how much memory that took, and waits to be killed.
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import { openSqliteStore } from "../src/storage/sqlite/sqlite-store.ts";
import type { Store } from "../src/storage/store.ts";
import { rssBytes } from "./cluster.ts";

const [kind = "", path = "", objects = "0", valueBytes = "0"] = process.argv.slice(2);
const store: Store = kind === "memory" ? new MemoryStore() : await openSqliteStore({ path, clock: systemClock, log: silentLog });
const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
collect();
const before = rssBytes(process.pid);
let next = 0;
await Promise.all(Array.from({ length: 512 }, async () => {
  for (let i = next++; i < Number(objects); i = next++) {
    await store.put(`/registry/configmaps/default/bench-${String(i).padStart(9, "0")}`, crypto.getRandomValues(new Uint8Array(Number(valueBytes))), { expected: 0 });
  }
}));
collect();
process.stdout.write(`${rssBytes(process.pid) - before}\n`);
await new Promise(() => void setInterval(() => {}, 60_000));
