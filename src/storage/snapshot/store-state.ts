import type { Entry, Revision, Store } from "../store.ts";
import { CopyRefusedError, type OrderedState } from "./copy.ts";
import { readState } from "./read-state.ts";
import { StateIndex } from "./state.ts";

/** Values that are read ahead of their use. */
const aheadMax = 64;

/** The state of a store that nobody writes to, in the order of its revisions; who finds a key changed is told. */
export async function orderedStateOf(source: Store, { prefix, signal }: { readonly prefix: string; readonly signal: AbortSignal }): Promise<OrderedState> {
  const index = new StateIndex();
  for await (const frames of readState(source, { prefix, signal })) index.add(frames);
  return {
    index,
    async *entries() {
      const keys = index.inOrder();
      for (let from = 0; from < keys.length; from += aheadMax) {
        yield await Promise.all(keys.slice(from, from + aheadMax).map(({ key, revision }) => unchanged(source, key, revision, signal)));
      }
    },
  };
}

async function unchanged(source: Store, key: string, revision: Revision, signal: AbortSignal): Promise<Entry> {
  const entry = await source.get(key, { signal });
  if (entry?.revision !== revision) throw new CopyRefusedError(`${key} was changed while it was copied: nobody may write to the source`);
  return entry;
}
