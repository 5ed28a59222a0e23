import { linkSync, rmSync } from "node:fs";
import { removeSqliteFile, writeSqliteFile } from "../../storage/sqlite/loader.ts";
import { holdReplacedFile } from "../../storage/sqlite/replaced-file.ts";
import { renumbered, type StateIndex } from "../../storage/snapshot/state.ts";
import type { Entry, Revision } from "../../storage/store.ts";
import { commitState, finishReplacement, nextStateFile } from "../state-file.ts";

/** A state, wherever it comes from. */
export interface State {
  readonly index: StateIndex;
  entries(): AsyncIterable<readonly Entry[]>;
}

/** An entry as it is to be in the new state; undefined when it is left out. */
export type Rewrite = (entry: Entry) => Entry | undefined;

export interface Replacement {
  readonly count: number;
  /** Where the new state stands: every revision that it has is beyond all that the old one and the snapshot have given out. */
  readonly revision: Revision;
  /** The old state could not be read; it was kept under this name. */
  readonly damaged?: { readonly path: string; readonly problem: string };
}

/**
 * How far a restored state goes beyond the snapshot when nobody can say any more what the damaged store had given out since: etcd's advice for the
 * same case, and a year of ten changes a second is a third of it.
 */
const blindBump = 1_000_000_000;

/**
 * Puts another state in the place of a store that nobody has open. Its objects get new revisions, in the order of their old ones, beyond every one that was ever given out, and all
 * history counts as forgotten: whoever comes back with something older is told to read anew, and never sees an object of before as newer than what
 * is there now. A crash at any moment leaves the old state or the new one. @throws {RefusedError} when a server has it open; nothing was touched then.
 */
export async function replaceState(file: string, state: State, rewrite: Rewrite = (entry) => entry): Promise<Replacement> {
  finishReplacement(file);
  using old = holdReplacedFile(file);
  const after = old.revision === undefined ? state.index.revision + blindBump : Math.max(old.revision, state.index.revision);
  const next = nextStateFile(file);
  const { revisions, last } = renumbered(state.index, after);
  const read = { count: 0 };
  let count: number;
  try {
    count = await writeSqliteFile(next, renumberedEntries(state.entries(), revisions, rewrite, read), last);
    if (read.count !== state.index.count) throw new Error(`${read.count} entries were read where there should be ${state.index.count}`);
  } catch (error) {
    removeSqliteFile(next);
    throw error;
  }
  if (old.problem !== undefined) keep(file);
  commitState(file);
  old[Symbol.dispose]();
  finishReplacement(file);
  return { count, revision: last, ...(old.problem !== undefined && { damaged: { path: damagedFile(file), problem: old.problem } }) };
}

async function* renumberedEntries(entries: AsyncIterable<readonly Entry[]>, revisions: ReadonlyMap<string, Revision>, rewrite: Rewrite, read: { count: number }): AsyncGenerator<readonly Entry[], void> {
  for await (const each of entries) {
    read.count += each.length;
    yield each.flatMap((entry) => rewrite({ ...entry, revision: revisions.get(entry.key) ?? 0 }) ?? []);
  }
}

const damagedFile = (file: string): string => `${file}.damaged`;

/** For those who want to look into what was lost. */
function keep(file: string): void {
  rmSync(damagedFile(file), { force: true });
  linkSync(file, damagedFile(file));
}

