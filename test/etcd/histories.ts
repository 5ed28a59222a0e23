import assert from "node:assert/strict";
import { checkHistory, type Operation } from "../../src/storage/linearizable.ts";
import { ConflictError, keyOfChange, OutcomeUnknownError, revisionOfChange, UnavailableError, type Change, type Revision, type Store } from "../../src/storage/store.ts";
import { bytes, seeded, take, text } from "../../src/storage/suite.ts";
import { systemClock } from "../../src/stdx/clock.ts";

const keys = 5;
const prefix = "/registry/history/";

type Write = Extract<Operation, { readonly is: "write" }>;

/** A write whose answer was lost: it may have happened at any time after its beginning, or never. */
interface Lost { readonly key: string; readonly expected: Revision; readonly value: string; readonly remove: boolean; readonly began: number }

/**
 * Clients that read and write a few keys, each through a store of its own, for as long as they are let; what each saw and when is noted. At the end
 * all of it must fit into one order, the one that etcd tells, in which nothing that was acknowledged is missing and nothing old was shown.
 */
export class Histories implements AsyncDisposable {
  readonly #stores: readonly Store[];
  readonly #begin: Revision;
  readonly #seed: number;
  readonly #stop = new AbortController();
  readonly #operations: Operation[] = [];
  readonly #lost: Lost[] = [];
  readonly #running: readonly Promise<void>[];
  #moment = 0;
  /** Calls that said that they could not be done. */
  unavailable = 0;

  constructor(stores: readonly Store[], seed: number) {
    this.#stores = stores;
    this.#begin = Math.max(...stores.map(({ revision }) => revision));
    this.#seed = seed;
    this.#running = stores.flatMap((store, index) => [0, 1].map((each) => this.#client(store, index, 2 * index + each)));
  }

  /** How many writes were acknowledged to each store so far. */
  readonly acknowledged: number[] = [];

  /** Resolves when each store has acknowledged so many more writes. */
  async works(more: number): Promise<void> {
    const targets = this.#stores.map((_, index) => (this.acknowledged[index] ?? 0) + more);
    while (targets.some((target, index) => (this.acknowledged[index] ?? 0) < target)) await Promise.race([systemClock.sleep(10, { signal: this.#stop.signal }), ...this.#running]);
  }

  async #client(store: Store, index: number, number: number): Promise<void> {
    const random = seeded(this.#seed + number);
    const known = new Map<string, Revision>();
    for (let i = 0; !this.#stop.signal.aborted; i++) {
      await systemClock.sleep(random() * 8, { signal: this.#stop.signal }).catch(() => undefined);
      try {
        if (await this.#step(store, random, known, `${number}-${i}`)) this.acknowledged[index] = (this.acknowledged[index] ?? 0) + 1;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        this.unavailable++;
      }
    }
  }

  /** True for a write that was acknowledged. */
  async #step(store: Store, random: () => number, known: Map<string, Revision>, value: string): Promise<boolean> {
    const key = `${prefix}${Math.floor(random() * keys)}`;
    const [expected, kind, began] = [known.get(key) ?? 0, random(), this.#moment++];
    const seen = (revision: Revision): boolean => {
      this.#operations.push({ is: "read", key, revision, began, ended: this.#moment++ });
      known.set(key, revision);
      return false;
    };
    if (kind < 0.3) return seen((await store.get(key))?.revision ?? 0);
    if (kind < 0.4) {
      const { entries, revision } = await store.list(prefix);
      this.#operations.push({ is: "list", revisions: new Map(entries.map((entry) => [entry.key, entry.revision])), revision, began, ended: this.#moment++ });
      return false;
    }
    const remove = kind > 0.85 && expected > 0;
    try {
      const revision = await (remove ? store.delete(key, { expected }) : store.put(key, bytes(value), { expected }));
      this.#operations.push({ is: "write", key, expected, revision, remove, began, ended: this.#moment++ });
      known.set(key, remove ? 0 : revision);
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return seen(error.actual);
      if (!(error instanceof OutcomeUnknownError)) throw error;
      this.#lost.push({ key, expected, value, remove, began });
      this.unavailable++;
      return false;
    }
  }

  /** Ends the clients and judges what they saw. Everything that was written under other keys since the beginning would be an error. */
  async check(): Promise<{ readonly operations: number; readonly lost: number; readonly lostButDone: number }> {
    this.#stop.abort();
    await Promise.all(this.#running);
    const [store] = this.#stores;
    assert.ok(store);
    const end = (await store.latest?.()) ?? store.revision;
    using replay = store.watch("", { after: this.#begin });
    const changes = await take(replay, end - this.#begin);
    const done = this.#doneOf(changes);
    const known = new Set([...this.#operations, ...done].flatMap((operation) => (operation.is === "write" ? [operation.revision] : [])));
    const strange = changes.filter((change) => !known.has(revisionOfChange(change))).map((change) => ({ ...change, ...(change.type === "put" && { value: text(change.entry.value) }) }));
    assert.deepEqual(strange, [], `seed ${this.#seed}: nobody wrote this; without an answer were ${JSON.stringify(this.#lost)}`);
    const shifted = [...this.#operations, ...done].map((operation) => this.#fromOne(operation));
    const context = `seed ${this.#seed}`;
    assert.deepEqual(checkHistory(shifted), [], context);
    const told = new Map(changes.map((change) => [revisionOfChange(change), keyOfChange(change)]));
    for (const operation of this.#operations) if (operation.is === "write") assert.equal(told.get(operation.revision), operation.key, `${context}: write ${operation.revision} was acknowledged`);
    return { operations: this.#operations.length, lost: this.#lost.length, lostButDone: done.filter(({ key }) => key.startsWith(prefix)).length };
  }

  /** Lost writes that etcd has done after all, known by what they replaced and with what. */
  #doneOf(changes: readonly Change[]): Write[] {
    const acknowledged = new Set(this.#operations.flatMap((operation) => (operation.is === "write" ? [operation.revision] : [])));
    const at = new Map<string, Revision>();
    // Of two that look the same the earlier one may have been it.
    const lostInOrder = this.#lost.toSorted((a, b) => a.began - b.began);
    return changes.flatMap((change): Write[] => {
      const [key, revision] = [keyOfChange(change), revisionOfChange(change)];
      const expected = at.get(key) ?? 0;
      at.set(key, change.type === "delete" ? 0 : revision);
      if (acknowledged.has(revision)) return [];
      // A store's own, which takes a revision and which nobody reads: as if nothing were removed.
      if (key.startsWith("/registry/keelson/")) return [{ is: "write", key, expected: 0, revision, remove: true, began: 0, ended: Infinity }];
      const mine = lostInOrder.find((lost) => lost.key === key && lost.expected === expected && lost.remove === (change.type === "delete") && (lost.remove || (change.type === "put" && text(change.entry.value) === lost.value)));
      return mine ? [{ is: "write", key, expected, revision, remove: mine.remove, began: mine.began, ended: Infinity }] : [];
    });
  }

  /** As if the store had been empty, and at revision 1, at the beginning. */
  #fromOne(operation: Operation): Operation {
    const from = (revision: Revision): Revision => (revision === 0 ? 0 : revision - this.#begin + 1);
    if (operation.is === "write") return { ...operation, revision: from(operation.revision), expected: from(operation.expected) };
    if (operation.is === "read") return { ...operation, revision: from(operation.revision) };
    return { ...operation, revision: from(operation.revision), revisions: new Map([...operation.revisions].map(([key, revision]) => [key, from(revision)])) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }
}
