import { hash } from "node:crypto";
import { isEncrypted } from "../encryption/transformer.ts";
import type { Entry, Revision, Store } from "../store.ts";

import { readState } from "./read-state.ts";
import { StateIndex } from "./state.ts";
import { copyFolderOf, markerOf } from "./unfinished.ts";

/** A state that can be gone through in the order in which its keys were last changed. */
export interface OrderedState {
  readonly index: StateIndex;
  entries(): AsyncIterable<readonly Entry[]>;
}

export interface CopyOptions {
  readonly source: OrderedState;
  readonly target: Store;
  /** Only what lies under it is copied and looked at. */
  readonly prefix: string;
  /** "fill": the target must have nothing under the prefix. "replace": what it has there is replaced. */
  readonly mode?: "fill" | "replace";
  /** Keys that say something about the source alone; those of the target are left to it. */
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
  /** How many of the values are encrypted; who serves the copy needs the keys. */
  readonly encrypted: number;
}

/** The target is not fit for a copy; the message says why and what helps. */
export class CopyRefusedError extends Error {
  override readonly name = "CopyRefusedError";
}

const fillerOf = (prefix: string, worker: number): string => `${copyFolderOf(prefix)}raise-${worker}`;
/** Writes in flight while revisions are used up. */
const raisersMax = 128;
const checkedPage = 500;

/**
 * Brings a state into a store that numbers its own revisions. Keys are written one after the other in the order in which they were last changed, so
 * that this order is that of the new revisions. Before the first of them the target is brought beyond the last revision of the source, by writing to keys that are deleted again, and at the end
 * its history is forgotten: a client that comes back with a revision of the source is told that it is too old, where it would otherwise wait in silence for a
 * revision that is yet to come, or take what it knows for newer than what there is. What was written is read back and compared. For as long as this is under way the target is marked as unfinished.
 * @throws {CopyRefusedError}
 */
export async function copyIntoStore(options: CopyOptions): Promise<Copied> {
  const { source, target, prefix, signal, onProgress } = options;
  await makeRoom(options);
  const raised = await raise(options, source.index.revision);
  const keys = source.index.inOrder().map(({ key }) => key).filter((key) => key !== markerOf(prefix) && options.leaveOut?.(key) !== true);
  const wanted = new Set(keys);
  const present = await presentKeys(options);
  for (const [key, revision] of present) if (!wanted.has(key)) await target.delete(key, { expected: revision, signal });

  let encrypted = 0;
  const digests = new Map<string, string>();
  for await (const entries of source.entries()) {
    for (const { key, value } of entries) {
      if (!wanted.has(key)) continue;
      if (isEncrypted(value)) encrypted++;
      // AES-GCM and its like bind a value to its place, and where a store has another name for the key, that one counts.
      if (encrypted > 0 && options.renames === true) throw new CopyRefusedError(`${key} is encrypted and bound to its name, which would be another one in the destination: copy to the prefix /registry`);
      await target.put(key, value, { expected: present.get(key) ?? 0, signal });
      digests.set(key, digestOf(value));
      onProgress?.("copying", digests.size, keys.length);
    }
  }
  await check(options, keys, digests);
  for (const { key, revision } of (await target.list(copyFolderOf(prefix), { signal })).entries) if (key !== markerOf(prefix)) await target.delete(key, { expected: revision, signal });
  await target.compact(target.revision);
  // The last step: without its mark the copy is whole.
  await target.delete(markerOf(prefix), { expected: (await target.get(markerOf(prefix), { signal }))?.revision ?? 0, signal });
  return { count: keys.length, raised, revision: target.revision, encrypted };
}

const digestOf = (value: Uint8Array): string => hash("sha256", value, "base64");

/** What the target has under the prefix, other than what the copy itself needs. */
async function presentKeys({ target, prefix, leaveOut, signal }: CopyOptions): Promise<ReadonlyMap<string, Revision>> {
  const index = new StateIndex();
  for await (const frames of readState(target, { prefix, signal })) index.add(frames);
  return new Map(index.inOrder().flatMap(({ key, revision }) => (key.startsWith(copyFolderOf(prefix)) || leaveOut?.(key) === true ? [] : [[key, revision] as const])));
}

/** Sees that the target is empty, where it must be, and marks it as unfinished. */
async function makeRoom(options: CopyOptions): Promise<void> {
  const { target, prefix, mode = "fill", restart = false, about, signal, onProgress } = options;
  const unfinished = await target.get(markerOf(prefix), { signal });
  if (mode === "replace") {
    await target.put(markerOf(prefix), Buffer.from(about), { expected: unfinished?.revision ?? 0, signal });
    return;
  }
  if (unfinished) {
    if (!restart) throw new CopyRefusedError(`the destination holds an unfinished copy (${Buffer.from(unfinished.value).toString()}): say --restart to remove it and begin anew`);
    const left = await presentKeys({ ...options, leaveOut: () => false });
    let done = 0;
    for (const [key, revision] of left) {
      await target.delete(key, { expected: revision, signal });
      done++;
      onProgress?.("clearing", done, left.size);
    }
    return;
  }
  const { entries: [first], remaining } = await target.list(prefix, { limit: 1, signal });
  if (first) throw new CopyRefusedError(`the destination is not empty: it has ${remaining + 1} keys, such as ${first.key}`);
  await target.put(markerOf(prefix), Buffer.from(about), { expected: 0, signal });
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
async function check({ target, prefix, leaveOut, signal, onProgress }: CopyOptions, keys: readonly string[], digests: ReadonlyMap<string, string>): Promise<void> {
  const revisions = new Map<string, Revision>();
  let after = "";
  for (;;) {
    const { entries, remaining } = await target.list(prefix, { limit: checkedPage, signal, ...(after !== "" && { after }) });
    for (const { key, value, revision } of entries) {
      if (key.startsWith(copyFolderOf(prefix)) || leaveOut?.(key) === true) continue;
      if (digests.get(key) !== digestOf(value)) throw new CopyRefusedError(`${key} is not in the destination what it is in the source: does somebody else write to one of them?`);
      revisions.set(key, revision);
      onProgress?.("checking", revisions.size, keys.length);
    }
    if (remaining === 0) break;
    after = entries.at(-1)?.key ?? after;
  }
  const inOrder = keys.every((key, at) => at === 0 || (revisions.get(key) ?? 0) > (revisions.get(keys[at - 1] ?? "") ?? Infinity));
  if (revisions.size !== keys.length || !inOrder) throw new CopyRefusedError("the destination does not have every key in its order: does somebody else write to it?");
}
