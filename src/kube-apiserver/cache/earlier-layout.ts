import type { ResourceType } from "../../apimachinery/object.ts";
import { ConflictError, type Entry, type Store } from "../../storage/store.ts";
import type { Log } from "../../stdx/log.ts";
import { prefixOf, storageRoot } from "./storage-keys.ts";

/** The core group's resources, without which no cluster is, lay under this; a custom resource's group has a dot, so nothing else ever does. */
const earlierCore = `${storageRoot}core/`;

/** Where the first versions of Keelson kept a resource: under its group, and the core group's under "core". */
const earlierPrefixOf = ({ group, plural }: ResourceType): string => (group === "" ? `${earlierCore}${plural}/` : `${storageRoot}${group}/${plural}/`);

export interface EarlierLayoutOptions {
  readonly store: Store;
  readonly types: readonly ResourceType[];
  /** Everything that is stored. */
  readonly entries: readonly Entry[];
  readonly log: Log;
}

/**
 * Moves what lies where the first versions kept it to where upstream does, which is where it is read from; without this such a cluster would seem to be
 * empty. Each object is there under at least one of its keys all the time, and those of the core group go last, in the order of their revisions: whoever
 * is stopped in between goes on with the rest. Where a version in between has begun a new cluster over the old one, what is there already stays.
 * Resolves to whether anything was moved.
 */
export async function moveEarlierLayout({ store, types, entries, log }: EarlierLayoutOptions): Promise<boolean> {
  if (!entries.some(({ key }) => key.startsWith(earlierCore))) return false;
  const targets = new Map(types.map((type) => [earlierPrefixOf(type), prefixOf(type)] as const).filter(([from, to]) => from !== to));
  const moves = entries.flatMap((entry) => {
    const prefix = entry.key.split("/", 4).join("/") + "/";
    const target = targets.get(prefix);
    return target === undefined ? [] : [{ entry, key: target + entry.key.slice(prefix.length) }];
  });
  const isCore = (key: string): number => (key.startsWith(earlierCore) ? 1 : 0);
  for (const { entry, key } of moves.toSorted((a, b) => isCore(a.entry.key) - isCore(b.entry.key) || a.entry.revision - b.entry.revision)) {
    try {
      await store.put(key, entry.value, { expected: 0 });
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      log.warn("an object of an earlier version is there already, and stays as it is", { key });
    }
    await store.delete(entry.key, { expected: entry.revision });
  }
  log.info("state of an earlier version was moved to where it lies now", { objects: moves.length });
  return moves.length > 0;
}
