import { invalid } from "../../apimachinery/field-error.ts";
import type { KubeObject, ObjectMeta, ResourceType } from "../../apimachinery/object.ts";
import { alreadyExists, badRequest, conflict, internalStatusError, invalidError, notFoundError, staleObjectDetail, StatusError } from "../../apimachinery/status-error.ts";
import { pathSegmentName } from "../../api/names.ts";
import type { Resource, UpdateStrategy } from "../../api/resource.ts";
import { ConflictError, UnavailableError, type Revision } from "../../storage/store.ts";
import type { Clock } from "../../stdx/clock.ts";
import { equal } from "../../stdx/equal.ts";
import type { Random } from "../../stdx/random.ts";
import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { AdmissionOperation, UserInfo } from "../access.ts";
import { CacheEntry } from "../cache/cache-entry.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import { unavailable } from "../store-error.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { patienceOf } from "./patience.ts";
import { checkDeleteOptions, checkPreconditions, endsWithUpdate, planDeletion, type DeleteOptions, type DeletionPlan } from "./deletion.ts";
import { generatedName, timestamp, uuid } from "./identity.ts";
import { creationErrors, metadataErrors, metadataUpdateErrors } from "./metadata.ts";

/** How often a write starts over because somebody else wrote in between. */
const conflictRetriesMax = 100;
/** How many generated names are tried before the client hears that they are taken. */
const generatedNamesMax = 8;

/** Runs the admission plugins for one request. */
export interface Admission {
  mutate(operation: AdmissionOperation, object: KubeObject, oldObject: KubeObject | undefined): Promise<KubeObject>;
  validate(operation: AdmissionOperation, object: KubeObject | undefined, oldObject: KubeObject | undefined): Promise<void>;
}

/** What every write carries besides the object. */
export interface WriteContext {
  readonly user: UserInfo;
  readonly namespace: string;
  readonly dryRun: boolean;
  readonly admission: Admission;
  /** "" for the main resource. */
  readonly subresource: string;
  readonly warn: (text: string) => void;
  /** Records a step for the object that is written. */
  readonly step: (object: KubeObject, name: string, attributes?: Readonly<Record<string, string | number | boolean>>) => void;
  /** Keeps `metadata.managedFields`: who wrote which field. */
  readonly track: (next: KubeObject, live: KubeObject | undefined) => KubeObject;
  readonly signal?: AbortSignal;
}

/** What a kind does around a write, beyond its own fields: Services take addresses. */
export interface RegistryHooks {
  /** May change the object. What it took is given back by `end("refused")` when the write fails. */
  beginCreate?(object: KubeObject, context: WriteContext): Begun | Promise<Begun>;
  beginUpdate?(next: KubeObject, previous: KubeObject, context: WriteContext): Begun | Promise<Begun>;
  /** `revision` is that of the deletion. */
  afterDelete?(object: KubeObject, revision: Revision): void | Promise<void>;
  /** An update that would end a deletion is held back. */
  holdsDeletion?(next: KubeObject): boolean;
  /** Where a delete does not go the usual way. */
  planDeletion?(object: KubeObject, options: DeleteOptions, nowMs: number): DeletionPlan | undefined;
}
/** How a write ended. "unknown": the store did not say, so it may have been done. */
export type Outcome = "stored" | "refused" | "unknown";
export interface Begun {
  readonly object: KubeObject;
  end(outcome: Outcome): void | Promise<void>;
}

export interface RegistryOptions {
  readonly state: ClusterState;
  readonly cache: WatchCache;
  readonly resource: Resource;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly hooks?: RegistryHooks;
  /** Objects that nobody writes for so long are news no more; what the store cannot see to itself, somebody else does. */
  readonly lifeMs?: number;
}

/** The result of a write. `entry` is in the cache, unless it was a dry run. */
export interface Written {
  readonly entry: CacheEntry;
  readonly created: boolean;
}
export interface Deleted {
  readonly entry: CacheEntry;
  /** False: it is only marked, and will go when its finalizers or its grace period are through. */
  readonly gone: boolean;
}

/** Computes what an object is to become from what it is; `undefined` when it does not exist. May throw. */
export type Change = (current: KubeObject | undefined) => KubeObject | Promise<KubeObject>;

/** Create, change and delete the objects of one resource: each request becomes one compare-and-set on one key. */
export class Registry {
  readonly resource: Resource;
  readonly cache: WatchCache;
  readonly #state: ClusterState;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #hooks: RegistryHooks;
  readonly #life: { readonly lifeMs?: number };

  constructor({ state, cache, resource, clock, random, hooks = {}, lifeMs }: RegistryOptions) {
    this.#state = state;
    this.cache = cache;
    this.resource = resource;
    this.#clock = clock;
    this.#random = random;
    this.#hooks = hooks;
    this.#life = lifeMs === undefined ? {} : { lifeMs };
  }

  get type(): ResourceType {
    return this.resource.type;
  }
  get #named() {
    return { group: this.type.group, resource: this.type.plural };
  }
  keyOf(namespace: string, name: string): string {
    return this.type.namespaced ? `${namespace}/${name}` : name;
  }

  /** As of every write acknowledged before the call. @throws {StatusError} NotFound. */
  get(namespace: string, name: string): Soon<CacheEntry> {
    const waiting = this.#state.fresh();
    const found = (): Soon<CacheEntry> => whenThere(this.#present(this.keyOf(namespace, name)), (entry) => {
      if (!entry) throw notFoundError(this.#named, name);
      return entry;
    });
    return waiting ? waiting.then(found) : found();
  }

  /** Waits only for what could not be read before. @throws {StatusError} InternalError when it still cannot. */
  #present(key: string): Soon<CacheEntry | undefined> {
    return this.cache.unreadable.size > 0 && this.cache.unreadable.has(key) ? this.#state.readAgain(this.cache, { key }).then(() => this.cache.get(key)) : this.cache.get(key);
  }

  /** `object` has the client's metadata, without what only the server may set. @throws {StatusError} */
  async create(object: KubeObject, context: WriteContext): Promise<Written> {
    let next = this.#forCreate(object, context);
    const generate = (next.metadata.name ?? "") === "" && (next.metadata.generateName ?? "") !== "";
    next = context.track(this.resource.defaults(next), undefined);
    const admitted = await context.admission.mutate("CREATE", next, undefined);
    if (admitted !== next) next = this.resource.defaults(admitted);

    for (let attempt = 1; ; attempt++) {
      const named = generate ? withMetadata(next, { name: generatedName(next.metadata.generateName ?? "", this.#random) }) : next;
      try {
        return await this.#insert(named, context);
      } catch (error) {
        if (!generate || !(error instanceof StatusError) || error.reason !== "AlreadyExists") throw error;
        if (attempt === generatedNamesMax) throw this.#generatedNameTaken(named.metadata.name ?? "");
      }
    }
  }

  #generatedNameTaken(name: string): StatusError {
    const { group, plural } = this.type;
    return new StatusError("AlreadyExists", `${group === "" ? plural : `${plural}.${group}`} ${JSON.stringify(name)} already exists, the server was not able to generate a unique name for the object`, {
      details: { name, ...(group !== "" && { group }), kind: plural, retryAfterSeconds: 1 },
    });
  }

  /** What a client says about identity and deletion is dropped on create. */
  #forCreate(object: KubeObject, { namespace }: WriteContext): KubeObject {
    const { uid: _, creationTimestamp: __, deletionTimestamp: ___, deletionGracePeriodSeconds: ____, selfLink: _____, resourceVersion, ...metadata } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== "" && resourceVersion !== "0") {
      throw new StatusError("", "resourceVersion should not be set on objects to be created", { code: 400 });
    }
    return { ...object, metadata: this.#inNamespace({ ...metadata, uid: uuid(this.#random), creationTimestamp: timestamp(this.#clock.now()) }, namespace) };
  }

  #inNamespace(metadata: ObjectMeta, requested: string): ObjectMeta {
    const namespace = this.type.namespaced ? requested : "";
    const own = metadata.namespace ?? "";
    if (own === namespace) return metadata;
    if (own === "") return { ...metadata, namespace };
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }

  async #insert(object: KubeObject, context: WriteContext): Promise<Written> {
    let next = this.resource.prepareForCreate(object);
    next = withGeneration(next, this.resource.generation && !this.resource.generationFromClient ? 1 : next.metadata.generation);
    const begun = await this.#hooks.beginCreate?.(next, context);
    let outcome: Outcome = "refused";
    try {
      if (begun) next = begun.object;
      this.#refuse(creationErrors(next, this.resource), next.metadata.name ?? "");
      for (const warning of this.resource.warningsOnCreate(next)) context.warn(warning);
      await context.admission.validate("CREATE", next, undefined);
      context.step(next, "validated");
      outcome = context.dryRun ? "refused" : "unknown";
      const entry = await this.#put(next, 0, context);
      outcome = context.dryRun ? "refused" : "stored";
      return { entry, created: true };
    } catch (error) {
      if (nothingWritten(error)) outcome = "refused";
      if (error instanceof ConflictError) throw alreadyExists(this.#named, next.metadata.name ?? "");
      throw error;
    } finally {
      await begun?.end(outcome);
    }
  }

  /** @throws {StatusError} NotFound, Conflict, Invalid, … */
  async update(
    name: string, change: Change, context: WriteContext,
    options: { readonly strategy?: UpdateStrategy<KubeObject>; readonly create?: boolean; readonly uid?: string } = {},
  ): Promise<Written> {
    const strategy = options.strategy ?? this.resource;
    const create = options.create ?? false;
    for (let attempt = 0; ; attempt++) {
      const waiting = this.#state.fresh();
      if (waiting) await waiting;
      const current = await this.#present(this.keyOf(context.namespace, name));
      try {
        if (!current) {
          if (!create) throw notFoundError(this.#named, name);
          const object = await change(undefined);
          const { resourceVersion: _, ...metadata } = object.metadata;
          return await this.create({ ...object, metadata }, context);
        }
        return await this.#replace(current, change, strategy, context, options.uid);
      } catch (error) {
        if (error instanceof ConflictError) {
          if (attempt === conflictRetriesMax) throw conflict(this.#named, name, staleObjectDetail);
          await this.#state.caughtUp(error.actual);
          continue;
        }
        throw error;
      }
    }
  }

  async #replace(current: CacheEntry, change: Change, strategy: UpdateStrategy<KubeObject>, context: WriteContext, uid: string | undefined): Promise<Written> {
    const previous = current.object;
    const name = previous.metadata.name ?? "";
    let next = await change(previous);
    if (uid !== undefined && uid !== previous.metadata.uid) {
      throw conflict(this.#named, name, `StorageError: invalid object, Code: 4, Key: ${this.cache.prefix}${current.key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid ?? ""}`);
    }
    const given = next.metadata.resourceVersion ?? "";
    if (given === "" || given === "0") {
      if (!this.resource.unconditionalUpdate) {
        throw invalidError({ group: this.type.group, kind: this.type.plural }, name, [invalid("metadata.resourceVersion", 0, "must be specified for an update")]);
      }
    } else if (given !== previous.metadata.resourceVersion) throw conflict(this.#named, name, staleObjectDetail);

    next = this.resource.defaults({ ...next, metadata: keptMetadata(this.#inNamespace(next.metadata, context.namespace), previous.metadata) });
    next = context.track(next, previous);
    const admitted = await context.admission.mutate("UPDATE", next, previous);
    if (admitted !== next) next = this.resource.defaults({ ...admitted, metadata: keptMetadata(admitted.metadata, previous.metadata) });

    next = strategy.prepareForUpdate(next, previous);
    if (this.resource.generation) {
      const grows = context.subresource !== "status" && (this.resource.generationGrows?.(next, previous) ?? !sameSpec(next, previous));
      const generation = (previous.metadata.generation ?? 0) + (grows ? 1 : 0);
      // An object from before its kind had generations has none until its spec changes.
      next = withGeneration(next, generation === 0 ? undefined : generation);
    } else next = withGeneration(next, previous.metadata.generation);

    const begun = await this.#hooks.beginUpdate?.(next, previous, context);
    let outcome: Outcome = "refused";
    try {
      if (begun) next = begun.object;
      this.#refuse([...metadataErrors(next.metadata, { type: this.type, anyFinalizer: this.resource.anyFinalizer, validateName: pathSegmentName }), ...metadataUpdateErrors(next.metadata, previous.metadata), ...strategy.validateUpdate(next, previous)], name);
      for (const warning of strategy.warningsOnUpdate?.(next, previous) ?? []) context.warn(warning);
      await context.admission.validate("UPDATE", next, previous);

      if (endsWithUpdate(next, previous) && !this.#hooks.holdsDeletion?.(next)) {
        const gone = await this.#remove(current, context);
        if (!context.dryRun) await this.#hooks.afterDelete?.(previous, gone);
        return { entry: CacheEntry.ofObject(this.cache.form, current.key, gone, next), created: false };
      }
      const bytes = this.cache.form.encode(next);
      if (this.#unchanged(next, bytes, current) && (context.dryRun || !(await this.#isStale(current, context)))) return { entry: current, created: false };
      context.step(next, "validated");
      outcome = context.dryRun ? "refused" : "unknown";
      const entry = await this.#put(next, current.revision, context, bytes);
      outcome = context.dryRun ? "refused" : "stored";
      return { entry, created: false };
    } catch (error) {
      if (nothingWritten(error)) outcome = "refused";
      throw error;
    } finally {
      await begun?.end(outcome);
    }
  }

  /** A write that changes nothing is not written, so that it wakes nobody. Who wrote it when does not count as a change. */
  #unchanged(next: KubeObject, bytes: Uint8Array, current: CacheEntry): boolean {
    const present = current.json;
    const sameLength = bytes.length === present.length - `"resourceVersion":"${current.revision}",`.length;
    return sameLength && equal(withoutVersion(next), withoutVersion(current.object));
  }

  /** Stored with another key than it would be today: an update rewrites it, whatever it changes. That is how keys are rotated. */
  #isStale({ key }: CacheEntry, { signal }: WriteContext): Promise<boolean> | false {
    const stale = this.#state.store.stale?.(this.cache.prefix + key, signal && { signal }) ?? false;
    return stale && stale.catch((error: unknown) => Promise.reject(storeError(error)));
  }

  /** @throws {StatusError} NotFound, Conflict when a precondition fails. */
  async delete(name: string, options: DeleteOptions, context: WriteContext): Promise<Deleted> {
    checkDeleteOptions(options);
    for (let attempt = 0; ; attempt++) {
      const waiting = this.#state.fresh();
      if (waiting) await waiting;
      const current = await this.#present(this.keyOf(context.namespace, name));
      if (!current) throw notFoundError(this.#named, name);
      checkPreconditions(current.object, options, this.resource);
      const nowMs = this.#clock.now();
      const plan = this.#hooks.planDeletion?.(current.object, options, nowMs) ?? planDeletion(current.object, options, this.resource, nowMs);
      try {
        switch (plan.is) {
          case "pending":
            return { entry: current, gone: false };
          case "mark":
            await context.admission.validate("DELETE", undefined, current.object);
            if (equal(withoutVersion(plan.object), withoutVersion(current.object))) return { entry: current, gone: false };
            return { entry: await this.#put(plan.object, current.revision, context), gone: false };
          case "remove": {
            await context.admission.validate("DELETE", undefined, current.object);
            const revision = await this.#remove(current, context);
            if (!context.dryRun) await this.#hooks.afterDelete?.(current.object, revision);
            return { entry: context.dryRun ? current : current.at(revision), gone: true };
          }
        }
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        if (attempt === conflictRetriesMax) throw conflict(this.#named, name, staleObjectDetail);
        await this.#state.caughtUp(error.actual);
      }
    }
  }

  /** Writes without any strategy: for what the server itself decides. `change` gives back the object it got when there is nothing to do. */
  async write(namespace: string, name: string, change: (current: KubeObject) => KubeObject, context: WriteContext): Promise<CacheEntry> {
    for (let attempt = 0; ; attempt++) {
      const current = await this.get(namespace, name);
      const next = change(current.object);
      if (next === current.object) return current;
      try {
        return await this.#put(next, current.revision, context);
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        if (attempt === conflictRetriesMax) throw conflict(this.#named, name, staleObjectDetail);
        await this.#state.caughtUp(error.actual);
      }
    }
  }

  #refuse(errors: Parameters<typeof invalidError>[2], name: string): void {
    if (errors.length > 0) throw invalidError(this.type, name, errors);
  }

  async #put(object: KubeObject, expected: Revision, context: WriteContext, bytes = this.cache.form.encode(object)): Promise<CacheEntry> {
    const key = this.keyOf(object.metadata.namespace ?? "", object.metadata.name ?? "");
    if (context.dryRun) {
      const present = this.cache.get(key);
      if ((present?.revision ?? 0) !== expected) throw new ConflictError(key, expected, present?.revision ?? 0);
      return new DryEntry(this.cache.form, key, expected, object);
    }
    const patienceMs = patienceOf(this.type, object.metadata.namespace ?? "", expected);
    const done = this.cache.expect(key, bytes, object);
    try {
      const revision = await this.#state.store.put(this.cache.prefix + key, bytes, { expected, patienceMs, ...this.#life, ...(context.signal && { signal: context.signal }) });
      if (this.#state.revision < revision) await this.#state.caughtUp(revision);
      context.step(object, "stored", { revision });
      const entry = this.cache.get(key);
      return entry?.revision === revision ? entry : new CacheEntry(this.cache.form, key, revision, bytes, object);
    } catch (error) {
      throw storeError(error);
    } finally {
      done();
    }
  }

  async #remove(current: CacheEntry, context: WriteContext): Promise<Revision> {
    if (context.dryRun) return current.revision;
    try {
      const revision = await this.#state.store.delete(this.cache.prefix + current.key, { expected: current.revision, ...(context.signal && { signal: context.signal }) });
      if (this.#state.revision < revision) await this.#state.caughtUp(revision);
      context.step(current.object, "deleted", { revision });
      return revision;
    } catch (error) {
      throw storeError(error);
    }
  }
}

/** What a dry run answers: never stored; a new object has no resourceVersion, a changed one keeps that of what is stored. */
class DryEntry extends CacheEntry {
  readonly #plain: KubeObject;

  constructor(form: CacheEntry["form"], key: string, revision: Revision, object: KubeObject) {
    super(form, key, revision, form.encode(object), object);
    this.#plain = revision === 0 ? object : { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  }
  override get object(): KubeObject {
    return this.#plain;
  }
  override read(): KubeObject {
    return this.#plain;
  }
  override view(form: CacheEntry["form"], convert: (object: KubeObject) => KubeObject): CacheEntry {
    return form === this.form ? this : new DryEntry(form, this.key, this.revision, convert(this.#plain));
  }
  override get jsonLine(): Buffer {
    return Buffer.from(`${JSON.stringify(this.#plain)}\n`);
  }
}

/** Whether a write that failed so has certainly not been done. */
const nothingWritten = (error: unknown): boolean => error instanceof ConflictError || (error instanceof StatusError && error.cause instanceof UnavailableError);

function storeError(error: unknown): unknown {
  const told = unavailable(error);
  if (told !== error) return told;
  return error instanceof Error || error === undefined ? error : internalStatusError(String(error));
}

const withMetadata = (object: KubeObject, metadata: Partial<ObjectMeta>): KubeObject => ({ ...object, metadata: { ...object.metadata, ...metadata } });

function withGeneration(object: KubeObject, generation: number | undefined): KubeObject {
  if (object.metadata.generation === generation) return object;
  const { generation: _, ...metadata } = object.metadata;
  return { ...object, metadata: generation === undefined ? metadata : { ...metadata, generation } };
}

/** What an update may not say: it is put back to what it was, whatever the client sent. */
function keptMetadata(next: ObjectMeta, previous: ObjectMeta): ObjectMeta {
  const { resourceVersion: _, selfLink: __, ...metadata } = next;
  const uid = metadata.uid === undefined || metadata.uid === "" ? previous.uid : metadata.uid;
  return {
    ...metadata,
    ...(uid !== undefined && { uid }),
    ...(previous.creationTimestamp !== undefined && { creationTimestamp: previous.creationTimestamp }),
    ...(previous.deletionTimestamp !== undefined && { deletionTimestamp: previous.deletionTimestamp }),
    ...(previous.deletionGracePeriodSeconds !== undefined && metadata.deletionGracePeriodSeconds === undefined && { deletionGracePeriodSeconds: previous.deletionGracePeriodSeconds }),
  };
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _, managedFields, ...metadata } = object.metadata;
  return { ...object, metadata: managedFields === undefined ? metadata : { ...metadata, managedFields: managedFields.map(({ time: __, ...entry }) => entry) } };
}

function sameSpec(next: KubeObject, previous: KubeObject): boolean {
  const { metadata: _, status: __, ...a } = next as KubeObject & { readonly status?: unknown };
  const { metadata: ___, status: ____, ...b } = previous as KubeObject & { readonly status?: unknown };
  return equal(a, b);
}
