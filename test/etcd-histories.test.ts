// The judge of histories must see what is wrong, or its verdict on etcd says nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import { OutcomeUnknownError, type Entry, type PutOptions, type Revision } from "../src/storage/store.ts";
import { Histories } from "./etcd/histories.ts";

/** Shows some keys as they were three revisions ago. */
class StaleStore extends MemoryStore {
  override async get(key: string): Promise<Entry | undefined> {
    return super.get(key, { revision: Math.max(1, this.revision - 3) });
  }
}

/** Does every fifth write, and says that it does not know; of others it says so and does nothing. */
class ForgetfulStore extends MemoryStore {
  #writes = 0;
  override async put(key: string, value: Uint8Array, options: PutOptions): Promise<Revision> {
    const turn = this.#writes++ % 5;
    if (turn === 1) throw new OutcomeUnknownError("nothing was done");
    const revision = await super.put(key, value, options);
    if (turn === 2) throw new OutcomeUnknownError("it was done");
    return revision;
  }
}

/** Acknowledges some writes that it does not do. */
class LosingStore extends MemoryStore {
  #writes = 0;
  override async put(key: string, value: Uint8Array, options: PutOptions): Promise<Revision> {
    if (this.#writes++ % 20 === 19) return this.revision + 1;
    return super.put(key, value, options);
  }
}

const seed = 7;
async function judged(store: MemoryStore): Promise<Awaited<ReturnType<Histories["check"]>>> {
  await using histories = new Histories([store], seed);
  await histories.works(60);
  return await histories.check();
}

test("an honest store passes, and so does one that does not know what it did", async () => {
  assert.deepEqual(await judged(new MemoryStore()).then(({ lost }) => lost), 0);
  const { lost, lostButDone } = await judged(new ForgetfulStore());
  assert.ok(lost > lostButDone && lostButDone > 0, `${lost} ${lostButDone}`);
});

test("old values that are shown, and writes that are lost, are found out", async () => {
  await assert.rejects(judged(new StaleStore()), /saw revision \d+, which it did not have/);
  await assert.rejects(judged(new LosingStore()));
});
