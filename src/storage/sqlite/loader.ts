import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import type { Entry, Revision } from "../store.ts";
import { companionSuffixes } from "./companions.ts";
import { Database } from "./database.ts";
import { bytesMaxDefault } from "./protocol.ts";

/** Entries share a transaction, since each costs two flushes of the disk. */
const groupBytesMax = 16 * 1024 * 1024;

/** Removes a store that nobody has open. */
export function removeSqliteFile(path: string): void {
  for (const suffix of ["", ...companionSuffixes]) rmSync(`${path}${suffix}`, { force: true });
}

/**
 * Makes a store of its own out of entries that each have their revision already; all revisions up to `revision` count as given out, and all history
 * as forgotten. What lay at `path` before is overwritten. The file is complete and durable when this resolves, and one file alone.
 */
export async function writeSqliteFile(path: string, entries: AsyncIterable<readonly Entry[]>, revision: Revision, { bytesMax = bytesMaxDefault }: { readonly bytesMax?: number } = {}): Promise<number> {
  removeSqliteFile(path);
  const database = new Database({ path, bytesMax });
  let count = 0;
  try {
    let [group, groupBytes]: [Entry[], number] = [[], 0];
    const load = (): void => {
      database.load(group, revision);
      count += group.length;
      [group, groupBytes] = [[], 0];
    };
    for await (const each of entries) {
      for (const entry of each) {
        group.push(entry);
        groupBytes += entry.value.length;
        if (groupBytes >= groupBytesMax) load();
      }
    }
    load();
  } finally {
    database.close();
  }
  for (const suffix of companionSuffixes) rmSync(`${path}${suffix}`, { force: true });
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return count;
}
