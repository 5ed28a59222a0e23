import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apimachinery/object.ts";
import { seededRandom } from "../../stdx/random.ts";
import { CacheEntry, StoredForm } from "./cache-entry.ts";
import { Slabs, type Slab, type Tenant } from "./slabs.ts";

class Text implements Tenant {
  readonly text: string;
  slab: Slab | undefined;
  at = 0;
  left = false;
  moves = 0;
  constructor(text: string) {
    this.text = text;
  }
  get byteLength(): number {
    return this.text.length;
  }
  livesIn(slab: Slab): boolean {
    return this.slab === slab && !this.left;
  }
  moved(slab: Slab, at: number): void {
    [this.slab, this.at] = [slab, at];
    this.moves++;
  }
  copyTo(target: Buffer, at: number): void {
    if (this.slab) this.slab.bytes.copy(target, at, this.at, this.at + this.byteLength);
    else target.write(this.text, at, "latin1");
  }
  get read(): string {
    return this.slab?.bytes.toString("latin1", this.at, this.at + this.byteLength) ?? this.text;
  }
  leave(slabs: Slabs): void {
    this.left = true;
    if (this.slab) slabs.leave(this.slab, this.byteLength);
  }
}

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
test(`whoever comes and goes, all find their bytes, in no more slabs than twice what they need (SEED=${seed})`, () => {
  const random = seededRandom(seed);
  const slabs = new Slabs({ slabBytes: 1_000 });
  const present: Text[] = [];
  const past: Text[] = [];
  for (let step = 0; step < 5_000; step++) {
    if (present.length < 100 || random.below(2) === 0) {
      const text = new Text(String(step).padEnd(1 + random.below(300), "."));
      slabs.add(text);
      present.push(text);
    } else {
      const [gone] = present.splice(random.below(present.length), 1);
      gone?.leave(slabs);
      if (gone && random.below(10) === 0) past.push(gone);
    }
    if (present.length > 200) for (const gone of present.splice(0, 150)) gone.leave(slabs);
  }
  for (const text of [...present, ...past]) assert.equal(text.read, text.text);
  const live = present.filter(({ slab }) => slab).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const used = new Set(present.map(({ slab }) => slab).filter((slab) => slab !== undefined)).size * 1_000;
  // What is too short for the end of a slab is left empty there: at most a quarter of it.
  assert.ok(used <= (live / (0.5 * 0.75)) + 2_000, `${live} bytes lie in ${used}`);
  assert.ok(present.some(({ moves }) => moves > 1));
});

test("what is large keeps memory of its own", () => {
  const slabs = new Slabs({ slabBytes: 1_000 });
  const [small, large] = [new Text("x".repeat(250)), new Text("x".repeat(251))];
  for (const text of [small, large]) slabs.add(text);
  assert.deepEqual([small.slab !== undefined, large.slab !== undefined], [true, false]);
});

test("an entry is served and read the same in a slab, after it was moved, and when it is past", () => {
  const form = new StoredForm({ group: "", version: "v1", kind: "ConfigMap" });
  const slabs = new Slabs({ slabBytes: 1_000 });
  const object = (name: string): KubeObject => ({ kind: "ConfigMap", apiVersion: "v1", metadata: { name }, data: { text: `${name} äöü` } }) as KubeObject;
  const entries = Array.from({ length: 40 }, (_, number) => new CacheEntry(form, `${number}`, number + 1, form.encode(object(`name-${number}`))));
  const check = (entry: CacheEntry) => {
    const whole = { ...object(`name-${entry.key}`), metadata: { resourceVersion: String(entry.revision), name: `name-${entry.key}` } };
    const text = JSON.stringify(whole);
    assert.equal(entry.jsonLine.toString(), `${text}\n`);
    assert.equal(entry.json.toString(), text);
    assert.equal(entry.jsonItem.toString(), text.slice(text.indexOf('"metadata"')));
    entry.forgetParsed();
    assert.deepEqual(entry.object, whole);
    assert.equal(entry.byteLength, entry.jsonLine.length);
  };
  for (const entry of entries) check(entry); // Not settled yet, but seen.
  const settled = entries.map(({ key, revision }) => new CacheEntry(form, key, revision, form.encode(object(`name-${key}`))));
  for (const entry of settled) entry.settle(slabs);
  for (const entry of settled) check(entry);
  const held = settled.map(({ jsonLine }) => jsonLine);
  for (const [index, entry] of settled.entries()) if (index % 3 > 0) entry.unsettle(slabs);
  for (const entry of settled) check(entry);
  assert.deepEqual(held.map((line) => line.toString()), settled.map(({ jsonLine }) => jsonLine.toString()));
});
