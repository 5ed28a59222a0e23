import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import type { Frame } from "../../storage/snapshot/frames.ts";
import { openSnapshot, writeSnapshot } from "../../storage/snapshot/snapshot-file.ts";
import { openSqliteStore } from "../../storage/sqlite/sqlite-store.ts";
import { commitState, finishReplacement, nextStateFile } from "../state-file.ts";
import { replaceState } from "./replace-state.ts";

const signal = new AbortController().signal;
const open = (path: string) => openSqliteStore({ path, clock: systemClock, log: silentLog });
const bytes = (text: string): Uint8Array => Buffer.from(text);

interface Place extends Disposable {
  readonly state: string;
  readonly snapshot: string;
}

/** A store at revision 1 + `changes`, and a snapshot with other content at revision 50. */
async function place(changes: number, entries = 20): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-restore-"));
  const state = join(folder, "state.db");
  {
    await using store = await open(state);
    for (let i = 0, expected = 0; i < changes; i++) expected = await store.put("/old", bytes(String(i)), { expected });
  }
  const frames: Frame[] = Array.from({ length: entries }, (_, i): Frame => ({ is: "entry", entry: { key: `/new/${i}`, revision: 2 + ((i * 7) % 47), value: bytes(`value ${i}`) } }));
  await writeSnapshot(join(folder, "snapshot"), (async function* () { yield [...frames, { is: "end", revision: 50 } as const]; })(), {}, { signal, unique: "test" });
  return { state, snapshot: join(folder, "snapshot"), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** What a server would find. */
async function found(state: string): Promise<{ readonly what: "old" | "new"; readonly revision: number }> {
  finishReplacement(state);
  await using store = await open(state);
  const keys = (await store.list("")).entries.map(({ key }) => key);
  if (keys.length === 1 && keys[0] === "/old") return { what: "old", revision: store.revision };
  assert.equal(keys.filter((key) => key.startsWith("/new/")).length, keys.length);
  assert.equal(keys.length, 20);
  return { what: "new", revision: store.revision };
}

test("a restored state lies beyond everything that the old one and the snapshot gave out", async () => {
  for (const [changes, revision] of [[10, 50], [200, 201]] as const) {
    using here = await place(changes);
    await using snapshot = await openSnapshot(here.snapshot, { signal });
    const replaced = await replaceState(here.state, snapshot);
    assert.deepEqual(replaced, { count: 20, revision: revision + 20 });
    assert.deepEqual(await found(here.state), { what: "new", revision: revision + 20 });
    assert.deepEqual(readdirSync(join(here.state, "..")).filter((name) => /next|complete|wal/.test(name)), []);
  }
});

test("a state that another process has open is not touched", async () => {
  using here = await place(3);
  const holder = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", `
    const db = new (require("node:sqlite").DatabaseSync)(process.argv[1]);
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    console.log("held"); process.stdin.resume(); process.stdin.on("end", () => process.exit());`, here.state], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(holder.stdout, "data");
    await using snapshot = await openSnapshot(here.snapshot, { signal });
    await assert.rejects(replaceState(here.state, snapshot), /is in use by another process/);
  } finally {
    const ended = once(holder, "exit");
    holder.stdin.end();
    await ended;
  }
  assert.deepEqual(await found(here.state), { what: "old", revision: 4 });
});

test("a state that is damaged is replaced all the same, and kept aside", async () => {
  using here = await place(3);
  writeFileSync(here.state, Buffer.alloc(20_000, "no database"));
  await using snapshot = await openSnapshot(here.snapshot, { signal });
  const { revision, damaged } = await replaceState(here.state, snapshot);
  assert.ok(revision > 1_000_000_000);
  assert.equal(damaged?.path, `${here.state}.damaged`);
  assert.ok(existsSync(`${here.state}.damaged`));
  assert.equal((await found(here.state)).what, "new");
});

test("a crash between any two steps leaves the old state or the new one", async () => {
  using here = await place(3);
  await using snapshot = await openSnapshot(here.snapshot, { signal });
  // The new file as it is before its commit, made by a restore of something else.
  const made = join(here.state, "..", "made");
  mkdirSync(made);
  await replaceState(join(made, "state.db"), snapshot);
  const lying = (name: string): string => `${here.state}${name}`;
  const fresh = (): void => copyFileSync(join(made, "state.db"), nextStateFile(here.state));

  writeFileSync(nextStateFile(here.state), "half a file");
  assert.equal((await found(here.state)).what, "old", "while the new file is written");
  fresh();
  assert.equal((await found(here.state)).what, "old", "before the commit");
  fresh();
  writeFileSync(lying("-wal"), "the log of the old state, which must not be read for the new one");
  commitState(here.state);
  assert.equal((await found(here.state)).what, "new", "right after the commit");
  fresh();
  commitState(here.state);
  rmSync(lying("-wal"), { force: true });
  assert.equal((await found(here.state)).what, "new", "after the old log was removed");
  fresh();
  commitState(here.state);
  renameSync(lying(".complete"), here.state);
  for (const suffix of ["-wal", "-mark"]) rmSync(lying(suffix), { force: true });
  assert.equal((await found(here.state)).what, "new", "after the last step");
});

test("killed at any moment, it leaves the old state or the new one", { timeout: 60_000 }, async () => {
  const seed = Number(process.env["KEELSON_SEED"] ?? 1 + (Date.now() % 1e6));
  const random = seededRandom(seed);
  const seen = { old: 0, new: 0 };
  const script = `
    import { replaceState } from ${JSON.stringify(new URL("./replace-state.ts", import.meta.url).href)};
    import { openSnapshot } from ${JSON.stringify(new URL("../../storage/snapshot/snapshot-file.ts", import.meta.url).href)};
    const snapshot = await openSnapshot(process.argv[2], { signal: new AbortController().signal });
    console.log("begins");
    await replaceState(process.argv[1], snapshot);
    console.log("done");
    setInterval(() => {}, 1000);`;
  for (let round = 0; round < 12; round++) {
    using here = await place(3);
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script, here.state, here.snapshot], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    const done = once(child.stdout, "data");
    // Most of the work takes some ten milliseconds; some rounds are let through to their end.
    await Promise.race([done, systemClock.sleep(random.below(60), { signal })]);
    child.kill("SIGKILL");
    await exited;
    const { what, revision } = await found(here.state);
    seen[what]++;
    assert.equal(revision, what === "old" ? 4 : 70, `seed ${seed}, round ${round}`);
  }
  assert.equal(seen.old + seen.new, 12);
});
