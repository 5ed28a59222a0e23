import type { DatabaseSync } from "node:sqlite";
import type { Revision } from "../store.ts";
import { DamagedError } from "./refused.ts";
import { rowChecksum, toggled, toggledLinearly } from "./row-checksum.ts";

/** "Keel" in ASCII: marks the file as ours. */
export const applicationId = 0x4b65656c;
export const schemaVersion = 3;

/*
 * `history` holds every version of every key that is not compacted, under the revision that made it; `value` is NULL where the key was deleted.
 * `prev` is the revision that the change replaced, 0 when the key did not exist: it lets compaction find what became garbage without a scan,
 * and lets reads of the past take later changes back. `crc` is the row's checksum. `current` says which version is the present one.
 * `meta` has one row: up to where history is compacted, and the sum of the checksums of the rows up to there, so that none of them can go missing
 * (of the later ones there is one for each revision).
 */
const tables = [
  "CREATE TABLE history (rev INTEGER PRIMARY KEY, key TEXT NOT NULL, prev INTEGER NOT NULL, value BLOB, crc INTEGER NOT NULL DEFAULT 0) STRICT",
  "CREATE TABLE current (key TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  "CREATE TABLE meta (compacted INTEGER NOT NULL, digest INTEGER NOT NULL DEFAULT 0) STRICT",
] as const;

export function createTables(db: DatabaseSync): void {
  db.exec(`BEGIN EXCLUSIVE; ${tables.join("; ")}; INSERT INTO meta (compacted) VALUES (1); PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

/** A first start may have been killed between making the file and its tables. */
export const hasTables = (db: DatabaseSync): boolean => db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"] !== 0;

/** SQLite reads the tables' own descriptions from the file, where damage can change what a column means. */
export function checkTables(db: DatabaseSync): void {
  const found = db.prepare("SELECT sql FROM sqlite_schema ORDER BY rowid").all().map(({ sql }) => sql);
  if (found.length !== tables.length || found.some((sql, index) => sql !== tables[index])) throw new DamagedError("its tables are not the ones that were made");
}

/** What is to be done with a file of an earlier version; what it holds by then is taken for right as far as its version can tell. */
export const migrations: Readonly<Record<number, (db: DatabaseSync) => void>> = { 1: migrateFrom1, 2: migrateFrom2 };

/** Version 1 had no checksums. Adding them leaves the tables just as `createTables` makes them. */
function migrateFrom1(db: DatabaseSync): void {
  db.function("row_checksum", (rev, key, prev, value) => rowChecksum(rev as number, key as string, prev as number, value as Uint8Array | null));
  inOneTransaction(db, () => {
    db.exec("ALTER TABLE history ADD COLUMN crc INTEGER NOT NULL DEFAULT 0; ALTER TABLE meta ADD COLUMN digest INTEGER NOT NULL DEFAULT 0");
    db.exec("UPDATE history SET crc = row_checksum(rev, key, prev, value)");
    writeDigest(db, compactedSum(db, toggled));
  });
}

/** Version 2 summed checksums in a way in which some sets of rows cancel out. */
function migrateFrom2(db: DatabaseSync): void {
  inOneTransaction(db, () => {
    const { compacted, digest } = db.prepare("SELECT compacted, digest FROM meta").get() as { compacted: number; digest: number };
    if (compactedSum(db, toggledLinearly) !== digest) throw rowsMissing(compacted);
    writeDigest(db, compactedSum(db, toggled));
  });
}

export const rowsMissing = (compacted: Revision): DamagedError => new DamagedError(`of the changes up to revision ${compacted} some are missing in it`);

function compactedSum(db: DatabaseSync, add: (sum: number, checksum: number) => number): number {
  let sum = 0;
  for (const { crc } of db.prepare("SELECT crc FROM history WHERE rev <= (SELECT compacted FROM meta)").iterate()) sum = add(sum, crc as number);
  return sum;
}

const writeDigest = (db: DatabaseSync, digest: number): void => void db.prepare("UPDATE meta SET digest = ?").run(digest);

function inOneTransaction(db: DatabaseSync, migrate: () => void): void {
  db.exec("BEGIN EXCLUSIVE");
  try {
    migrate();
    db.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
