import { keyOf, type KubeObject, type ObjectKey, type ResourceType } from "../apimachinery/object.ts";
import { isStatusError, StatusError, type Status } from "../apimachinery/status-error.ts";
import { race } from "../stdx/abort.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import { Cache } from "./cache.ts";
import type { Client } from "./client.ts";
import { isConnectionError } from "./connection-error.ts";
import { WatchBackoff } from "./watch-backoff.ts";

export interface InformerSelection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}
export interface InformerOptions<T extends KubeObject> extends InformerSelection {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Applied to each object before it is kept, to keep less of it. */
  readonly transform?: (object: T) => T;
}

/** The server ends a watch after a time in this range, so that clients spread over servers again. */
const watchSecondsMin = 300;
const watchSecondsMax = 600;
/** A list is read in pages of this size when the server cannot stream it. */
const pageItems = 500;
const initialEventsEnd = "k8s.io/initial-events-end";

/**
 * Keeps a cache of one resource current: one streaming list (`sendInitialEvents`) where the server can, list and watch where it cannot; resumes from
 * the last version seen, and starts over when the server no longer knows it.
 */
export class Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly cache = new Cache<T>();
  readonly #options: InformerOptions<T>;
  readonly #synced = Promise.withResolvers<void>();
  readonly #missing = Promise.withResolvers<void>();
  #hasSynced = false;
  #resourceVersion: string | undefined;
  #streamsLists = true;
  /** Something, since the last attempt began. */
  #hasHeard = false;

  constructor(type: ResourceType<T>, options: InformerOptions<T>) {
    this.type = type;
    this.#options = options;
  }

  /** The cache has held all objects at once at least one time. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  whenSynced(signal: AbortSignal): Promise<void> {
    return race(this.#synced.promise, signal);
  }

  /** Synced, or the server said that it has no such resource (it is asked again from time to time). For readers who can do without. */
  whenSyncedOrMissing(signal: AbortSignal): Promise<void> {
    return race(Promise.race([this.#synced.promise, this.#missing.promise]), signal);
  }

  /** Until `signal` aborts. Errors are logged and tried again, ever more slowly. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, type } = { ...this.#options, type: this.type };
    const backoff = new WatchBackoff(random);
    while (!signal.aborted) {
      const startedMs = clock.now();
      let failure: unknown;
      this.#hasHeard = false;
      try {
        if (this.#resourceVersion === undefined && !this.#streamsLists) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        failure = error;
        this.#recover(error);
        const quiet = isStatusError(error, "Expired", "Gone") || isConnectionError(error);
        log[quiet ? "debug" : "warn"]("a watch ended", { resource: type.plural, group: type.group, error });
      }
      const delayMs = backoff.delayMs({ startedMs, endedMs: clock.now(), hasHeard: this.#hasHeard, error: failure });
      await clock.sleep(delayMs, { signal }).catch(() => undefined); // Rejects only on abort, which the loop sees.
    }
  }

  #recover(error: unknown): void {
    if (isStatusError(error, "NotFound", "MethodNotAllowed")) this.#missing.resolve();
    if (isStatusError(error, "Expired", "Gone")) this.#resourceVersion = undefined;
    // A server that does not know sendInitialEvents refuses it as invalid; one that does not know the parameters at all never gets here.
    else if (this.#resourceVersion === undefined && isStatusError(error, "Invalid", "BadRequest", "MethodNotAllowed")) this.#streamsLists = false;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const items: T[] = [];
    for (let next: string | undefined; ; ) {
      const page = await this.#options.client.list(this.type, { ...this.#selection(), limit: pageItems, ...(next !== undefined && { continue: next }), signal });
      const { apiVersion, kind } = { apiVersion: page.apiVersion, kind: this.type.kind };
      this.#hasHeard = true;
      for (const item of page.items) items.push(this.#kept(item.kind === undefined ? { ...item, apiVersion, kind } : item));
      next = page.metadata.continue;
      if (next !== undefined && next !== "") continue;
      await this.#replace(items, page.metadata.resourceVersion);
      return;
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, random } = this.#options;
    const initial = this.#resourceVersion === undefined ? new Map<ObjectKey, T>() : undefined;
    using watch = client.watch(this.type, {
      ...this.#selection(), signal, allowWatchBookmarks: true,
      timeoutSeconds: Math.round(watchSecondsMin + random.next() * (watchSecondsMax - watchSecondsMin)),
      ...(initial ? { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" as const } : { resourceVersion: this.#resourceVersion ?? "" }),
    });
    let listing = initial;
    // An empty cache can be filled as objects come; all at once at the end would hold the thread for as long as that takes.
    const fillsAtOnce = initial !== undefined && !this.#hasSynced && this.cache.size === 0;
    for await (const event of watch) {
      if (event.type === "ERROR") throw StatusError.fromStatus(event.object as Status);
      this.#hasHeard = true;
      if (event.type === "BOOKMARK") {
        const { resourceVersion, annotations } = event.object.metadata;
        if (listing && annotations?.[initialEventsEnd] === "true") {
          if (fillsAtOnce) this.#filled(resourceVersion);
          else await this.#replace([...listing.values()], resourceVersion);
          listing = undefined;
        } else if (!listing) {
          this.#resourceVersion = resourceVersion;
          this.cache.progress(resourceVersion);
        }
        continue;
      }
      const object = this.#kept(event.object);
      if (listing && fillsAtOnce) {
        this.cache.apply(event.type, object);
        continue;
      }
      if (listing) {
        if (event.type === "DELETED") listing.delete(keyOf(object));
        else listing.set(keyOf(object), object);
        continue;
      }
      this.cache.apply(event.type, object);
      this.#resourceVersion = object.metadata.resourceVersion;
    }
  }

  async #replace(objects: readonly T[], resourceVersion: string | undefined): Promise<void> {
    await this.cache.replaceInTurns(objects, resourceVersion);
    this.#filled(resourceVersion);
  }

  /** The cache holds everything as of this version. */
  #filled(resourceVersion: string | undefined): void {
    this.cache.progress(resourceVersion);
    this.#resourceVersion = resourceVersion;
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #kept(object: T): T {
    return this.#options.transform?.(object) ?? object;
  }

  #selection(): InformerSelection {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { ...(namespace !== undefined && { namespace }), ...(labelSelector !== undefined && { labelSelector }), ...(fieldSelector !== undefined && { fieldSelector }) };
  }
}
