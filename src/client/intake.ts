import { keyOf, type KubeObject, type ObjectKey } from "../apimachinery/object.ts";
import type { Turns } from "../stdx/turns.ts";
import type { Change } from "./cache.ts";

/** So many objects are told of in one turn; each may have to be parsed first, and there can be a dozen listeners. */
const objectsPerTurn = 32;

interface Newcomer<T> {
  readonly listener: (change: Change<T>) => void;
  readonly told: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Tells those who begin to listen of everything that is there, bit by bit: all who come within the same time are told together, so that each object is looked at once for
 * all of them. To each it is as if it had begun to listen to an object when it was first told of it.
 */
export class Intake<T extends KubeObject> {
  readonly #objects: ReadonlyMap<ObjectKey, T>;
  readonly #turns: Turns;
  readonly #newcomers = new Set<Newcomer<T>>();
  /** What all newcomers were told of. */
  readonly #told = new Set<ObjectKey>();
  /** Come when the others are through. */
  readonly #waiting = new Set<Newcomer<T>>();
  #running = false;

  constructor(objects: ReadonlyMap<ObjectKey, T>, turns: Turns) {
    this.#objects = objects;
    this.#turns = turns;
  }

  /** `told` is called when the listener knows everything; from then on it has to hear of changes elsewhere. `failed` is called instead with what it threw. Disposing ends it without either. */
  join(newcomer: Newcomer<T>): Disposable {
    this.#waiting.add(newcomer);
    if (!this.#running) void this.#run();
    return {
      [Symbol.dispose]: () => {
        this.#waiting.delete(newcomer);
        this.#newcomers.delete(newcomer);
      },
    };
  }

  /** A change of what is there. */
  hear(change: Change<T>): void {
    const object = change.next ?? change.previous;
    if (this.#newcomers.size === 0 || !object) return;
    const key = keyOf(object);
    const known = this.#told.has(key);
    if (!change.next) this.#told.delete(key);
    else if (!known) this.#told.add(key);
    if (known) this.#tell(change);
    else if (change.next) this.#tell({ previous: undefined, next: change.next });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Who comes in the same turn comes along.
    await this.#turns.next();
    while (this.#waiting.size > 0) {
      for (const newcomer of this.#waiting) this.#newcomers.add(newcomer);
      this.#waiting.clear();
      await this.#tellAll();
      for (const newcomer of this.#newcomers) newcomer.told();
      this.#newcomers.clear();
      this.#told.clear();
    }
    this.#running = false;
  }

  async #tellAll(): Promise<void> {
    let count = 0;
    // A Map shows what is added while one goes through it, and not what was removed meanwhile.
    for (const key of this.#objects.keys()) {
      if (++count % objectsPerTurn === 0) await this.#turns.next();
      if (this.#newcomers.size === 0) return;
      const next = this.#objects.get(key);
      if (!next || this.#told.has(key)) continue;
      this.#told.add(key);
      this.#tell({ previous: undefined, next });
    }
  }

  /** One who fails is no newcomer any longer; the others hear all the same. */
  #tell(change: Change<T>): void {
    for (const newcomer of this.#newcomers) {
      try {
        newcomer.listener(change);
      } catch (error) {
        this.#newcomers.delete(newcomer);
        newcomer.failed(error);
      }
    }
  }
}
