import { CompactedError, keyOfChange, revisionOfChange, type Change, type Entry, type Listing, type Revision, type Store } from "../../storage/store.ts";

/** What a store held a while ago, and what has happened to it since. */
export interface Past {
  /** In no order. */
  readonly entries: readonly Entry[];
  readonly revision: Revision;
  /** All changes later than `revision`, until the listing that was gone back from. */
  readonly changes: readonly Change[];
}

/** So many of the last changes are wanted, or fewer where the store has forgotten that many. */
const changesMax = 1_024;
const changesMin = 16;

/**
 * Goes back from the present by the last changes, so that clients who come back after a restart are told what they missed instead of being sent
 * to list everything again. Costs a read for each key that changed, however large the store is. For embedded stores, which nobody else writes to
 * meanwhile; undefined where there is nothing to go back to.
 */
export async function recentPast(store: Store, { entries, revision: present }: Pick<Listing, "entries" | "revision">): Promise<Past | undefined> {
  for (let back = changesMax; back >= changesMin; back /= 4) {
    const revision = Math.max(1, present - back);
    if (revision >= present) return undefined;
    try {
      return await goBack(store, entries, revision, present);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
    }
  }
  return undefined;
}

async function goBack(store: Store, entries: readonly Entry[], revision: Revision, present: Revision): Promise<Past> {
  const changes: Change[] = [];
  // Of all keys, since the last change may be one of somebody else's.
  using watch = store.watch("", { after: revision });
  for await (const change of watch) {
    changes.push(change);
    if (revisionOfChange(change) >= present) break;
  }
  /** By key: whether there was something before its first change. */
  const changed = new Map<string, boolean>();
  for (const change of changes) {
    const key = keyOfChange(change);
    if (!changed.has(key)) changed.set(key, change.type === "delete" || !change.created);
  }
  const before = await Promise.all([...changed].map(async ([key, existed]) => (existed ? store.get(key, { revision }) : undefined)));
  return { entries: [...entries.filter(({ key }) => !changed.has(key)), ...before.filter((entry) => entry !== undefined)], revision, changes };
}
