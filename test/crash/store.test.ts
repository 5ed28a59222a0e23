import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";

const seed = Number(process.env["KEELSON_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const kills = Number(process.env["KEELSON_STORE_KILLS"] ?? 80);
const killAfterLinesMax = 500;

/** All whole lines that a process said until it was killed, which is after `lines` of them. */
async function runAndKill(args: readonly string[], lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "store-writer.ts"), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  try {
    const ended = Promise.all([once(child, "exit"), child.stderr.toArray()]);
    let output = "";
    let count = 0;
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      output += chunk as string;
      count += (chunk as string).split("\n").length - 1;
      if (!child.killed && count > lines) child.kill("SIGKILL");
    }
    const [[, killedBy], complaint] = await ended;
    assert.equal(killedBy, "SIGKILL", complaint.join(""));
    // The last line may have been cut off by the kill.
    return output.split("\n").slice(0, -1);
  } finally {
    child.kill("SIGKILL");
  }
}

test(`a store that is killed ${kills} times under writers, a watcher and compaction keeps what it acknowledged (KEELSON_SEED=${seed})`, { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-crash-store-"));
  const path = join(folder, "state.db");
  const random = seededRandom(seed);
  /** By revision, "put KEY" or "delete KEY". */
  const acknowledged = new Map<number, string>();
  const seen = new Map<number, string>();
  const keys = new Map<string, number>();
  let watched = 1;
  try {
    for (let round = 0; round < kills; round++) {
      const latest = Math.max(1, ...[...acknowledged.keys()].slice(-50));
      for (const line of await runAndKill([path, String(round), String(watched), String(random.below(2 ** 31))], random.below(killAfterLinesMax))) {
        const [word, ...rest] = line.startsWith("saw ") ? ["saw", ...line.slice(4).split(" ")] : ["", ...line.split(" ")];
        const [kind = "", key = "", revisionText = ""] = rest;
        const revision = Number(revisionText);
        if (word === "saw") {
          assert.equal(revision, watched + 1, `the watch leapt from ${watched}: ${line}`);
          watched = revision;
          seen.set(revision, `${kind} ${key}`);
        } else {
          assert.ok(revision > latest && !acknowledged.has(revision), `after ${latest}: ${line}`);
          acknowledged.set(revision, `${kind} ${key}`);
          keys.set(key, kind === "put" ? revision : 0);
        }
      }
    }
    await using store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    using watch = store.watch("", { after: watched });
    if (store.revision > watched) {
      for await (const change of watch) {
        seen.set(++watched, change.type === "put" ? `put ${change.entry.key}` : `delete ${change.key}`);
        if (watched === store.revision) break;
      }
    }
    for (const [revision, what] of acknowledged) assert.equal(seen.get(revision), what, `revision ${revision}`);

    const { entries } = await store.list("");
    const present = new Map(entries.map(({ key, revision }) => [key, revision]));
    for (const [key, revision] of keys) {
      // A deletion that was not acknowledged may have been done.
      const deleted = present.get(key) === undefined && [...seen.values()].includes(`delete ${key}`);
      if (!deleted) assert.equal(present.get(key) ?? 0, revision, key);
    }
    for (const { key, revision, value } of entries) {
      assert.equal(seen.get(revision), `put ${key}`, "nothing is there that was not written");
      assert.equal(Buffer.from(value).toString().replaceAll(key, ""), "");
    }
    assert.ok(acknowledged.size > kills, `${acknowledged.size} acknowledged`);
    console.log(`${kills} kills: ${acknowledged.size} acknowledged, ${seen.size} seen by the watcher, in order and without a gap; ${entries.length} present`);
  } catch (error) {
    throw new Error(`KEELSON_SEED=${seed}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
