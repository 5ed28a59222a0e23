import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { openSqliteStore } from "./sqlite-store.ts";

/** Run by the crash test as a process of its own: writes without end, and says on its standard output what was acknowledged, until it is killed. */
const [path = "", round = ""] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
await Promise.all(Array.from({ length: 16 }, async (_, writer) => {
  for (let i = 0; ; i++) {
    const key = `/r${round}/${writer}/${i}`;
    const revision = await store.put(key, new TextEncoder().encode(key.repeat(20)), { expected: 0 });
    process.stdout.write(`${key} ${revision}\n`);
  }
}));
