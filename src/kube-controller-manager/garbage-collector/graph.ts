import { customresourcedefinitions } from "../../api/generated/apiextensions-v1.ts";
import { keyOf, splitApiVersion, type KubeObject, type ObjectKey, type OwnerReference, type ResourceType } from "../../apimachinery/object.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import type { Change } from "../../client/cache.ts";
import { cacheOf, type Context } from "../../client/controller.ts";
import { Lru } from "../../client/lru.ts";
import { race } from "../../stdx/abort.ts";
import { deletableResources } from "../shared/served-resources.ts";
import { stateOf, type OwnerState } from "./plan.ts";

/** An object, wherever it is kept. */
export interface Located {
  readonly type: ResourceType;
  readonly key: ObjectKey;
}
const ownerIndex = "owner";
const absentOwnersMax = 5000;
const resourceName = ({ group, plural }: ResourceType): string => `${plural}.${group}`;
const kindName = (group: string, kind: string): string => `${kind}.${group}`;

/** Who owns whom, over all resources: nothing but indexes of the caches that the process has anyway. */
export class Graph {
  readonly #context: Context;
  readonly #changed: (type: ResourceType, change: Change<KubeObject>) => void;
  readonly #types = new Map<string, { readonly type: ResourceType; readonly listener: Disposable }>();
  readonly #kinds = new Map<string, ResourceType>();
  readonly #absent = new Lru<string, true>({ entriesMax: absentOwnersMax });

  constructor(context: Context, changed: (type: ResourceType, change: Change<KubeObject>) => void) {
    this.#context = context;
    this.#changed = changed;
  }

  /** Follows definitions of resources: watches those that are new and forgets those that are gone. Resolves when all are known. */
  async sync(): Promise<void> {
    const { informers, signal } = this.#context;
    // Events are many, own nothing that matters, and end by themselves.
    const wanted = new Map(deletableResources(this.#context).filter(({ plural, verbs }) => plural !== "events" && verbs.includes("watch")).map((type) => [resourceName(type), type]));
    for (const [name, { type, listener }] of this.#types) {
      const next = wanted.get(name);
      if (next?.version === type.version) continue;
      listener[Symbol.dispose]();
      informers.stop(type);
      this.#types.delete(name);
      this.#kinds.delete(kindName(type.group, type.kind));
    }
    const added = [...wanted.values()].filter((type) => !this.#types.has(resourceName(type)));
    for (const type of added) cacheOf(this.#context, type).addIndex(ownerIndex, ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? []);
    await Promise.all(added.map((type) => informers.of(type).whenSyncedOrMissing(signal)));
    const told: Promise<void>[] = [];
    for (const type of added) {
      if (this.#types.has(resourceName(type))) continue;
      this.#kinds.set(kindName(type.group, type.kind), type);
      const listener = cacheOf(this.#context, type).follow((change) => this.#changed(type, change));
      told.push(listener.told);
      this.#types.set(resourceName(type), { type, listener });
    }
    await race(Promise.all(told), signal);
  }

  locate(type: ResourceType, object: KubeObject): Located {
    return { type, key: keyOf(object) };
  }

  /** Undefined when it is gone, or of a resource that is not watched. */
  find({ type, key }: Located): KubeObject | undefined {
    return this.#types.has(resourceName(type)) ? cacheOf(this.#context, type).get(key) : undefined;
  }

  /** Everything that has a reference to this UID. */
  dependentsOf(uid: string): (Located & { readonly object: KubeObject })[] {
    const found: (Located & { readonly object: KubeObject })[] = [];
    for (const { type } of this.#types.values()) {
      for (const object of cacheOf(this.#context, type).by(ownerIndex, uid)) found.push({ type, key: keyOf(object), object });
    }
    return found;
  }

  /** Where the owner would be, seen from its dependent; undefined when its kind is not served. */
  ownerOf(dependent: KubeObject, { apiVersion, kind, name }: OwnerReference): Located | undefined {
    const type = this.#kinds.get(kindName(splitApiVersion(apiVersion).group, kind));
    if (!type) return undefined;
    const { namespace = "" } = dependent.metadata;
    return { type, key: type.namespaced ? `${namespace}/${name}` : name };
  }

  /** Known in the cache with that UID: no need to ask. */
  isKnown(dependent: KubeObject, reference: OwnerReference): boolean {
    const owner = this.ownerOf(dependent, reference);
    return owner !== undefined && this.find(owner)?.metadata.uid === reference.uid;
  }

  /** From the cache where it knows the owner; where it does not, the server has the last word. */
  async stateOfOwner(dependent: KubeObject, reference: OwnerReference): Promise<OwnerState> {
    const owner = this.ownerOf(dependent, reference);
    if (!owner || !this.#context.informers.of(owner.type).hasSynced) return "unknown";
    // An object of the whole cluster cannot be owned by one of a namespace; nobody can tell which was meant.
    if (owner.type.namespaced && dependent.metadata.namespace === undefined) return "unknown";
    const cached = this.find(owner);
    if (cached && cached.metadata.uid === reference.uid) return stateOf(cached);
    const absentKey = `${reference.uid} ${dependent.metadata.namespace ?? ""}`;
    if (this.#absent.get(absentKey)) return "absent";

    const { client, signal } = this.#context;
    const { namespace } = dependent.metadata;
    const live = await client.get(owner.type, { name: reference.name, ...(owner.type.namespaced && namespace !== undefined && { namespace }) }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (live?.metadata.uid === reference.uid) return stateOf(live);
    this.#absent.set(absentKey, true);
    return "absent";
  }

  /** An object with that UID is in another namespace. */
  livesElsewhere(dependent: KubeObject, reference: OwnerReference): boolean {
    const owner = this.ownerOf(dependent, reference);
    return owner !== undefined && cacheOf(this.#context, owner.type).list().some(({ metadata }) => metadata.uid === reference.uid && metadata.namespace !== dependent.metadata.namespace);
  }

  /** When a definition changes, its resource may begin or cease to be. */
  onDefinitionsChange(changed: () => void): Disposable {
    return cacheOf(this.#context, customresourcedefinitions).onChange(changed);
  }

  /** A queue's name for an object, and back. */
  nameOf({ type, key }: Located): string {
    return `${resourceName(type)} ${key}`;
  }
  locatedOf(name: string): Located | undefined {
    const space = name.indexOf(" ");
    const type = this.#types.get(name.slice(0, space))?.type;
    return type && { type, key: name.slice(space + 1) };
  }
}
