import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CompactedError, FutureRevisionError, UnavailableError, type Change, type Entry, type Listing, type ListOptions, type Revision } from "../store.ts";

export interface DatabaseOptions {
  readonly path: string;
  /** How large the file may grow, in bytes; writes are then refused until compaction has made room. */
  readonly bytesMax: number;
}

/** One compare-and-set; without a value it deletes. */
export interface Write {
  readonly key: string;
  readonly expected: Revision;
  readonly value?: Uint8Array;
}
export type WriteOutcome = { readonly revision: Revision; readonly created: boolean } | { readonly actual: Revision };

/** The file cannot be served; the message says what is wrong and what helps. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** "Keel" in ASCII: marks the file as ours. */
const applicationId = 0x4b65656c;
const schemaVersion = 1;
const pageBytes = 4096;
export const bytesMaxDefault = 8 * 1024 ** 3;
/** After an unclean stop, files up to this size are checked before they are served; larger ones would hold up the start for seconds. */
const checkedBytesMax = 64 * 1024 * 1024;
/** A process that was killed in the middle of a flush holds its lock until the disk has answered; that is waited for, in milliseconds. */
const lockWaitMs = 4_000;
/** The write-ahead log is copied into the file when it is this long. */
const walPagesMax = 4000;
/** Compaction works in steps of this many revisions, so that writes come in between. */
export const compactStepRevisions = 2000;

/*
 * `history` holds every version of every key that is not compacted, under the revision that made it; `value` is NULL where the key was deleted.
 * `prev` is the revision that the change replaced, 0 when the key did not exist: it lets compaction find what became garbage without a scan,
 * and lets reads of the past take later changes back. `current` says which version is the present one.
 */
const schema = `
  CREATE TABLE history (rev INTEGER PRIMARY KEY, key TEXT NOT NULL, prev INTEGER NOT NULL, value BLOB) STRICT;
  CREATE TABLE current (key TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (compacted INTEGER NOT NULL) STRICT;
  INSERT INTO meta (compacted) VALUES (1);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

const sqliteCode = { busy: 5, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
/** The primary result code of an error from SQLite, without its extension. */
const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;

/** The file, synchronously; lives in a thread of its own. Everything it does is one transaction, and durable when it returns. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  revision: Revision;
  compacted: Revision;

  /** @throws {RefusedError} */
  constructor(options: DatabaseOptions) {
    this.#path = options.path;
    this.#db = this.#refusing(() => openFile(options));
    [this.revision, this.compacted] = this.#refusing(() => {
      const { compacted } = this.#get("SELECT compacted FROM meta") as { compacted: number };
      const { rev } = this.#get("SELECT max(rev) AS rev FROM history") as { rev: number | null };
      return [Math.max(rev ?? 0, compacted), compacted];
    });
  }

  /**
   * Decides and makes all writes in their order, in one transaction.
   * @throws {UnavailableError} when the disk does not take them; nothing is written then.
   */
  write(writes: readonly Write[]): WriteOutcome[] {
    let revision = this.revision;
    const outcomes = this.#transaction(() => writes.map(({ key, expected, value }): WriteOutcome => {
      const actual = (this.#get("SELECT rev FROM current WHERE key = ?", key)?.["rev"] as number | undefined) ?? 0;
      if (actual !== expected || (value === undefined && actual === 0)) return { actual };
      revision++;
      this.#run("INSERT INTO history (rev, key, prev, value) VALUES (?, ?, ?, ?)", revision, key, actual, value ?? null);
      if (value) this.#run("INSERT INTO current (key, rev) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET rev = ?2", key, revision);
      else this.#run("DELETE FROM current WHERE key = ?", key);
      return { revision, created: actual === 0 };
    }));
    this.revision = revision;
    return outcomes;
  }

  get(key: string, revision?: Revision): Entry | undefined {
    if (revision !== undefined && revision !== this.revision) {
      this.#checkReadable(revision);
      const later = this.#get("SELECT prev FROM history WHERE rev > ? AND key = ? ORDER BY rev LIMIT 1", revision, key);
      if (later) return this.#version(later["prev"] as number);
    }
    const current = this.#get("SELECT rev FROM current WHERE key = ?", key);
    return current && this.#version(current["rev"] as number);
  }

  /** `count`: say how many more there are; costs a walk over their keys. Without it `remaining` is 0. */
  list(prefix: string, { revision = this.revision, after = "", limit, count }: Omit<ListOptions, "signal" | "limit"> & { readonly limit: number; readonly count: boolean }): Listing {
    this.#checkReadable(revision);
    const [from, to] = [after > prefix ? after : prefix, prefixEnd(prefix)];
    const operator = after !== "" && after >= prefix ? ">" : ">=";
    return revision === this.revision ? this.#listPresent(from, operator, to, limit, count) : this.#listPast(from, operator, to, revision, limit);
  }

  /** Changes later than `after`, at most `limit` of any prefix, of which those under `prefix` are returned. */
  changes(prefix: string, after: Revision, limit: number): { readonly changes: Change[]; readonly upTo: Revision } {
    this.#checkReadable(after);
    const rows = this.#all("SELECT rev, key, prev, value FROM history WHERE rev > ? ORDER BY rev LIMIT ?", after, limit);
    const changes = rows.filter(({ key }) => (key as string).startsWith(prefix)).map(changeOf);
    return { changes, upTo: rows.length < limit ? this.revision : (rows.at(-1)?.["rev"] as number) };
  }

  /** Forgets up to `compactStepRevisions` revisions, at most until `revision`; call again until `compacted` is there. */
  compactStep(revision: Revision): void {
    if (revision > this.revision) throw new FutureRevisionError(`revision ${revision} is yet to come; the store is at ${this.revision}`);
    const until = Math.min(revision, this.compacted + compactStepRevisions);
    if (until <= this.compacted) return;
    this.#transaction(() => {
      this.#run("DELETE FROM history WHERE rev IN (SELECT prev FROM history WHERE rev > ? AND rev <= ? AND prev > 0)", this.compacted, until);
      this.#run("DELETE FROM history WHERE rev > ? AND rev <= ? AND value IS NULL", this.compacted, until);
      this.#run("UPDATE meta SET compacted = ?", until);
    });
    this.compacted = until;
  }

  /**
   * For a new file: takes entries under revisions that were decided elsewhere. All revisions up to `revision` count as given out from then on, and
   * all history as forgotten.
   */
  load(entries: readonly Entry[], revision: Revision): void {
    this.#transaction(() => {
      for (const { key, value, revision: rev } of entries) {
        this.#run("INSERT INTO history (rev, key, prev, value) VALUES (?, ?, 0, ?)", rev, key, value);
        this.#run("INSERT INTO current (key, rev) VALUES (?, ?)", key, rev);
      }
      this.#run("UPDATE meta SET compacted = ?", revision);
    });
    this.revision = this.compacted = revision;
  }

  /** Gives free pages back to the file system, and empties the write-ahead log. */
  giveSpaceBack(): void {
    this.#unavailable(() => {
      this.#db.exec("PRAGMA incremental_vacuum");
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  }

  close(): void {
    this.#db.close();
  }

  #listPresent(from: string, operator: ">" | ">=", to: string, limit: number, count: boolean): Listing {
    const rows = this.#all(
      `SELECT current.key, current.rev, history.value FROM current JOIN history ON history.rev = current.rev
       WHERE current.key ${operator} ? AND current.key < ? ORDER BY current.key LIMIT ?`, from, to, limit,
    );
    const last = rows.at(-1)?.["key"] as string | undefined;
    const remaining = !count || rows.length < limit ? 0
      : (this.#get(`SELECT count(*) AS n FROM current WHERE key ${last === undefined ? operator : ">"} ? AND key < ?`, last ?? from, to) as { n: number }).n;
    return { entries: rows.map(entryOf), revision: this.revision, remaining };
  }

  #listPast(from: string, operator: ">" | ">=", to: string, revision: Revision, limit: number): Listing {
    const versions = new Map<string, Revision>();
    for (const row of this.#all(`SELECT key, rev FROM current WHERE key ${operator} ? AND key < ?`, from, to)) versions.set(row["key"] as string, row["rev"] as number);
    // Backwards, so that the earliest of the later changes of a key has the last word.
    for (const row of this.#all(`SELECT key, prev FROM history WHERE rev > ? AND key ${operator} ? AND key < ? ORDER BY rev DESC`, revision, from, to)) {
      versions.set(row["key"] as string, row["prev"] as number);
    }
    const present = [...versions].filter(([, rev]) => rev > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    const entries = present.slice(0, limit).map(([, rev]) => this.#version(rev)).filter((entry) => entry !== undefined);
    return { entries, revision, remaining: Math.max(0, present.length - limit) };
  }

  #version(revision: Revision): Entry | undefined {
    const row = revision === 0 ? undefined : this.#get("SELECT rev, key, value FROM history WHERE rev = ? AND value IS NOT NULL", revision);
    return row && entryOf(row);
  }

  #checkReadable(revision: Revision): void {
    if (revision > this.revision) throw new FutureRevisionError(`revision ${revision} is yet to come; the store is at ${this.revision}`);
    if (revision < this.compacted) throw new CompactedError(`history begins after revision ${this.compacted}; ${revision} was asked for`);
  }

  #transaction<T>(work: () => T): T {
    return this.#unavailable(() => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#db.exec("COMMIT");
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors.
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** Errors of the disk pass when the disk is well again; all others are bugs or damage. */
  #unavailable<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = codeOf(error);
      if (code === sqliteCode.full) throw new UnavailableError(`${this.#path}: the disk is full, or the file has reached its limit; free some space and writing goes on`, { cause: error });
      if (code === sqliteCode.readOnly) throw new UnavailableError(`${this.#path}: the file or its file system is read-only; make it writable and writing goes on`, { cause: error });
      if (code === sqliteCode.ioError || code === sqliteCode.cannotOpen) throw new UnavailableError(`${this.#path}: the disk reports an error (${messageOf(error)})`, { cause: error });
      if (code === sqliteCode.corrupt) throw new UnavailableError(damagedText(this.#path, messageOf(error)), { cause: error });
      throw error;
    }
  }

  #refusing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = codeOf(error);
      if (error instanceof RefusedError) throw error;
      if (code === sqliteCode.busy) throw new RefusedError(`${this.#path} is in use by another process: is a server of this cluster running already? Stop it first, or name another file`, { cause: error });
      if (code === sqliteCode.corrupt || code === sqliteCode.notADatabase) throw new RefusedError(damagedText(this.#path, messageOf(error)), { cause: error });
      throw new RefusedError(`${this.#path} cannot be opened: ${messageOf(error)}`, { cause: error });
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
  #get(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#statement(sql).get(...parameters);
  }
  #all(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#statement(sql).all(...parameters);
  }
  #run(sql: string, ...parameters: Parameter[]): void {
    this.#statement(sql).run(...parameters);
  }
}

type Parameter = string | number | null | Uint8Array;
type Row = Readonly<Record<string, unknown>>;

const entryOf = (row: Row): Entry => ({ key: row["key"] as string, revision: row["rev"] as number, value: row["value"] as Uint8Array });
const changeOf = (row: Row): Change =>
  row["value"] === null
    ? { type: "delete", key: row["key"] as string, revision: row["rev"] as number }
    : { type: "put", entry: entryOf(row), created: row["prev"] === 0 };

/** The first text that sorts behind everything with this prefix. */
const prefixEnd = (prefix: string): string => (prefix === "" ? "\u{10ffff}" : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const damagedText = (path: string, detail: string): string =>
  `${path} is damaged (${detail}): put back a snapshot of it, or move ${path} and ${path}-wal away to start with an empty cluster`;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function openFile({ path, bytesMax }: DatabaseOptions): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its log the mode of the file, which holds secrets. An existing file is left alone: closing any descriptor of it would take away
  // the lock that another store of this process may hold on it.
  if (!existsSync(path)) closeSync(openSync(path, "ax", 0o600));
  const stoppedUncleanly = sizeOf(`${path}-wal`) > 0;

  const db = new DatabaseSync(path, { timeout: lockWaitMs, enableForeignKeyConstraints: false });
  try {
    // The exclusive lock belongs to the process: the kernel takes it back however the process ends. It must come first.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    if (sizeOf(path) === 0) db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA auto_vacuum = INCREMENTAL`);
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${walPagesMax}; PRAGMA journal_size_limit = ${walPagesMax * pageBytes}`);
    db.exec(`PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA max_page_count = ${Math.floor(bytesMax / pageBytes)}`);

    const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    const [application, version] = [pragma("application_id"), pragma("user_version")];
    if (isEmpty(db)) {
      db.exec(`BEGIN EXCLUSIVE; ${schema} COMMIT`);
    } else if (application !== applicationId) {
      throw new RefusedError(`${path} is a database of another program: name another file`);
    } else if (version !== schemaVersion) {
      throw new RefusedError(`${path} was written by another version of keelson (its schema is ${String(version)}, this program's ${schemaVersion}): run that version, or start with an empty file`);
    } else if (stoppedUncleanly && sizeOf(path) <= checkedBytesMax) {
      const found = pragma("quick_check(1)");
      if (found !== "ok") throw new RefusedError(damagedText(path, String(found)));
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A first start may have been killed between making the file and its tables. */
const isEmpty = (db: DatabaseSync): boolean => db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"] === 0;
