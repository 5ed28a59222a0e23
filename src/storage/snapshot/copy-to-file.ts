import { linkSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { isEncrypted } from "../encryption/transformer.ts";
import { removeSqliteFile, writeSqliteFile } from "../sqlite/loader.ts";
import type { Entry, Revision, Store } from "../store.ts";
import { CopyRefusedError, type Copied, type CopyOptions } from "./copy.ts";
import { readState } from "./read-state.ts";
import { syncFolder } from "./snapshot-file.ts";
import { renumbered, StateIndex } from "./state.ts";

export interface FileCopyOptions extends Pick<CopyOptions, "prefix" | "leaveOut" | "onProgress" | "signal"> {
  readonly source: Store;
  readonly path: string;
}

/**
 * Makes a file of the state of a store, as it is at one revision. All keys get revisions beyond the last one of the source, in their order, and there is no history, so that nobody's knowledge
 * of the source is taken for newer. Until it is whole the file has another name (`<path>.copying`), which the next attempt overwrites. @throws {CopyRefusedError}
 */
export async function copyIntoFile({ source, path, prefix, leaveOut, onProgress, signal }: FileCopyOptions): Promise<Copied> {
  const index = new StateIndex();
  for await (const frames of readState(source, { prefix, signal })) index.add(frames);
  const { revisions, last } = renumbered(index, index.revision);
  const partial = `${path}.copying`;
  let [read, encrypted] = [0, 0];
  const entries = async function* (): AsyncGenerator<readonly Entry[], void> {
    for await (const each of index.entriesOf(readState(source, { prefix, signal, revision: index.revision }))) {
      read += each.length;
      encrypted += each.filter(({ value }) => isEncrypted(value)).length;
      onProgress?.("copying", read, index.count);
      yield each.filter(({ key }) => leaveOut?.(key) !== true).map((entry) => ({ ...entry, revision: revisionOf(revisions, entry) }));
    }
  };
  try {
    const count = await writeSqliteFile(partial, entries(), last);
    if (read !== index.count) throw new CopyRefusedError(`${read} of ${index.count} keys were read: the source was written to in a way that was not seen`);
    linkSync(partial, path); // Unlike a rename this never takes the place of another file.
    rmSync(partial);
    await syncFolder(dirname(path));
    return { count, raised: 0, revision: last, encrypted };
  } catch (error) {
    removeSqliteFile(partial);
    throw error;
  }
}

function revisionOf(revisions: ReadonlyMap<string, Revision>, { key }: Entry): Revision {
  const revision = revisions.get(key);
  if (revision === undefined) throw new CopyRefusedError(`${key} was written while it was copied`);
  return revision;
}
