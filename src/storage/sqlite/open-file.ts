import { accessSync, closeSync, constants, existsSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspectLog, type LogState } from "./log-file.ts";
import { readMark } from "./mark.ts";
import type { DatabaseOptions } from "./protocol.ts";
import { DamagedError, damagedText, InUseError, messageOf, RefusedError } from "./refused.ts";
import { applicationId, createTables, hasTables, migrations, schemaVersion } from "./schema.ts";
import { checkStructure, verifyContents, type Extent } from "./verify.ts";

export interface OpenedFile extends Extent {
  readonly db: DatabaseSync;
}

export const pageBytes = 4096;
/** A process that was killed in the middle of a flush holds its lock until the disk has answered; that is waited for, in milliseconds. */
const lockWaitMs = 4_000;
/** The write-ahead log is copied into the file when it is this long. */
export const walPagesMax = 4000;
/** How much of the log's file is kept for the next round, in bytes: writing over it costs the file system nothing but the bytes, growing it costs its journal. */
export const keptLogBytes = 1024 * 1024;

const sqliteCode = { busy: 5, readOnly: 8, corrupt: 11, notADatabase: 26 } as const;
/** The primary result code of an error from SQLite, without its extension. */
export const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Opens the file, or makes it, and checks all of it before anybody reads from it. A file that is refused is left as it is.
 * @throws {RefusedError} when it is in use, damaged, or of another program or version; the message names the remedy.
 */
export function openFile(options: DatabaseOptions): OpenedFile {
  const { path } = options;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    putLogBack(path);
    const log = inspectBeforeOpening(path);
    // SQLite gives its log the mode of the file, which holds secrets. An existing file is left alone: closing any descriptor of it would take away
    // the lock that another store of this process may hold on it.
    if (!existsSync(path)) closeSync(openSync(path, "ax", 0o600));
    const db = new DatabaseSync(path, { timeout: lockWaitMs, enableForeignKeyConstraints: false });
    try {
      return { db, ...prepare(db, options, log) };
    } catch (error) {
      // Somebody else's log is left alone.
      if (codeOf(error) === sqliteCode.busy) db.close();
      else closeLeavingTheLog(db, path);
      throw error;
    }
  } catch (error) {
    throw refusal(path, error);
  }
}

/** What SQLite would mend in silence by forgetting is found before it sees the file. @throws {DamagedError} */
function inspectBeforeOpening(path: string): LogState {
  const log = inspectLog(`${path}-wal`);
  const isMissing = sizeOf(path) === 0 && (log.frames > 0 || (readMark(path) ?? 1) > 1);
  const damage = log.damage ?? (isMissing ? "it is empty, but its log or its mark is not" : undefined);
  if (damage === undefined) return log;
  if (isLocked(path)) throw new InUseError(path);
  throw new DamagedError(damage);
}

function prepare(db: DatabaseSync, { path, bytesMax }: DatabaseOptions, log: LogState): Extent {
  // The exclusive lock belongs to the process: the kernel takes it back however the process ends. It must come first.
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  if (sizeOf(path) === 0) db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA auto_vacuum = INCREMENTAL`);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${walPagesMax}; PRAGMA journal_size_limit = ${keptLogBytes}; PRAGMA cell_size_check = ON`);
  // What was compacted is gone from the file as well: it may have been a Secret in plain text, or one under a key that somebody knows.
  db.exec("PRAGMA secure_delete = ON");
  db.exec(`PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA max_page_count = ${Math.floor(bytesMax / pageBytes)}`);

  const mark = readMark(path) ?? 0;
  if (!hasTables(db)) {
    if (mark > 1 || log.frames > 0) throw new DamagedError("its tables are gone");
    createTables(db);
    return { revision: 1, compacted: 1 };
  }
  const migrate = kindOf(db, path);
  checkWritable(db, path);
  migrate?.(db);
  const extent = verifyContents(db);
  if (extent.revision < mark) throw new DamagedError(`it ends at revision ${extent.revision}, but changes up to revision ${mark} were acknowledged: the end of its log is missing. If an older copy was put there on purpose, remove ${path}-mark`);
  return extent;
}

/** Of which program and version it is: what makes one of this version out of it, undefined when it is. @throws {RefusedError} */
function kindOf(db: DatabaseSync, path: string): ((db: DatabaseSync) => void) | undefined {
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const [application, version] = [pragma("application_id"), pragma("user_version")];
  if (application !== applicationId) throw new RefusedError(`${path} is a database of another program (or the head of it is damaged): name another file`);
  if (version === schemaVersion) return undefined;
  const migrate = migrations[Number(version)];
  if (!migrate) throw new RefusedError(`${path} was written by another version of keelson (its schema is ${String(version)}, this program's ${schemaVersion}): run that version, or start with an empty file`);
  checkStructure(db);
  return migrate;
}

/** The file's head can say that this SQLite must not write to it. One byte does, and nothing else would tell that it has changed. @throws {DamagedError} */
function checkWritable(db: DatabaseSync, path: string): void {
  try {
    db.exec("DELETE FROM meta WHERE 0");
  } catch (error) {
    if (codeOf(error) !== sqliteCode.readOnly) throw error;
    accessSync(path, constants.W_OK); // Otherwise it is the file system that does not let it be written, and says so.
    throw new DamagedError("the head of it says that it must not be written", { cause: error });
  }
}

/**
 * Closing makes SQLite copy what it takes for the log into the file, and remove the log with all that it does not take for it. A refused file keeps
 * its log: whoever examines it may find in there what is missing.
 */
function closeLeavingTheLog(db: DatabaseSync, path: string): void {
  const [log, kept] = [`${path}-wal`, keptLogPath(path)];
  const hasLog = sizeOf(log) > 0;
  if (hasLog) linkSync(log, kept);
  db.close();
  if (hasLog) putLogBack(path);
}

const keptLogPath = (path: string): string => `${path}-wal-kept`;

/** Also after somebody was stopped between the steps of `closeLeavingTheLog`. */
function putLogBack(path: string): void {
  const kept = keptLogPath(path);
  if (!existsSync(kept)) return;
  if (existsSync(`${path}-wal`)) rmSync(kept);
  else renameSync(kept, `${path}-wal`);
}

/** Whether a living process holds a lock on the file, which is then read while it is written. What /proc does not show counts as free. */
function isLocked(path: string): boolean {
  const { dev = 0n, ino = 0n } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
  const hex = (number: bigint): string => number.toString(16).padStart(2, "0");
  const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
  try {
    return readFileSync("/proc/locks", "utf8").includes(` ${hex(major)}:${hex(minor)}:${ino} `);
  } catch {
    return false;
  }
}

function refusal(path: string, error: unknown): RefusedError {
  const code = codeOf(error);
  if (error instanceof RefusedError) return error;
  if (code === sqliteCode.busy) return new InUseError(path, { cause: error });
  if (error instanceof DamagedError || code === sqliteCode.corrupt || code === sqliteCode.notADatabase) return new RefusedError(damagedText(path, messageOf(error)), { cause: error });
  return new RefusedError(`${path} cannot be opened: ${messageOf(error)}`, { cause: error });
}
