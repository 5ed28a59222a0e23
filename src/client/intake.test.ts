import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../apimachinery/object.ts";
import { seededRandom } from "../stdx/random.ts";
import { Cache, type Change } from "./cache.ts";

const many = 300;
const object = (name: string, uid: string, resourceVersion: number): KubeObject => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default", uid, resourceVersion: String(resourceVersion) } });
const shown = (change: KubeObject | undefined) => (change ? `${change.metadata.name}/${change.metadata.uid}@${change.metadata.resourceVersion}` : "nothing");
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function filled(): Cache<KubeObject> {
  const cache = new Cache<KubeObject>();
  cache.replace(Array.from({ length: many }, (_, number) => object(`pod-${number}`, `${number}`, number + 1)), String(many));
  return cache;
}

/** Holds what it was told, and refuses what does not follow from that. */
class Follower {
  readonly knows = new Map<string, string>();
  readonly hear = ({ previous, next }: Change<KubeObject>): void => {
    const name = (next ?? previous)?.metadata.name ?? "";
    assert.equal(this.knows.get(name) ?? "nothing", shown(previous && { ...previous, metadata: { ...previous.metadata, ...(next ? {} : { resourceVersion: /@(.*)/.exec(this.knows.get(name) ?? "")?.[1] ?? "never heard of" }) } }), name);
    if (next) this.knows.set(name, shown(next));
    else this.knows.delete(name);
  };
}
const present = (cache: Cache<KubeObject>) => new Map(cache.list().map((each) => [each.metadata.name ?? "", shown(each)]));

test("many are told bit by bit, few at once", async () => {
  const cache = filled();
  const follower = new Follower();
  const following = cache.follow(follower.hear);
  assert.equal(follower.knows.size, 0);
  await nextTurn();
  assert.ok(follower.knows.size < many, `${follower.knows.size} in one turn`);
  await following.told;
  assert.deepEqual(follower.knows, present(cache));

  const few = new Cache<KubeObject>();
  few.apply("ADDED", object("a", "1", 1));
  const other = new Follower();
  using _ = few.follow(other.hear);
  assert.equal(other.knows.size, 1);
});

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
test(`whoever comes when, and whatever changes meanwhile, hears a story without gaps (SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const cache = filled();
  const followers: { readonly follower: Follower; readonly told: Promise<void> }[] = [];
  let revision = many;
  for (let turn = 0; turn < 60; turn++) {
    if (turn % 7 === 0) {
      const follower = new Follower();
      followers.push({ follower, told: cache.follow(follower.hear).told });
    }
    for (let count = random.below(20); count > 0; count--) {
      const name = `pod-${random.below(many + 50)}`;
      const known = cache.get(`default/${name}`);
      revision++;
      const chance = random.below(4);
      if (!known) cache.apply("ADDED", object(name, `${revision}`, revision));
      else if (chance === 0) cache.apply("DELETED", { ...known, metadata: { ...known.metadata, resourceVersion: String(revision) } });
      // Deleted and made again, of which only the last is heard.
      else if (chance === 1) cache.apply("MODIFIED", object(name, `${revision}`, revision));
      else cache.apply("MODIFIED", object(name, known.metadata.uid ?? "", revision));
    }
    await nextTurn();
  }
  await Promise.all(followers.map(({ told }) => told));
  for (const { follower } of followers) assert.deepEqual(follower.knows, present(cache));
});

test("one who leaves in the middle is told no more; one who fails is, alone", async () => {
  const cache = filled();
  const [leaver, stayer] = [new Follower(), new Follower()];
  const leaving = cache.follow(leaver.hear);
  const staying = cache.follow(stayer.hear);
  const failed = assert.rejects(cache.follow(({ next }) => {
    if (next?.metadata.name === "pod-5") throw new Error("no fives");
  }).told, /no fives/);
  await nextTurn();
  leaving[Symbol.dispose]();
  const knew = leaver.knows.size;
  await leaving.told;
  await failed;
  await staying.told;
  assert.equal(leaver.knows.size, knew);
  assert.equal(stayer.knows.size, many);
});
