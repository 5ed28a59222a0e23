import assert from "node:assert/strict";

/** What one write made of a name. Each write has a token of its own, which it stores, and each name is created once. */
export interface Fact {
  readonly name: string;
  readonly token: string;
}
export interface Item extends Fact {
  readonly revision: number;
}

/** What the writers know: what they tried, what was acknowledged, and what each name is at. */
export class Model {
  /** By revision. */
  readonly acknowledged = new Map<number, Fact>();
  readonly deleted = new Set<string>();
  /** What a name is at; undefined once it is known to be gone. A name whose last write was not answered is in `open` as well. */
  readonly present = new Map<string, Item>();
  /** Writes without an answer: what the name may hold instead; undefined when it may be gone. */
  readonly open = new Map<string, string | undefined>();
  readonly #tried = new Map<string, string>();
  #latest = 0;

  tried(token: string, name: string): void {
    this.#tried.set(token, name);
  }

  wrote(item: Item): void {
    assert.ok(!this.acknowledged.has(item.revision), `revision ${item.revision} was given twice`);
    this.acknowledged.set(item.revision, item);
    this.present.set(item.name, item);
    this.#latest = Math.max(this.#latest, item.revision);
  }

  /** The latest revision that was acknowledged. */
  get latest(): number {
    return this.#latest;
  }

  /** Compares a list with what must be there, and learns from it what became of the writes without an answer. */
  check(items: readonly Item[], listRevision: number): void {
    assert.ok(listRevision >= this.#latest, `the list is at ${listRevision}, but ${this.#latest} was acknowledged`);
    const found = new Map(items.map((item) => [item.name, item]));
    for (const [name, expected] of this.present) {
      const item = found.get(name);
      if (this.open.has(name) && item?.revision !== expected.revision) assert.equal(item?.token, this.open.get(name), `${name}: neither what was acknowledged nor what was tried after it`);
      else assert.deepEqual(item, expected, `${name} was acknowledged`);
    }
    for (const item of items) {
      assert.equal(this.#tried.get(item.token), item.name, `${item.name} holds what nobody wrote`);
      assert.ok(!this.deleted.has(item.name), `${item.name} is there again after its deletion was acknowledged`);
      assert.ok(this.present.has(item.name) || this.open.has(item.name), `${item.name} was not written`);
      this.present.set(item.name, item);
    }
    for (const name of this.open.keys()) if (!found.has(name)) this.present.delete(name);
    this.open.clear();
  }

  checkSeen({ name, token, revision }: Item): void {
    assert.equal(this.#tried.get(token), name, `${name} was seen with what nobody wrote`);
    const fact = this.acknowledged.get(revision);
    if (fact) assert.deepEqual({ name: fact.name, token: fact.token }, { name, token }, `revision ${revision}`);
  }
}

/** What one watcher was told, over all restarts. */
export class Seen {
  readonly startedAt: number;
  readonly revisions = new Set<number>();
  readonly deleted = new Set<string>();
  readonly state = new Map<string, Item>();
  /** Between these revisions it was not told each change, but got a list: the server no longer remembered. */
  readonly gaps: (readonly [number, number])[] = [];
  #latest: number;

  constructor(items: readonly Item[], revision: number) {
    this.startedAt = this.#latest = revision;
    for (const item of items) this.state.set(item.name, item);
  }

  get latest(): number {
    return this.#latest;
  }

  event(type: string, item: Item, model: Model): void {
    assert.ok(item.revision > this.#latest, `${type} ${item.name} at ${item.revision} came after revision ${this.#latest}`);
    this.#latest = item.revision;
    const before = this.state.get(item.name);
    if (type === "DELETED") {
      assert.ok(before, `${item.name} went without having been there`);
      assert.equal(item.token, before.token, `${item.name} was something else when it went`);
      this.state.delete(item.name);
      this.deleted.add(item.name);
    } else {
      assert.equal(type, before ? "MODIFIED" : "ADDED", `${item.name} at ${item.revision}`);
      model.checkSeen(item);
      this.revisions.add(item.revision);
      this.state.set(item.name, item);
    }
  }

  relisted(items: readonly Item[], revision: number): void {
    assert.ok(revision >= this.#latest, `a list at ${revision} after revision ${this.#latest}`);
    this.gaps.push([this.#latest, revision]);
    this.#latest = revision;
    this.state.clear();
    for (const item of items) this.state.set(item.name, item);
  }

  /** Everything that was acknowledged has been seen, and the end is what the server says it is. */
  checkComplete(model: Model, items: readonly Item[]): void {
    for (const [revision, { name }] of model.acknowledged) {
      if (revision <= this.startedAt || this.gaps.some(([from, to]) => revision > from && revision <= to)) continue;
      assert.ok(this.revisions.has(revision), `revision ${revision} (${name}) was acknowledged, but not watched`);
    }
    if (this.gaps.length === 0) for (const name of model.deleted) assert.ok(this.deleted.has(name), `the deletion of ${name} was acknowledged, but not watched`);
    const byName = (a: Item, b: Item): number => (a.name < b.name ? -1 : 1);
    assert.deepEqual([...this.state.values()].toSorted(byName), items.toSorted(byName));
  }
}
