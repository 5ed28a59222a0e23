import type { Store } from "../store.ts";

/** What a copy needs for itself lies here while it is under way. */
export const copyFolderOf = (prefix: string): string => `${prefix}.keelson-copy/`;

/** Stands in a store for as long as the copy into it is not whole. */
export const markerOf = (prefix: string): string => `${copyFolderOf(prefix)}unfinished`;

/** What an unfinished copy under `prefix` says of itself; a store that has one holds no state. */
export async function unfinishedCopy(store: Store, prefix: string): Promise<string | undefined> {
  const marker = await store.get(markerOf(prefix));
  return marker && Buffer.from(marker.value).toString();
}
