import assert from "node:assert/strict";
import { test } from "node:test";
import { checkHistory, type Operation } from "./linearizable.ts";
import { CompactedError, ConflictError, FutureRevisionError, keyOfChange, revisionOfChange, type Change, type Store, type Watch } from "./store.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);

/** The next `count` changes of a watch. */
export async function take(watch: Watch, count: number): Promise<Change[]> {
  const changes: Change[] = [];
  if (count > 0) for await (const change of watch) if (changes.push(change) === count) break;
  return changes;
}

const show = (change: Change): string =>
  change.type === "put" ? `${change.created ? "create" : "put"} ${change.entry.key}=${text(change.entry.value)}@${change.entry.revision}` : `delete ${change.key}@${change.revision}`;

/** A random source that gives the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SuiteStoreOptions {
  readonly backlogMax: number;
}

/** What every store must do, whatever lies below it. `open` makes an empty one. */
export function storeSuite(name: string, open: (options: SuiteStoreOptions) => Promise<Store>): void {
  const it = (title: string, run: (store: Store) => Promise<void>, options: SuiteStoreOptions = { backlogMax: 1000 }): void => {
    test(`${name}: ${title}`, async () => {
      await using store = await open(options);
      await run(store);
    });
  };

  it("an empty store is at revision 1 and every change adds one", async (store) => {
    assert.equal(store.revision, 1);
    assert.deepEqual(await store.list(""), { entries: [], revision: 1, remaining: 0 });
    assert.equal(await store.put("/a", bytes("1"), { expected: 0 }), 2);
    assert.equal(await store.put("/a", bytes("2"), { expected: 2 }), 3);
    assert.equal(await store.delete("/a", { expected: 3 }), 4);
    assert.equal(await store.put("/a", bytes("3"), { expected: 0 }), 5);
    assert.equal(store.revision, 5);
    assert.deepEqual(await store.get("/a"), { key: "/a", value: bytes("3"), revision: 5 });
    assert.equal(await store.get("/b"), undefined);
  });

  it("a write based on anything but the present is a conflict, and changes nothing", async (store) => {
    const revision = await store.put("/a", bytes("1"), { expected: 0 });
    const attempts = [
      () => store.put("/a", bytes("x"), { expected: 0 }),
      () => store.put("/a", bytes("x"), { expected: revision + 1 }),
      () => store.put("/b", bytes("x"), { expected: revision }),
      () => store.delete("/a", { expected: 1 }),
      () => store.delete("/b", { expected: revision }),
      () => store.delete("/b", { expected: 0 }),
    ];
    for (const attempt of attempts) {
      await assert.rejects(attempt, (error) => error instanceof ConflictError && [0, revision].includes(error.actual));
    }
    assert.equal(store.revision, revision);
    assert.equal((await store.list("")).entries.length, 1);
  });

  it("of writers with the same base one wins", async (store) => {
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => store.put("/a", bytes(String(i)), { expected: 0 })));
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(store.revision, 2);
  });

  it("values come back as they were, empty and large ones too", async (store) => {
    const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
    // Views into a larger buffer, as Buffer.from makes them.
    const view = new Uint8Array(large.buffer, 100, 50);
    await Promise.all([store.put("/empty", bytes(""), { expected: 0 }), store.put("/large", large, { expected: 0 }), store.put("/view", view, { expected: 0 })]);
    assert.equal((await store.get("/empty"))?.value.length, 0);
    assert.ok(Buffer.from(large).equals((await store.get("/large"))?.value ?? new Uint8Array()));
    assert.deepEqual([...((await store.get("/view"))?.value ?? [])], [...view]);
    assert.equal(large.length, 3_000_000);
  });

  it("lists are in key order, within the prefix, in pages", async (store) => {
    const keys = ["/pods/b", "/pods/a", "/pods/a/x", "/pods0", "/pod", "/pods/c", "/nodes/n"];
    for (const key of keys) await store.put(key, bytes(key), { expected: 0 });
    const list = async (prefix: string, options = {}): Promise<string> => {
      const { entries, remaining } = await store.list(prefix, options);
      return `${entries.map(({ key }) => key).join(" ")} +${remaining}`;
    };
    const cases = [
      ["/pods/", {}, "/pods/a /pods/a/x /pods/b /pods/c +0"],
      ["/pods/", { limit: 2 }, "/pods/a /pods/a/x +2"],
      ["/pods/", { limit: 2, after: "/pods/a/x" }, "/pods/b /pods/c +0"],
      ["/pods/", { limit: 4 }, "/pods/a /pods/a/x /pods/b /pods/c +0"],
      ["/pods/", { after: "/pods/c" }, " +0"],
      ["/pods/", { after: "/a" }, "/pods/a /pods/a/x /pods/b /pods/c +0"],
      ["", {}, "/nodes/n /pod /pods/a /pods/a/x /pods/b /pods/c /pods0 +0"],
      ["/nothing", {}, " +0"],
      ["/pods/", { limit: 1, revision: 4 }, "/pods/a +2"],
      ["/pods/", { limit: 1, after: "/pods/a", revision: 4 }, "/pods/a/x +1"],
    ] as const;
    for (const [prefix, options, expected] of cases) assert.equal(await list(prefix, options), expected, JSON.stringify([prefix, options]));
  });

  it("a list of many pages is of one revision, though others write meanwhile", async (store) => {
    const key = (i: number): string => `/k${String(i).padStart(5, "0")}`;
    await Promise.all(Array.from({ length: 2500 }, (_, i) => store.put(key(i), bytes("old"), { expected: 0 })));
    const before = store.revision;
    const listing = store.list("/k");
    const paged = store.list("/k", { limit: 2100, after: key(9) });
    for (let i = 0; i < 2500; i += 100) await store.put(key(i), bytes("new"), { expected: i + 2 }).catch(() => undefined); // Which revision a key got depends on the order of the writes.
    const { entries, revision, remaining } = await listing;
    assert.deepEqual([entries.length, remaining, entries[0]?.key, entries.at(-1)?.key], [2500, 0, key(0), key(2499)]);
    assert.ok(revision >= before && entries.every((entry) => entry.revision <= revision));
    const part = await paged;
    assert.deepEqual([part.entries.length, part.remaining, part.entries[0]?.key], [2100, 390, key(10)]);
  });

  it("the past is read as it was", async (store) => {
    const random = seeded(7);
    const past: Map<string, string>[] = [];
    let now = new Map<string, { value: string; revision: number }>();
    past[1] = new Map();
    for (let i = 0; i < 200; i++) {
      const key = `/k${Math.floor(random() * 10)}`;
      const known = now.get(key);
      now = new Map(now);
      if (known && random() < 0.3) {
        await store.delete(key, { expected: known.revision });
        now.delete(key);
      } else {
        now.set(key, { value: `v${i}`, revision: await store.put(key, bytes(`v${i}`), { expected: known?.revision ?? 0 }) });
      }
      past[store.revision] = new Map([...now].map(([name, { value }]) => [name, value]));
    }
    for (let revision = 1; revision <= store.revision; revision += 13) {
      const { entries } = await store.list("/k", { revision });
      assert.deepEqual(new Map(entries.map((entry) => [entry.key, text(entry.value)])), past[revision]);
      assert.equal(text((await store.get("/k3", { revision }))?.value), past[revision]?.get("/k3"));
      const keys = [...(past[revision]?.keys() ?? [])].toSorted();
      for (const limit of [1, 3]) {
        for (const [start, after] of [[0, undefined], [2, keys[1]]] as const) {
          if (start > 0 && after === undefined) continue;
          const page = { revision, limit, ...(after !== undefined && { after }) };
          const wanted = keys.slice(start, start + limit);
          const left = Math.max(0, keys.length - start - limit);
          const { entries: some, remaining } = await store.list("/k", page);
          assert.deepEqual([some.map(({ key }) => key), remaining], [wanted, left], JSON.stringify(page));
          const uncounted = await store.list("/k", { ...page, count: false });
          assert.deepEqual(uncounted.entries, some);
          assert.ok(left === 0 || uncounted.remaining > 0, `${left} more at ${JSON.stringify(page)}`);
        }
      }
    }
    await assert.rejects(store.list("", { revision: store.revision + 1 }), FutureRevisionError);
    await store.compact(100);
    await assert.rejects(store.list("", { revision: 99 }), CompactedError);
    await assert.rejects(store.get("/k1", { revision: 99 }), CompactedError);
    for (const revision of [100, 101, 150, store.revision]) {
      const { entries } = await store.list("/k", { revision });
      assert.deepEqual(new Map(entries.map((entry) => [entry.key, text(entry.value)])), past[revision]);
    }
  });

  it("a watch tells every change of its prefix once, in order, from where it was asked to", async (store) => {
    using early = store.watch("/a", { after: 1 });
    await store.put("/a1", bytes("1"), { expected: 0 });
    await store.put("/b", bytes("1"), { expected: 0 });
    await store.put("/a1", bytes("2"), { expected: 2 });
    using late = store.watch("/a", { after: 2 });
    await store.delete("/a1", { expected: 4 });
    await store.put("/a1", bytes("3"), { expected: 0 });
    const all = ["create /a1=1@2", "put /a1=2@4", "delete /a1@5", "create /a1=3@6"];
    assert.deepEqual((await take(early, 4)).map(show), all);
    assert.deepEqual((await take(late, 3)).map(show), all.slice(1));
  });

  it("a watch from the future says nothing about the changes until there", async (store) => {
    using watch = store.watch("", { after: 3 });
    for (const key of ["/a", "/b", "/c"]) await store.put(key, bytes(""), { expected: 0 });
    assert.deepEqual((await take(watch, 1)).map(show), ["create /c=@4"]);
  });

  it("a watch has its change before the writer is told", async (store) => {
    using watch = store.watch("", { after: 1 });
    const order: string[] = [];
    const watching = watch[Symbol.asyncIterator]().next().then(() => order.push("watched"));
    await store.put("/a", bytes(""), { expected: 0 }).then(() => order.push("written"));
    await watching;
    assert.deepEqual(order, ["watched", "written"]);
  });

  it("a watch ends when it is disposed, aborted, or too slow", async (store) => {
    const abort = new AbortController();
    const aborted = store.watch("", { after: 1, signal: abort.signal });
    const disposed = store.watch("", { after: 1 });
    const slow = store.watch("", { after: 1 });
    const ends = [take(aborted, 1), take(disposed, 1)];
    abort.abort();
    disposed[Symbol.dispose]();
    assert.deepEqual(await Promise.all(ends), [[], []]);
    for (let i = 0; i < 8; i++) await store.put(`/k${i}`, bytes(""), { expected: 0 });
    assert.equal((await take(slow, 100)).length, 5);
    assert.throws(() => store.watch("", { after: 1, signal: abort.signal }), { name: "AbortError" });
  }, { backlogMax: 5 });

  it("a forgotten past cannot be watched, what came after it can", async (store) => {
    for (let i = 0; i < 10; i++) await store.put(`/k${i}`, bytes(""), { expected: 0 });
    await store.delete("/k0", { expected: 2 });
    await store.compact(6);
    assert.throws(() => store.watch("", { after: 5 }), CompactedError);
    using watch = store.watch("", { after: 6 });
    assert.deepEqual((await take(watch, 6)).map(revisionOfChange), [7, 8, 9, 10, 11, 12]);
    assert.equal((await store.list("")).entries.length, 9);
    await store.compact(12);
    assert.equal((await store.list("")).entries.length, 9);
    await store.put("/k0", bytes("again"), { expected: 0 });
    using last = store.watch("", { after: 12 });
    assert.deepEqual((await take(last, 1)).map(show), ["create /k0=again@13"]);
    await assert.rejects(store.compact(99), FutureRevisionError);
  });

  it("an aborted call is refused", async (store) => {
    const signal = AbortSignal.abort();
    await assert.rejects(store.get("/a", { signal }), { name: "AbortError" });
    await assert.rejects(store.list("", { signal }), { name: "AbortError" });
    await assert.rejects(store.put("/a", bytes(""), { expected: 0, signal }), { name: "AbortError" });
    await assert.rejects(store.delete("/a", { expected: 0, signal }), { name: "AbortError" });
    assert.equal(store.revision, 1);
  });

  it("histories of concurrent clients are linearizable, and watches agree with them", async (store) => {
    const seed = Number(process.env["KEELSON_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0]);
    const context = `KEELSON_SEED=${seed}`;
    const operations = await concurrentHistory(store, seed);
    assert.deepEqual(checkHistory(operations), [], context);

    using replay = store.watch("", { after: 1 });
    const changes = await take(replay, store.revision - 1);
    assert.deepEqual(changes.map(revisionOfChange), Array.from({ length: store.revision - 1 }, (_, i) => i + 2), context);
    const written = operations.filter((operation) => operation.is === "write").toSorted((a, b) => a.revision - b.revision);
    assert.deepEqual(changes.map((change) => [keyOfChange(change), revisionOfChange(change)]), written.map(({ key, revision }) => [key, revision]), context);
  });
}

/** Some clients read and write a few keys at once; each call is noted with the moments at which it began and ended. */
async function concurrentHistory(store: Store, seed: number): Promise<Operation[]> {
  const operations: Operation[] = [];
  let moment = 0;
  const client = async (random: () => number): Promise<void> => {
    const known = new Map<string, number>();
    for (let i = 0; i < 40; i++) {
      const key = `/k${Math.floor(random() * 4)}`;
      const [expected, kind, began] = [known.get(key) ?? 0, random(), moment++];
      if (kind < 0.25) {
        const entry = await store.get(key);
        operations.push({ is: "read", key, revision: entry?.revision ?? 0, began, ended: moment++ });
        known.set(key, entry?.revision ?? 0);
      } else if (kind < 0.35) {
        const { entries, revision } = await store.list("/k");
        operations.push({ is: "list", revisions: new Map(entries.map((entry) => [entry.key, entry.revision])), revision, began, ended: moment++ });
      } else {
        const remove = kind > 0.85;
        try {
          const revision = await (remove ? store.delete(key, { expected }) : store.put(key, bytes(`${seed}-${i}`), { expected }));
          operations.push({ is: "write", key, expected, revision, remove, began, ended: moment++ });
          known.set(key, remove ? 0 : revision);
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error;
          operations.push({ is: "read", key, revision: error.actual, began, ended: moment++ });
          known.set(key, error.actual);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, i) => client(seeded(seed + i))));
  return operations;
}
