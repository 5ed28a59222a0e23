import type { Revision } from "./store.ts";

interface Span { readonly began: number; readonly ended: number }
/** What a client did and saw; a conflict is a read of what the key is at. Revision 0 stands for a key that does not exist. */
export type Operation = Span & (
  | { readonly is: "write"; readonly key: string; readonly expected: Revision; readonly revision: Revision; readonly remove: boolean }
  | { readonly is: "read"; readonly key: string; readonly revision: Revision }
  | { readonly is: "list"; readonly revisions: ReadonlyMap<string, Revision>; readonly revision: Revision }
);
type Write = Extract<Operation, { is: "write" }>;

/**
 * Revisions give the order in which the store says it worked; this checks that the order explains everything the clients saw, and respects time:
 * what ended before something else began comes before it. Returns what is wrong, in words.
 */
export function checkHistory(operations: readonly Operation[]): string[] {
  const problems: string[] = [];
  const writes = operations.filter((operation): operation is Write => operation.is === "write").toSorted((a, b) => a.revision - b.revision);

  const state = new Map<string, Revision>();
  /** State of all keys after each revision. */
  const states = new Map<Revision, ReadonlyMap<string, Revision>>([[1, new Map()]]);
  for (const [index, write] of writes.entries()) {
    if (write.revision !== index + 2) problems.push(`revision ${index + 2} is missing or twice`);
    if ((state.get(write.key) ?? 0) !== write.expected) problems.push(`write ${write.revision} of ${write.key} was based on ${write.expected}, but the key was at ${state.get(write.key) ?? 0}`);
    if (write.remove) state.delete(write.key);
    else state.set(write.key, write.revision);
    states.set(write.revision, new Map(state));
  }

  for (const operation of operations) {
    // The revisions at which the operation may have happened: not before what had ended when it began, not after what began when it had ended.
    const earliest = Math.max(1, ...writes.filter(({ ended }) => ended < operation.began).map(({ revision }) => revision));
    const latest = Math.max(1, ...writes.filter(({ began }) => began < operation.ended).map(({ revision }) => revision));
    if (operation.is === "write") {
      if (operation.revision <= earliest && earliest > 1) problems.push(`write ${operation.revision} began after write ${earliest} had ended`);
    } else if (operation.is === "list") {
      const then = states.get(operation.revision);
      const same = then?.size === operation.revisions.size && [...operation.revisions].every(([key, revision]) => then.get(key) === revision);
      if (!same) problems.push(`a list at revision ${operation.revision} does not show what was there`);
      if (operation.revision < earliest || operation.revision > latest) problems.push(`a list at revision ${operation.revision} ran between ${earliest} and ${latest}`);
    } else {
      let possible = false;
      for (let at = earliest; at <= latest && !possible; at++) possible = (states.get(at)?.get(operation.key) ?? 0) === operation.revision;
      if (!possible) problems.push(`a read of ${operation.key} saw revision ${operation.revision}, which it did not have between ${earliest} and ${latest}`);
    }
  }
  return problems;
}
