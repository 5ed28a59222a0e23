import type { KubeObject } from "../../apimachinery/object.ts";
import type { Turns } from "../../stdx/turns.ts";
import type { CacheEntry } from "./cache-entry.ts";

/** Entries that are looked at in one turn; each may have to be parsed first. */
const entriesPerTurn = 64;

/**
 * Which pods are on which node: what every kubelet asks when it starts, and what would otherwise be found by looking at all pods of the cluster. Made when
 * somebody asks first, bit by bit, while changes go on.
 */
export class NodeIndex {
  readonly #nodeOf: (object: KubeObject) => string;
  readonly #byNode = new Map<string, Map<string, CacheEntry>>();
  #complete = false;

  constructor(nodeOf: (object: KubeObject) => string) {
    this.#nodeOf = nodeOf;
  }

  /** `present` tells what is under a key by now: what changed since the picture was taken has told its node already. */
  async build(entries: readonly CacheEntry[], present: (key: string) => CacheEntry | undefined, turns: Turns): Promise<void> {
    for (const [index, entry] of entries.entries()) {
      if (index % entriesPerTurn === entriesPerTurn - 1) await turns.next();
      if (present(entry.key) === entry) this.#enter(entry);
    }
    this.#complete = true;
  }

  change(previous: CacheEntry | undefined, next: CacheEntry | undefined): void {
    if (previous) this.#leave(previous);
    if (next) this.#enter(next);
  }

  of(node: string): readonly CacheEntry[] | undefined {
    return this.#complete ? [...(this.#byNode.get(node)?.values() ?? [])] : undefined;
  }

  #enter(entry: CacheEntry): void {
    const node = entry.node(this.#nodeOf);
    const there = this.#byNode.get(node);
    if (there) there.set(entry.key, entry);
    else this.#byNode.set(node, new Map([[entry.key, entry]]));
  }

  #leave(entry: CacheEntry): void {
    const node = entry.node(this.#nodeOf);
    const there = this.#byNode.get(node);
    there?.delete(entry.key);
    if (there?.size === 0) this.#byNode.delete(node);
  }
}
