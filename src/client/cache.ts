import { controllerOf, keyOf, type KubeObject, type ObjectKey } from "../apimachinery/object.ts";
import { Intake } from "./intake.ts";
import { ownTurns } from "./own-turns.ts";
import { isNotNewer, revisionOf } from "./resource-version.ts";

/** One change of one object: added without `previous`, deleted without `next`. Both are shared by reference and never changed. */
export interface Change<T> {
  readonly previous: T | undefined;
  readonly next: T | undefined;
}

/** Somebody who begins to listen. */
export interface Following extends Disposable {
  /** Resolves when the listener was told of everything that is there, or is disposed of before; rejects with what it threw meanwhile. */
  readonly told: Promise<void>;
}

/** So many objects are compared in one turn. */
const replacedPerTurn = 512;
/** So many objects are told of at once to who begins to listen. */
const toldAtOnceMax = 64;

/** What readers of a cache may do. */
export interface Lister<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(): T[];
  inNamespace(namespace: string): T[];
  /** Objects whose controlling owner has this UID. */
  controlledBy(uid: string): T[];
  by(index: string, value: string): T[];
}

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly keys: Map<string, Set<ObjectKey>>;
}

const namespaceIndex = "namespace";
const controllerIndex = "controller";

/**
 * A local copy of one resource, kept current by a watch, that also holds this process's own last writes (`noteWrite`, `noteDelete`), so that a
 * controller never acts twice on the same lack.
 *
 * Why noting is safe: the watch delivers changes in the order of their revisions. A write at revision R that was noted while the watch stands at S < R
 * will be delivered later, and so will everything that follows it, a deletion included. With R <= S the watch has already told the whole story
 * up to S, and the note is ignored. So nothing noted can outlive its object, and nothing acknowledged is missing.
 */
export class Cache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<ObjectKey, T>();
  /** Those that many ask for are kept from the beginning: to make one of a full cache takes too long for one stretch. */
  readonly #indexes = new Map<string, Index<T>>([
    [namespaceIndex, { valuesOf: ({ metadata }) => [metadata.namespace ?? ""], keys: new Map() }],
    [controllerIndex, { valuesOf: controllersOf, keys: new Map() }],
  ]);
  readonly #listeners = new Set<(change: Change<T>) => void>();
  #intake: Intake<T> | undefined;
  /** UIDs that this process deleted for good and that the watch has not yet reported as deleted. */
  readonly #gone = new Set<string>();
  #seenRevision = 0;

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  inNamespace(namespace: string): T[] {
    return this.by(namespaceIndex, namespace);
  }

  controlledBy(uid: string): T[] {
    return this.by(controllerIndex, uid);
  }

  by(index: string, value: string): T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`there is no index ${JSON.stringify(index)}`);
    const objects: T[] = [];
    for (const key of found.keys.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object) objects.push(object);
    }
    return objects;
  }

  /** Does nothing when an index of that name exists already. Costs a look at all that is there: it is for those who ask before the cache is filled. */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { valuesOf, keys: new Map() };
    this.#indexes.set(name, index);
    for (const object of this.#objects.values()) enter(index, object);
  }

  /** Calls back at once with every object that is there, then with each change, in order. Dispose the result to stop. */
  onChange(listener: (change: Change<T>) => void): Disposable {
    const own = (change: Change<T>) => listener(change); // The same function may be given twice.
    for (const next of this.#objects.values()) own({ previous: undefined, next });
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** As `onChange`, but where there are many objects they are told of bit by bit; changes of what was not told of yet wait until it is. */
  follow(listener: (change: Change<T>) => void): Following {
    if (this.#objects.size <= toldAtOnceMax) {
      const listening = this.onChange(listener);
      return { told: Promise.resolve(), [Symbol.dispose]: () => listening[Symbol.dispose]() };
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const own = (change: Change<T>) => listener(change);
    const told = () => {
      this.#listeners.add(own);
      resolve();
    };
    const joined = (this.#intake ??= new Intake(this.#objects, ownTurns)).join({ listener: own, told, failed: reject });
    const dispose = () => {
      joined[Symbol.dispose]();
      this.#listeners.delete(own);
      resolve();
    };
    return { told: promise, [Symbol.dispose]: dispose };
  }

  /** All objects as they were at one revision; what this process wrote later than that stays. */
  replace(objects: readonly T[], resourceVersion: string | undefined): void {
    for (const _ of this.#replacing(objects, resourceVersion));
  }

  /** As `replace`, bit by bit. No other news of the watch may come meanwhile; notes may. */
  async replaceInTurns(objects: readonly T[], resourceVersion: string | undefined): Promise<void> {
    let count = 0;
    for (const _ of this.#replacing(objects, resourceVersion)) if (++count % replacedPerTurn === 0) await ownTurns.next();
  }

  /** Yields where others may have their turn. */
  *#replacing(objects: readonly T[], resourceVersion: string | undefined): Generator<undefined, void> {
    const revision = revisionOf(resourceVersion) ?? 0;
    const listed = new Set<ObjectKey>();
    const listedUids = new Set<string>();
    for (const object of objects) {
      listed.add(keyOf(object));
      listedUids.add(object.metadata.uid ?? "");
      yield;
    }
    for (const uid of this.#gone) if (!listedUids.has(uid)) this.#gone.delete(uid);
    for (const [key, known] of this.#objects) {
      if (!listed.has(key) && (revisionOf(known.metadata.resourceVersion) ?? 0) <= revision) this.#remove(key, known);
      yield;
    }
    for (const object of objects) {
      this.#put(object);
      yield;
    }
    // What was noted meanwhile of an object that had ended by then.
    for (const [key, known] of this.#objects) {
      if (!listed.has(key) && (revisionOf(known.metadata.resourceVersion) ?? 0) <= revision) this.#remove(key, known);
      yield;
    }
    this.#seenRevision = revision;
  }

  /** One event of the watch. */
  apply(type: "ADDED" | "MODIFIED" | "DELETED", object: T): void {
    this.progress(object.metadata.resourceVersion);
    if (type !== "DELETED") return this.#put(object);

    this.#gone.delete(object.metadata.uid ?? "");
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known && known.metadata.uid === object.metadata.uid) this.#remove(key, object);
  }

  /** The watch has told everything up to this version. */
  progress(resourceVersion: string | undefined): void {
    this.#seenRevision = Math.max(this.#seenRevision, revisionOf(resourceVersion) ?? 0);
  }

  /** What the server answered to this process's own create, update or patch. */
  noteWrite(object: T): void {
    const revision = revisionOf(object.metadata.resourceVersion);
    if (revision !== undefined && revision > this.#seenRevision) this.#put(object);
  }

  /** This process deleted the object for good: hides it until the watch says so too. */
  noteDelete(key: ObjectKey, uid: string): void {
    const known = this.#objects.get(key);
    if (!known || known.metadata.uid !== uid) return;
    this.#gone.add(uid);
    this.#remove(key, known);
  }

  #put(object: T): void {
    if (this.#gone.has(object.metadata.uid ?? "")) return;
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous && isNotNewer(object, previous)) return;
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      this.#remove(key, previous); // Deleted and created again under the same name: two objects, two changes.
      return this.#put(object);
    }
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous) leave(index, previous);
      enter(index, object);
    }
    this.#tell({ previous, next: object });
  }

  /** `last` is the object's last known state, which listeners get. */
  #remove(key: ObjectKey, last: T): void {
    const known = this.#objects.get(key);
    if (!known) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) leave(index, known);
    this.#tell({ previous: last, next: undefined });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
    this.#intake?.hear(change);
  }
}

function controllersOf(object: KubeObject): readonly string[] {
  const controller = controllerOf(object);
  return controller ? [controller.uid] : none;
}
const none: readonly string[] = [];

function enter<T extends KubeObject>({ keys, valuesOf }: Index<T>, object: T): void {
  const key = keyOf(object);
  for (const value of valuesOf(object)) {
    const known = keys.get(value);
    if (known) known.add(key);
    else keys.set(value, new Set([key]));
  }
}

function leave<T extends KubeObject>({ keys, valuesOf }: Index<T>, object: T): void {
  const key = keyOf(object);
  for (const value of valuesOf(object)) {
    const known = keys.get(value);
    known?.delete(key);
    if (known?.size === 0) keys.delete(value);
  }
}
