import assert from "node:assert/strict";
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { seededRandom, type Random } from "../../stdx/random.ts";
import type { Change, Entry } from "../store.ts";
import { Database, type Write } from "./database.ts";
import { bytesMaxDefault } from "./protocol.ts";
import { DamagedError, RefusedError } from "./refused.ts";

const seed = Number(process.env["KEELSON_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const casesPerImage = Number(process.env["KEELSON_DAMAGES"] ?? 120);
const files = ["", "-wal", "-mark"] as const;
/** Flushes cost nothing there, and what is tried here is what files hold, not how they came to it. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const pageBytes = 4096;
const frameBytes = 24 + pageBytes;

const open = (path: string): Database => new Database({ path, bytesMax: bytesMaxDefault });

interface Contents {
  readonly revision: number;
  readonly compacted: number;
  readonly entries: readonly Entry[];
  readonly changes: readonly Change[];
  readonly past: readonly Entry[];
}

/** All that can be read out of a store. */
function contentsOf(database: Database): Contents {
  const { revision, compacted } = database;
  const all = { limit: 100_000, count: true };
  return {
    revision, compacted, entries: database.list("", all).entries, changes: database.changes("", compacted, 100_000).changes,
    past: database.list("", { ...all, revision: compacted }).entries,
  };
}

/** Puts, deletes and conflicts on a few hundred keys, in transactions of some writes each. */
class Writer {
  readonly #random: Random;
  readonly #revisions = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  write(database: Database, transactions: number): void {
    const random = this.#random;
    for (let i = 0; i < transactions; i++) {
      const byKey = new Map<string, Write>();
      for (let count = 1 + random.below(8); count > 0; count--) {
        const key = `/registry/${random.below(4) === 0 ? "leases" : "pods"}/default/name-${random.below(150)}`;
        const expected = this.#revisions.get(key) ?? 0;
        // Most are small; some need pages of their own.
        const value = expected > 0 && random.below(6) === 0 ? undefined : random.bytes(random.below(10) === 0 ? 4000 + random.below(9000) : random.below(900));
        byKey.set(key, { key, expected, ...(value && { value }) });
      }
      const writes = [...byKey.values()];
      for (const [index, outcome] of database.write(writes).entries()) {
        const { key = "", value } = writes[index] ?? {};
        assert.ok("revision" in outcome, `${key} conflicts`);
        this.#revisions.set(key, value ? outcome.revision : 0);
      }
    }
  }
}

const copy = (from: string, to: string): void => files.forEach((file) => {
  if (existsSync(from + file)) copyFileSync(from + file, to + file);
});

interface Image {
  readonly name: string;
  readonly path: string;
  /** The same store some time before. */
  readonly olderPath: string;
  readonly contents: Contents;
}

/** As a killed process leaves it: copied while it is open, which is what the kernel has of it. The log has been begun anew a few times. */
function makeImage(folder: string, name: string, random: Random, { closed, compactions }: { readonly closed: boolean; readonly compactions: number }): Image {
  const [live, path, olderPath] = ["live", "image", "older"].map((part) => join(folder, `${name}-${part}.db`)) as [string, string, string];
  const database = open(live);
  const writer = new Writer(random);
  writer.write(database, 40);
  for (let i = 0; i < compactions; i++) {
    database.compactStep(database.revision - 20);
    database.giveSpaceBack();
    writer.write(database, 30);
  }
  copy(live, olderPath);
  writer.write(database, 25);
  const contents = contentsOf(database);
  if (!closed) copy(live, path);
  database.close();
  if (closed) copy(live, path);
  return { name, path, olderPath, contents };
}

type Damage = (bytes: Buffer, random: Random, older: Buffer, unit: number) => Buffer | undefined;

/** Starts of the pages of a file, or of the frames of a log. */
const unitAt = (bytes: Buffer, random: Random, unit: number): number => {
  const head = unit === frameBytes ? 32 : 0;
  return head + unit * random.below(Math.max(1, Math.floor((bytes.length - head) / unit)));
};
/** Writes over what lies there, as far as there is something. */
const overwrite = (bytes: Buffer, at: number, by: Buffer): Buffer => {
  if (at < bytes.length) bytes.set(by.subarray(0, bytes.length - at), at);
  return bytes;
};
const damages: Readonly<Record<string, Damage>> = {
  "cut off anywhere": (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  "cut off at a page": (bytes, random, _, unit) => bytes.subarray(0, unitAt(bytes, random, unit)),
  "removed": () => undefined,
  "a bit flipped": (bytes, random) => {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return bytes;
  },
  "a bit flipped in the head": (bytes, random) => {
    const at = random.below(Math.min(bytes.length, 100));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    return bytes;
  },
  "some bytes written over": (bytes, random) => overwrite(bytes, random.below(bytes.length), Buffer.from(random.bytes(1 + random.below(64)))),
  "a torn page, half of it older": (bytes, random, older, unit) => {
    const at = unitAt(bytes, random, unit);
    return overwrite(bytes, at + unit / 2, older.subarray(at + unit / 2, at + unit));
  },
  "a torn page, half of it zeros": (bytes, random, _, unit) => {
    const at = unitAt(bytes, random, unit);
    return bytes.fill(0, Math.min(bytes.length, at + unit / 2), Math.min(bytes.length, at + unit));
  },
  "a page of earlier": (bytes, random, older, unit) => {
    const at = unitAt(bytes, random, unit);
    return overwrite(bytes, at, older.subarray(at, at + unit));
  },
  "a page of zeros": (bytes, random, _, unit) => {
    const at = unitAt(bytes, random, unit);
    return bytes.fill(0, at, Math.min(bytes.length, at + unit));
  },
  "two pages swapped": (bytes, random, _, unit) => {
    const [a, b] = [unitAt(bytes, random, unit), unitAt(bytes, random, unit)];
    const [first, second] = [Buffer.from(bytes.subarray(a, a + unit)), Buffer.from(bytes.subarray(b, b + unit))];
    return overwrite(overwrite(bytes, a, second), b, first);
  },
  "a page twice": (bytes, random, _, unit) => {
    const [a, b] = [unitAt(bytes, random, unit), unitAt(bytes, random, unit)];
    return overwrite(bytes, a, Buffer.from(bytes.subarray(b, b + unit)));
  },
  "garbage behind its end": (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(3 * pageBytes))]),
  "the whole file of earlier": (_, __, older) => older,
};

const bytesOf = (path: string): Buffer => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));

/** What becomes of a damaged store. @throws {AssertionError} when it is served as if nothing were wrong, and something is. */
function outcomeOf(path: string, expected: Contents): "harmless" | "reported" {
  let database: Database;
  try {
    database = open(path);
  } catch (error) {
    assert.ok(error instanceof RefusedError && error.message.includes(path), String(error));
    // Asked a second time, it is refused again: the first refusal has not mended it by forgetting.
    assert.throws(() => open(path), RefusedError, "the second time it is opened");
    return "reported";
  }
  try {
    assert.deepEqual(contentsOf(database), expected);
    database.write([{ key: "/registry/later", expected: 0, value: Buffer.from("later") }]);
  } finally {
    database.close();
  }
  const again = open(path);
  assert.equal(again.revision, expected.revision + 1);
  again.close();
  return "harmless";
}

test(`sqlite: damage is harmless or reported, whatever it is (KEELSON_SEED=${seed})`, () => {
  const folder = mkdtempSync(join(memory, "keelson-damage-"));
  try {
    const random = seededRandom(seed);
    const images = [
      makeImage(folder, "killed", random, { closed: false, compactions: 0 }),
      makeImage(folder, "killed after compactions", random, { closed: false, compactions: 3 }),
      makeImage(folder, "stopped", random, { closed: true, compactions: 2 }),
    ];
    const counts: Record<string, number> = { harmless: 0, reported: 0 };
    for (const image of images) {
      for (let i = 0; i < casesPerImage; i++) {
        const present = files.filter((file) => existsSync(image.path + file));
        const file = present[random.below(present.length)] ?? "";
        const names = Object.keys(damages);
        const name = names[random.below(names.length)] ?? "";
        const place = join(folder, "case");
        mkdirSync(place);
        const path = join(place, "state.db");
        copy(image.path, path);
        const older = bytesOf(image.olderPath + file);
        const damaged = damages[name]?.(bytesOf(path + file), random, older, file === "-wal" ? frameBytes : pageBytes);
        if (damaged) writeFileSync(path + file, damaged);
        else rmSync(path + file);
        try {
          const outcome = outcomeOf(path, image.contents);
          counts[outcome] = (counts[outcome] ?? 0) + 1;
        } catch (error) {
          throw new Error(`${image.name}, case ${i}: "${file === "" ? "the database" : file}", ${name}: KEELSON_SEED=${seed}`, { cause: error });
        }
        rmSync(place, { recursive: true });
      }
    }
    assert.ok((counts["harmless"] ?? 0) > casesPerImage / 20 && (counts["reported"] ?? 0) > casesPerImage / 2, JSON.stringify(counts));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test(`sqlite: what a power failure leaves of a commit that was not acknowledged is no damage (KEELSON_SEED=${seed})`, () => {
  const folder = mkdtempSync(join(memory, "keelson-power-"));
  try {
    const random = seededRandom(seed);
    for (let i = 0; i < casesPerImage; i++) {
      const place = join(folder, String(i));
      mkdirSync(place);
      const [live, path] = [join(place, "live.db"), join(place, "state.db")];
      const database = open(live);
      const writer = new Writer(random);
      writer.write(database, 12 + random.below(12));
      // Half of the time the log has been begun anew, so that frames of the round before lie behind its end.
      for (let round = 0; round < 3 && i % 2 === 0; round++) {
        database.giveSpaceBack();
        writer.write(database, 1 + random.below(3));
      }
      copy(live, path);
      const acknowledged = contentsOf(database);
      const log = readFileSync(`${path}-wal`);
      writer.write(database, 1);
      const complete = contentsOf(database);
      // Of the pages of the commit, any may be missing.
      const unflushed = readFileSync(`${live}-wal`);
      const left = Buffer.alloc(unflushed.length);
      log.copy(left);
      for (let at = 32; at < unflushed.length; at += 512) if (random.below(3) > 0) unflushed.copy(left, at, at, at + 512);
      // What was flushed before is all there.
      const end = commonLength(log, unflushed);
      log.copy(left, 0, 0, end);
      writeFileSync(`${path}-wal`, random.below(2) === 0 ? left : left.subarray(0, end + random.below(left.length - end + 1)));
      database.close();

      const opened = open(path);
      assert.deepEqual(contentsOf(opened), opened.revision === complete.revision ? complete : acknowledged, `case ${i}`);
      opened.close();
      rmSync(place, { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Up to where two logs agree, in whole frames. */
function commonLength(a: Buffer, b: Buffer): number {
  let end = 32;
  while (end + frameBytes <= Math.min(a.length, b.length) && a.subarray(end, end + frameBytes).equals(b.subarray(end, end + frameBytes))) end += frameBytes;
  return end;
}

test("sqlite: a refused store keeps its log, and is served when what was wrong is put right", () => {
  const folder = mkdtempSync(join(memory, "keelson-refused-"));
  try {
    const { path, contents } = makeImage(folder, "killed", seededRandom(seed), { closed: false, compactions: 1 });
    const log = readFileSync(`${path}-wal`);
    const damaged = Buffer.from(log);
    // In the last commit: the log alone cannot say that it was ever complete.
    damaged[log.length - 100] = (log.at(-100) ?? 0) ^ 1;
    writeFileSync(`${path}-wal`, damaged);
    assert.throws(() => open(path), /ends at revision \d+, but changes up to revision \d+ were acknowledged.*keelson snapshot restore/);
    assert.deepEqual(readFileSync(`${path}-wal`), damaged);
    writeFileSync(`${path}-wal`, log);
    const opened = open(path);
    assert.deepEqual(contentsOf(opened), contents);
    opened.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: each bit of the numbers of the format in the file's head, flipped, is harmless or reported", () => {
  const folder = mkdtempSync(join(memory, "keelson-head-"));
  try {
    for (const closed of [true, false]) {
      const { path, contents } = makeImage(folder, closed ? "stopped" : "killed", seededRandom(seed), { closed, compactions: 1 });
      const whole = readFileSync(path);
      // The versions for writing and for reading, one byte each.
      for (let bit = 18 * 8; bit < 20 * 8; bit++) {
        const place = join(folder, "case");
        mkdirSync(place);
        const other = join(place, "state.db");
        copy(path, other);
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(other, damaged);
        try {
          outcomeOf(other, contents);
        } catch (error) {
          throw new Error(`byte ${bit >> 3}, bit ${bit & 7}, ${closed ? "stopped" : "killed"}: KEELSON_SEED=${seed}`, { cause: error });
        }
        rmSync(place, { recursive: true });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: a row that changes on the disk while the store is open is not served", () => {
  const folder = mkdtempSync(join(memory, "keelson-live-"));
  try {
    const path = join(folder, "state.db");
    const database = open(path);
    const value = (i: number): Buffer => Buffer.alloc(3000, `value ${i} `);
    // More than SQLite keeps in memory.
    for (let i = 0; i < 40; i++) database.write(Array.from({ length: 200 }, (_, j) => ({ key: `/k${i}/${j}`, expected: 0, value: value(i) })));
    database.giveSpaceBack();
    const file = readFileSync(path);
    const at = file.indexOf("value 0 value 0");
    const handle = openSync(path, "r+");
    for (let from = at; from >= 0 && from < file.length; from = file.indexOf("value 0 value 0", from + pageBytes)) writeSync(handle, "X", from);
    assert.throws(() => Array.from({ length: 200 }, (_, j) => database.get(`/k0/${j}`)), (error) => error instanceof DamagedError && /keelson snapshot restore/.test(error.message));
    assert.equal(database.get("/k39/1")?.value.length, 3000);
    database.close();
    closeSync(handle);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: a file of version 1 gets its checksums when it is opened", () => {
  const folder = mkdtempSync(join(memory, "keelson-version-"));
  try {
    const { path, contents } = makeImage(folder, "stopped", seededRandom(seed), { closed: true, compactions: 1 });
    const db = new DatabaseSync(path);
    db.exec("ALTER TABLE history DROP COLUMN crc; ALTER TABLE meta DROP COLUMN digest; PRAGMA user_version = 1");
    assert.deepEqual(db.prepare("SELECT sql FROM sqlite_schema").all().map(({ sql }) => sql), [
      "CREATE TABLE history (rev INTEGER PRIMARY KEY, key TEXT NOT NULL, prev INTEGER NOT NULL, value BLOB) STRICT",
      "CREATE TABLE current (key TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID", "CREATE TABLE meta (compacted INTEGER NOT NULL) STRICT",
    ]);
    db.close();
    rmSync(`${path}-mark`);
    // The first time it is migrated, the second time it is checked.
    for (const _ of [1, 2]) {
      const opened = open(path);
      assert.deepEqual(contentsOf(opened), contents);
      opened.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: a file of version 2 gets another sum of checksums when it is opened, and none when rows are missing", () => {
  const folder = mkdtempSync(join(memory, "keelson-version-"));
  try {
    const { path, contents } = makeImage(folder, "stopped", seededRandom(seed), { closed: true, compactions: 1 });
    const db = new DatabaseSync(path);
    const crcs = db.prepare("SELECT crc FROM history WHERE rev <= (SELECT compacted FROM meta)").all().map(({ crc }) => Number(crc));
    db.exec(`UPDATE meta SET digest = ${crcs.reduce((sum, crc) => (sum ^ crc) >>> 0, 0)}; PRAGMA user_version = 2`);
    db.close();
    const damaged = join(folder, "damaged.db");
    copy(path, damaged);
    const other = new DatabaseSync(damaged);
    other.exec("DELETE FROM history WHERE rev = (SELECT min(rev) FROM history)");
    other.close();
    assert.throws(() => open(damaged), /of the changes up to revision \d+ some are missing/);
    // The first time it is migrated, the second time it is checked.
    for (const _ of [1, 2]) {
      const opened = open(path);
      assert.deepEqual(contentsOf(opened), contents);
      opened.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("sqlite: a store whose pages are sound, but which does not hold what was written, is refused", () => {
  const folder = mkdtempSync(join(memory, "keelson-sound-"));
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["an old row is missing", "DELETE FROM history WHERE rev = (SELECT min(rev) FROM history)", /of the changes up to revision \d+ some are missing/],
    ["a later row is missing", "DELETE FROM history WHERE rev = (SELECT compacted + 3 FROM meta)", /revision \d+ is missing/],
    ["the last rows are missing, and what was present then is said to be", "DELETE FROM history WHERE rev > (SELECT max(rev) - 9 FROM history); DELETE FROM current; INSERT INTO current SELECT key, max(rev) FROM history AS h WHERE value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM history WHERE key = h.key AND rev > h.rev) GROUP BY key", /ends at revision \d+/],
    ["a key is missing", "DELETE FROM current WHERE key = (SELECT min(key) FROM current)", /list of present keys/],
    ["a key is too many", "INSERT INTO current SELECT '/registry/invented', rev FROM current LIMIT 1", /list of present keys/],
    ["a key is at an older version", "UPDATE current SET rev = rev - 1 WHERE key = (SELECT min(key) FROM current)", /list of present keys/],
    ["two keys have changed places", "UPDATE current SET rev = (SELECT sum(rev) FROM current WHERE key IN (SELECT key FROM current ORDER BY key LIMIT 2)) - rev WHERE key IN (SELECT key FROM current ORDER BY key LIMIT 2)", /list of present keys/],
    ["a value has changed", "UPDATE history SET value = CAST('{}' AS BLOB) WHERE rev = (SELECT max(rev) FROM history WHERE value IS NOT NULL)", /revision \d+ of it is not what was written/],
    ["less is compacted than was", "UPDATE meta SET compacted = compacted - 1", /is missing in it|some are missing/],
    ["more is compacted than was", "UPDATE meta SET compacted = compacted + 2", /some are missing/],
    ["there is another table", "CREATE TABLE more (a)", /its tables/],
  ];
  try {
    const { path } = makeImage(folder, "stopped", seededRandom(seed), { closed: true, compactions: 1 });
    for (const [name, sql, expected] of cases) {
      const other = join(folder, "case.db");
      copy(path, other);
      const db = new DatabaseSync(other);
      db.exec(sql);
      db.close();
      assert.throws(() => open(other), (error) => error instanceof RefusedError && expected.test(error.message) && /keelson snapshot restore/.test(error.message), name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test(`sqlite: damage in the middle of the log is found without the mark (KEELSON_SEED=${seed})`, () => {
  const folder = mkdtempSync(join(memory, "keelson-log-"));
  try {
    const random = seededRandom(seed);
    const { path, contents } = makeImage(folder, "killed", random, { closed: false, compactions: 2 });
    rmSync(`${path}-mark`);
    const log = readFileSync(`${path}-wal`);
    const commits = Array.from({ length: Math.floor((log.length - 32) / frameBytes) }, (_, index) => 32 + index * frameBytes).filter((at) => log.readUInt32BE(at + 4) > 0 && log.subarray(at + 8, at + 16).equals(log.subarray(16, 24)));
    const lastBegins = (commits.at(-2) ?? 0) + frameBytes;
    const other = join(folder, "case.db");
    for (let i = 0; i < casesPerImage; i++) {
      copy(path, other);
      const damaged = Buffer.from(log);
      // A page that is damaged breaks the chain behind it, and what comes then goes on from the checksum that is stored with it.
      const frame = 32 + frameBytes * random.below((lastBegins - 32) / frameBytes);
      const at = frame + 24 + random.below(pageBytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(`${other}-wal`, damaged);
      assert.throws(() => open(other), (error) => error instanceof RefusedError && /log is damaged behind frame \d+, and acknowledged changes lie behind/.test(error.message), `byte ${at}`);
    }
    copy(path, other);
    const opened = open(other);
    assert.deepEqual(contentsOf(opened), contents);
    opened.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
