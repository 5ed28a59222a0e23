import { isEncrypted } from "../encryption/transformer.ts";
import type { Entry, Revision, Store } from "../store.ts";

import { readState } from "./read-state.ts";
import { StateIndex } from "./state.ts";
import { copyFolderOf, markerOf, unfinishedCopy } from "./unfinished.ts";

export interface CopyOptions {
  readonly source: Store;
  readonly target: Store;
  /** Only what lies under it is copied, and the target must have nothing under it. */
  readonly prefix: string;
  /** Keys that say something about the source alone. */
  readonly leaveOut?: (key: string) => boolean;
  /** Begins anew where an earlier copy was interrupted. */
  readonly restart?: boolean;
  /** "raising" counts revisions, the others keys. */
  readonly onProgress?: (phase: "clearing" | "raising" | "copying" | "checking", done: number, total: number) => void;
  /** Keys have other names in the place of the target (or of the source) than here. */
  readonly renames?: boolean;
  /** What an interrupted copy says of itself: where it came from, when. */
  readonly about: string;
  readonly signal: AbortSignal;
}

export interface Copied {
  readonly count: number;
  /** How many revisions were used up to bring the target beyond the source. */
  readonly raised: number;
  readonly revision: Revision;
}

/** The target is not fit for a copy; the message says why and what helps. */
export class CopyRefusedError extends Error {
  override readonly name = "CopyRefusedError";
}

const fillerOf = (prefix: string, worker: number): string => `${copyFolderOf(prefix)}raise-${worker}`;
/** Writes in flight while revisions are used up. */
const raisersMax = 128;
/** Values that are read ahead of their writing. */
const aheadMax = 64;
const checkedPage = 500;

/**
 * Fills an empty store, which numbers its own revisions, with the state of another one that nobody writes to. Keys are written one after the other in
 * the order in which they were last changed, so that this order is that of the new revisions. Before the first of them the target is brought beyond
 * the last revision of the source, by writing to keys that are deleted again, and at the end its history is forgotten: a client that comes back with a
 * revision of the source is told that it is too old, where it would otherwise wait in silence for a revision that is yet to come, or take what
 * it knows for newer than what there is. What was copied is read back and compared. @throws {CopyRefusedError}
 */
export async function copyIntoStore(options: CopyOptions): Promise<Copied> {
  const { source, target, prefix, signal, onProgress = () => undefined } = options;
  await makeRoom(options);
  const index = await indexOf(options);
  const upTo = Math.max(source.revision, index.revision);
  const raised = await raise(options, upTo);

  const keys = index.inOrder().filter(({ key }) => key !== markerOf(prefix) && options.leaveOut?.(key) !== true);
  const reading: Promise<Entry | undefined>[] = [];
  const read = (at: number): void => {
    const key = keys[at];
    if (!key) return;
    const entry = source.get(key.key, { signal });
    entry.catch(() => undefined); // Told where it is awaited.
    reading.push(entry);
  };
  for (let at = 0; at < aheadMax; at++) read(at);
  for (const [at, { key, revision }] of keys.entries()) {
    const entry = await reading.shift();
    read(at + aheadMax);
    if (entry?.revision !== revision) throw new CopyRefusedError(`${key} was changed while it was copied: nobody may write to the source`);
    // AES-GCM and its like bind a value to its place, and where a store has another name for the key, that one counts.
    if (isEncrypted(entry.value) && options.renames === true) throw new CopyRefusedError(`${key} is encrypted and bound to its name, which would be another one in the destination: copy to the prefix /registry`);
    await target.put(key, entry.value, { expected: 0, signal });
    onProgress("copying", at + 1, keys.length);
  }
  await check(options, keys);
  for (const { key, revision } of await everything(target, copyFolderOf(prefix), signal)) if (key !== markerOf(prefix)) await target.delete(key, { expected: revision, signal });
  await target.compact(target.revision);
  // The last step: without its mark the copy is whole.
  await target.delete(markerOf(prefix), { expected: (await target.get(markerOf(prefix), { signal }))?.revision ?? 0, signal });
  return { count: keys.length, raised, revision: target.revision };
}

async function everything(store: Store, prefix: string, signal: AbortSignal): Promise<readonly Entry[]> {
  return (await store.list(prefix, { signal })).entries;
}

/** Sees that the target is empty, and marks it as unfinished. */
async function makeRoom({ target, prefix, restart = false, about, signal, onProgress }: CopyOptions): Promise<void> {
  const unfinished = await unfinishedCopy(target, prefix);
  if (unfinished !== undefined) {
    if (!restart) throw new CopyRefusedError(`the destination holds an unfinished copy (${unfinished}): say --restart to remove it and begin anew`);
    const left = (await everything(target, prefix, signal)).filter(({ key }) => key !== markerOf(prefix));
    for (const [at, { key, revision }] of left.entries()) {
      await target.delete(key, { expected: revision, signal });
      onProgress?.("clearing", at + 1, left.length);
    }
    return;
  }
  const { entries: [first], remaining } = await target.list(prefix, { limit: 1, signal });
  if (first) throw new CopyRefusedError(`the destination is not empty: it has ${remaining + 1} keys, such as ${first.key}`);
  await target.put(markerOf(prefix), Buffer.from(about), { expected: 0, signal });
}

async function indexOf({ source, prefix, signal }: CopyOptions): Promise<StateIndex> {
  const index = new StateIndex();
  for await (const frames of readState(source, { prefix, signal })) index.add(frames);
  return index;
}

/** Every write uses up a revision, whatever it writes: several at a time, each to a key of its own. */
async function raise({ target, prefix, signal, onProgress }: CopyOptions, upTo: Revision): Promise<number> {
  const from = target.revision;
  const total = upTo - from;
  if (total <= 0) return 0;
  let begun = 0;
  let done = 0;
  await Promise.all(Array.from({ length: Math.min(raisersMax, total) }, async (_, worker) => {
    let expected = (await target.get(fillerOf(prefix, worker), { signal }))?.revision ?? 0;
    while (begun < total && target.revision < upTo) {
      begun++;
      expected = await target.put(fillerOf(prefix, worker), new Uint8Array(), { expected, signal });
      done++;
      onProgress?.("raising", done, total);
    }
  }));
  return target.revision - from;
}

/** Every key with its value, in the order that was asked for, and nothing else. */
async function check({ source, target, prefix, signal, onProgress }: CopyOptions, keys: readonly { readonly key: string }[]): Promise<void> {
  const places = new Map(keys.map(({ key }, place) => [key, place]));
  const revisions = Array.from<Revision>({ length: keys.length }).fill(0);
  let [after, found] = ["", 0];
  for (;;) {
    const { entries, remaining } = await target.list(prefix, { limit: checkedPage, signal, ...(after !== "" && { after }) });
    for (const { key, value, revision } of entries) {
      if (key.startsWith(copyFolderOf(prefix))) continue;
      const place = places.get(key);
      const original = await source.get(key, { signal });
      if (place === undefined || !original || Buffer.compare(original.value, value) !== 0) throw new CopyRefusedError(`${key} is not in the destination what it is in the source: does somebody else write to one of them?`);
      revisions[place] = revision;
      found++;
      onProgress?.("checking", found, keys.length);
    }
    if (remaining === 0) break;
    after = entries.at(-1)?.key ?? after;
  }
  if (found !== keys.length || revisions.some((revision, at) => revision <= (revisions[at - 1] ?? 0))) throw new CopyRefusedError("the destination does not have every key in its order: does somebody else write to it?");
}
