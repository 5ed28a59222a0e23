import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";

/*
 * Run by the crash test as a process of its own: writes, deletes and compacts without end, watches from where the process before it was killed, and says
 * on its standard output what was acknowledged ("put KEY REVISION", "delete KEY REVISION") and what it saw ("saw …"), until it is killed.
 */
const [path = "", round = "", after = "1", seed = "0"] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const watching = async (): Promise<void> => {
  using watch = store.watch("", { after: Number(after) });
  for await (const change of watch) say(change.type === "put" ? `saw put ${change.entry.key} ${change.entry.revision}` : `saw delete ${change.key} ${change.revision}`);
};
await Promise.all([watching(), ...Array.from({ length: 16 }, async (_, writer) => {
  const random = seededRandom(Number(seed) + writer);
  for (let i = 0; ; i++) {
    const key = `/r${round}/${writer}/${i}`;
    const revision = await store.put(key, new TextEncoder().encode(key.repeat(1 + random.below(200))), { expected: 0 });
    say(`put ${key} ${revision}`);
    if (random.below(3) === 0) say(`delete ${key} ${await store.delete(key, { expected: revision })}`);
    // Far enough behind what the next process will watch from.
    if (random.below(60) === 0) await store.compact(Math.max(1, Number(after) - 50));
  }
})]);
