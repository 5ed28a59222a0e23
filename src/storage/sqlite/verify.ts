import type { DatabaseSync } from "node:sqlite";
import type { Revision } from "../store.ts";
import { DamagedError } from "./refused.ts";
import { headChecksum, rowChecksum, toggled } from "./row-checksum.ts";
import { checkTables, rowsMissing } from "./schema.ts";

export interface Extent {
  /** The latest revision that was given out. */
  readonly revision: Revision;
  readonly compacted: Revision;
}

/**
 * Reads all of a file once. What comes out without an error is what was written, complete up to `revision`:
 * - the b-trees hang together and no page is used twice (SQLite's own check, which looks at no values);
 * - every row of `history` has its checksum, so neither key, revision nor value has changed;
 * - behind the compacted revision there is a row for each revision, and up to it the sum of the rows' checksums is the one that was noted, so none is missing or too many;
 * - `current`, which follows from `history`, is what follows from it.
 * That the end was cut off does not show here: the mark tells.
 * @throws {DamagedError}
 */
export function verifyContents(db: DatabaseSync): Extent {
  checkTables(db);
  checkStructure(db);

  const metas = db.prepare("SELECT compacted, digest FROM meta").all() as { compacted: number; digest: number }[];
  const [meta] = metas;
  if (!meta || metas.length > 1 || meta.compacted < 1) throw new DamagedError("its meta table is not the one that was made");
  const { compacted } = meta;

  const rows = db.prepare("SELECT rev, key, prev, value, crc FROM history ORDER BY rev");
  rows.setReturnArrays(true);
  let [revision, old, heads, headCount] = [compacted, 0, 0, 0];
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<HistoryRow>) {
    const [rev, key, replaced, value, crc] = row;
    if (rowChecksum(rev, key, replaced, value) !== crc) throw new DamagedError(`revision ${rev} of it is not what was written`);
    if (rev <= compacted) old = toggled(old, crc);
    else if (rev !== revision + 1) throw new DamagedError(`revision ${revision + 1} is missing in it`);
    else {
      revision = rev;
      // What this change replaced is in history as well, and no head any more.
      if (replaced > 0) [heads, headCount] = [toggled(heads, headChecksum(replaced, key)), headCount - 1];
    }
    if (value !== null) [heads, headCount] = [toggled(heads, headChecksum(rev, key)), headCount + 1];
  }
  if (old !== meta.digest) throw rowsMissing(compacted);

  const present = db.prepare("SELECT key, rev FROM current");
  present.setReturnArrays(true);
  for (const row of present.iterate() as Iterable<unknown> as Iterable<readonly [string, number]>) {
    const [key, rev] = row;
    [heads, headCount] = [toggled(heads, headChecksum(rev, key)), headCount - 1];
  }
  if (heads !== 0 || headCount !== 0) throw new DamagedError("its list of present keys is not the one that its history gives");
  return { revision, compacted };
}

/** SQLite's own check of how pages, rows and free pages hang together; it looks at no values. @throws {DamagedError} */
export function checkStructure(db: DatabaseSync): void {
  const found = String(db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
  if (found !== "ok") throw new DamagedError(found.replace(/^\*\*\* in database main \*\*\*\n/, ""));
}

type HistoryRow = readonly [rev: number, key: string, prev: number, value: Uint8Array | null, crc: number];
