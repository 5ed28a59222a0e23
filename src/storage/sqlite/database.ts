import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { CompactedError, FutureRevisionError, OutcomeUnknownError, UnavailableError, type Change, type Entry, type Listing, type ListOptions, type Revision } from "../store.ts";
import { Mark } from "./mark.ts";
import { codeOf, keptLogBytes, openFile, pageBytes } from "./open-file.ts";
import type { DatabaseOptions } from "./protocol.ts";
import { DamagedError, damagedText, messageOf } from "./refused.ts";
import { rowChecksum, toggled } from "./row-checksum.ts";

/** One compare-and-set; without a value it deletes. */
export interface Write {
  readonly key: string;
  readonly expected: Revision;
  readonly value?: Uint8Array;
}
export type WriteOutcome = { readonly revision: Revision; readonly created: boolean } | { readonly actual: Revision };

/** Compaction works in steps of this many revisions, so that writes come in between. */
export const compactStepRevisions = 2000;

/** Of the file, one part in this many stays free after compaction, so that pages that come free are used again instead of being moved about. */
const keptFreeDivisor = 8;

const sqliteCode = { readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14 } as const;
/** SQLITE_IOERR_FSYNC: what was written may be on the disk, and may not. */
const flushFailedCode = 1034;

/** The file, synchronously; lives in a thread of its own. Everything it does is one transaction, and durable when it returns. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #mark: Mark;
  readonly #statements = new Map<string, StatementSync>();
  revision: Revision;
  compacted: Revision;

  /** @throws {RefusedError} */
  constructor(options: DatabaseOptions) {
    this.#path = options.path;
    const { db, revision, compacted } = openFile(options);
    this.#db = db;
    this.revision = revision;
    this.compacted = compacted;
    this.#mark = new Mark(options.path);
    this.#mark.write(revision);
  }

  /**
   * Decides and makes all writes in their order, in one transaction.
   * @throws {UnavailableError} when the disk does not take them; nothing is written then.
   * @throws {OutcomeUnknownError} when the disk failed while it was to make them durable.
   */
  write(writes: readonly Write[]): WriteOutcome[] {
    let revision = this.revision;
    const outcomes = this.#transaction(() => writes.map(({ key, expected, value }): WriteOutcome => {
      const actual = (this.#get("SELECT rev FROM current WHERE key = ?", key)?.["rev"] as number | undefined) ?? 0;
      if (actual !== expected || (value === undefined && actual === 0)) return { actual };
      revision++;
      this.#insert(revision, key, actual, value ?? null);
      if (value) this.#run("INSERT INTO current (key, rev) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET rev = ?2", key, revision);
      else this.#run("DELETE FROM current WHERE key = ?", key);
      return { revision, created: actual === 0 };
    }));
    if (revision !== this.revision) this.#mark.write(revision);
    this.revision = revision;
    return outcomes;
  }

  get(key: string, revision?: Revision): Entry | undefined {
    if (revision !== undefined && revision !== this.revision) {
      this.#checkReadable(revision);
      const later = this.#get("SELECT prev FROM history WHERE rev > ? AND key = ? ORDER BY rev LIMIT 1", revision, key);
      if (later) return this.#version(later["prev"] as number, key);
    }
    const current = this.#get("SELECT rev FROM current WHERE key = ?", key);
    return current && this.#version(current["rev"] as number, key);
  }

  /** `count`: say how many more there are; costs a walk over their keys. Without it `remaining` is 1 where there may be more. */
  list(prefix: string, { revision = this.revision, after = "", limit, count }: Omit<ListOptions, "signal" | "limit"> & { readonly limit: number; readonly count: boolean }): Listing {
    this.#checkReadable(revision);
    const [from, to] = [after > prefix ? after : prefix, prefixEnd(prefix)];
    const operator = after !== "" && after >= prefix ? ">" : ">=";
    return revision === this.revision ? this.#listPresent(from, operator, to, limit, count) : this.#listPast(from, operator, to, revision, limit, count);
  }

  /** Changes later than `after`, at most `limit` of any prefix, of which those under `prefix` are returned. */
  changes(prefix: string, after: Revision, limit: number): { readonly changes: Change[]; readonly upTo: Revision } {
    this.#checkReadable(after);
    const rows = this.#all("SELECT rev, key, prev, value, crc FROM history WHERE rev > ? ORDER BY rev LIMIT ?", after, limit).map((row) => this.#checked(row));
    const changes = rows.filter(({ key }) => key.startsWith(prefix)).map(changeOf);
    return { changes, upTo: rows.length < limit ? this.revision : (rows.at(-1)?.rev ?? after) };
  }

  /** Forgets up to `compactStepRevisions` revisions, at most until `revision`; call again until `compacted` is there. */
  compactStep(revision: Revision): void {
    if (revision > this.revision) throw new FutureRevisionError(`revision ${revision} is yet to come; the store is at ${this.revision}`);
    const until = Math.min(revision, this.compacted + compactStepRevisions);
    if (until <= this.compacted) return;
    this.#transaction(() => {
      let digest = (this.#get("SELECT digest FROM meta") as { digest: number }).digest;
      const toggleAll = (rows: readonly Row[]): void => rows.forEach(({ crc }) => void (digest = toggled(digest, crc as number)));
      toggleAll(this.#all("SELECT crc FROM history WHERE rev > ? AND rev <= ?", this.compacted, until));
      toggleAll(this.#all("DELETE FROM history WHERE rev IN (SELECT prev FROM history WHERE rev > ? AND rev <= ? AND prev > 0) RETURNING crc", this.compacted, until));
      toggleAll(this.#all("DELETE FROM history WHERE rev > ? AND rev <= ? AND value IS NULL RETURNING crc", this.compacted, until));
      this.#run("UPDATE meta SET compacted = ?, digest = ?", until, digest);
    });
    this.compacted = until;
  }

  /**
   * For a new file: takes entries under revisions that were decided elsewhere. All revisions up to `revision` count as given out from then on, and
   * all history as forgotten.
   */
  load(entries: readonly Entry[], revision: Revision): void {
    this.#transaction(() => {
      let digest = (this.#get("SELECT digest FROM meta") as { digest: number }).digest;
      for (const { key, value, revision: rev } of entries) {
        digest = toggled(digest, this.#insert(rev, key, 0, value));
        this.#run("INSERT INTO current (key, rev) VALUES (?, ?)", key, rev);
      }
      this.#run("UPDATE meta SET compacted = ?, digest = ?", revision, digest);
    });
    this.revision = this.compacted = revision;
    this.#mark.write(revision);
  }

  /** Gives free pages back to the file system, and begins the write-ahead log anew; a long one is cut. */
  giveSpaceBack(): void {
    this.#unavailable(() => {
      const [free, all] = [this.#pragma("freelist_count"), this.#pragma("page_count")];
      const surplus = free - Math.ceil((all - free) / keptFreeDivisor);
      if (surplus > 0) this.#db.exec(`PRAGMA incremental_vacuum(${surplus})`);
      const logBytesMax = Math.min(keptLogBytes, (all * pageBytes) / 4);
      const isLong = (statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax;
      this.#db.exec(`PRAGMA wal_checkpoint(${isLong ? "TRUNCATE" : "RESTART"})`);
    });
  }

  close(): void {
    this.#db.close();
    this.#mark[Symbol.dispose]();
  }

  #listPresent(from: string, operator: ">" | ">=", to: string, limit: number, count: boolean): Listing {
    const rows = this.#all(
      `SELECT current.key AS present, history.rev, history.key, history.prev, history.value, history.crc FROM current LEFT JOIN history ON history.rev = current.rev
       WHERE current.key ${operator} ? AND current.key < ? ORDER BY current.key LIMIT ?`, from, to, limit,
    ).map((row) => this.#checked(row, row["present"]));
    const last = rows.at(-1)?.key;
    const remaining = rows.length < limit || last === undefined ? 0 : count ? this.#countAfter(last, to) : 1;
    return { entries: rows.map(entryOf), revision: this.revision, remaining };
  }

  /** Costs what changed since, and the page; not the keys behind it. */
  #listPast(from: string, operator: ">" | ">=", to: string, revision: Revision, limit: number, count: boolean): Listing {
    const later = new Map<string, { readonly was: Revision; readonly isThere: boolean }>();
    // Backwards: the earliest of the later changes of a key says what it was, the latest whether it is there now.
    for (const { key, prev, gone } of this.#all(`SELECT key, prev, value IS NULL AS gone FROM history WHERE rev > ? AND key ${operator} ? AND key < ? ORDER BY rev DESC`, revision, from, to)) {
      later.set(key as string, { was: prev as number, isThere: later.get(key as string)?.isThere ?? gone === 0 });
    }
    // So many of the present keys may not have been there.
    const most = limit + later.size;
    const present = this.#all(`SELECT key, rev FROM current WHERE key ${operator} ? AND key < ? ORDER BY key LIMIT ?`, from, to, most) as { readonly key: string; readonly rev: Revision }[];
    const seenUntil = present.length < most ? undefined : present.at(-1)?.key;
    const versions = new Map(present.map(({ key, rev }): [string, Revision] => [key, rev]));
    for (const [key, { was }] of later) if (seenUntil === undefined || key <= seenUntil) versions.set(key, was);
    const existed = [...versions].filter(([, rev]) => rev > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    const page = existed.slice(0, limit);
    const entries = page.map(([key, rev]) => this.#version(rev, key)).filter((entry) => entry !== undefined);
    const last = page.at(-1)?.[0];
    if (page.length < limit || last === undefined) return { entries, revision, remaining: 0 };
    if (!count) return { entries, revision, remaining: seenUntil === undefined && existed.length === limit ? 0 : 1 };
    const difference = [...later].filter(([key]) => key > last).reduce((sum, [, { was, isThere }]) => sum + (was > 0 ? 1 : 0) - (isThere ? 1 : 0), 0);
    return { entries, revision, remaining: this.#countAfter(last, to) + difference };
  }

  #countAfter(key: string, to: string): number {
    return (this.#get("SELECT count(*) AS n FROM current WHERE key > ? AND key < ?", key, to) as { n: number }).n;
  }

  #insert(revision: Revision, key: string, replaced: Revision, value: Uint8Array | null): number {
    const checksum = rowChecksum(revision, key, replaced, value);
    this.#run("INSERT INTO history (rev, key, prev, value, crc) VALUES (?, ?, ?, ?, ?)", revision, key, replaced, value, checksum);
    return checksum;
  }

  /** The version of `key` that was made at `revision`; revision 0 stands for none. */
  #version(revision: Revision, key: string): Entry | undefined {
    if (revision === 0) return undefined;
    const row = this.#checked(this.#get("SELECT rev, key, prev, value, crc FROM history WHERE rev = ?", revision), key);
    return row.value === null ? undefined : entryOf(row);
  }

  /** @throws {DamagedError} when the row is not the one that was written, or when it is of another key than the one that was looked for. */
  #checked(row: Row | undefined, sought?: unknown): HistoryRow {
    const { rev, key, prev, value, crc } = (row ?? {}) as Partial<HistoryRow> & { readonly crc?: number };
    if (rev === undefined || rev === null || key === undefined || prev === undefined || value === undefined || rowChecksum(rev, key, prev, value) !== crc || (sought !== undefined && key !== sought)) {
      throw new DamagedError(damagedText(this.#path, `${String(sought ?? `revision ${String(rev)}`)} is not what was written`));
    }
    return { rev, key, prev, value };
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
      if (error instanceof Error && "errcode" in error && error.errcode === flushFailedCode) throw new OutcomeUnknownError(`${this.#path}: the disk did not say whether it has written (${messageOf(error)})`, { cause: error });
      if (code === sqliteCode.full) throw new UnavailableError(`${this.#path}: the disk is full, or the file has reached its limit; free some space and writing goes on`, { cause: error });
      if (code === sqliteCode.readOnly) throw new UnavailableError(`${this.#path}: the file or its file system is read-only; make it writable and writing goes on`, { cause: error });
      if (code === sqliteCode.ioError || code === sqliteCode.cannotOpen) throw new UnavailableError(`${this.#path}: the disk reports an error (${messageOf(error)})`, { cause: error });
      if (code === sqliteCode.corrupt) throw new UnavailableError(damagedText(this.#path, messageOf(error)), { cause: error });
      throw error;
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
  #pragma(name: string): number {
    return this.#get(`PRAGMA ${name}`)?.[name] as number;
  }
  #run(sql: string, ...parameters: Parameter[]): void {
    this.#statement(sql).run(...parameters);
  }
}

type Parameter = string | number | null | Uint8Array;
type Row = Readonly<Record<string, unknown>>;

interface HistoryRow {
  readonly rev: Revision;
  readonly key: string;
  readonly prev: Revision;
  readonly value: Uint8Array | null;
}

const entryOf = ({ key, rev, value }: HistoryRow): Entry => ({ key, revision: rev, value: value ?? new Uint8Array() });
const changeOf = (row: HistoryRow): Change =>
  row.value === null ? { type: "delete", key: row.key, revision: row.rev } : { type: "put", entry: entryOf(row), created: row.prev === 0 };

/** The first text that sorts behind everything with this prefix. */
const prefixEnd = (prefix: string): string => (prefix === "" ? "\u{10ffff}" : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1));
