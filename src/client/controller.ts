import { controllerOf, keyOf, splitApiVersion, type KubeObject, type ObjectKey, type ResourceType } from "../apimachinery/object.ts";
import { isConflict, isNotFound } from "../apimachinery/status-error.ts";
import { race } from "../stdx/abort.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Tracer } from "../stdx/steps.ts";
import type { Cache, Change } from "./cache.ts";
import type { Client } from "./client.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { Informers } from "./informers.ts";
import { WorkQueue } from "./work-queue.ts";

/** What every reconcile may use. */
export interface Context {
  /** Writes through it are in the caches of `informers` when the call returns. */
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tracer: Tracer;
  readonly events: EventRecorder;
  readonly signal: AbortSignal;
}

/** Which keys of a controller a change of another resource wakes. Made with `watching`. */
export interface Watching {
  readonly type: ResourceType;
  readonly keysOf: (change: Change<KubeObject>, context: Context) => Iterable<ObjectKey>;
}

/** Keeps the type of the watched object while it is written down, and forgets it for the list. */
export const watching = <T extends KubeObject>(type: ResourceType<T>, keysOf: (change: Change<T>, context: Context) => Iterable<ObjectKey>): Watching =>
  ({ type, keysOf: keysOf as unknown as Watching["keysOf"] });

export interface Controller {
  readonly name: string;
  /** Its objects are what keys name: a change of one wakes its own key. */
  readonly resource: ResourceType;
  /** Kinds whose changes wake the object that controls them. */
  readonly owns?: readonly ResourceType[];
  readonly watches?: readonly Watching[];
  /** Other resources that reconcile reads from the cache; it does not start before they are there. */
  readonly reads?: readonly ResourceType[];
  /** Keys that are worked on at a time; never the same one twice. */
  readonly workers?: number;
  /** For indexes: called before the caches are filled. */
  prepare?(context: Context): void;
  /**
   * Brings the world closer to what the named object asks for. Sees the present state, never the event that led to it; the object may be gone.
   * Errors are retried, ever more slowly. A result in milliseconds asks to be called again after that time.
   */
  reconcile(key: ObjectKey, context: Context): Promise<number | void>;
}

const workersDefault = 5;

/** The cache of a resource, for use inside of a reconcile. */
export const cacheOf = <T extends KubeObject>({ informers }: Pick<Context, "informers">, type: ResourceType<T>): Cache<T> => informers.of(type).cache;

/** Runs until `context.signal` aborts. An error never ends the loop: its key is tried again. */
export async function runController(controller: Controller, context: Context): Promise<void> {
  const { clock, informers, log, signal } = context;
  const queue = new WorkQueue({ clock, signal });
  const { resource, owns = [], watches = [], reads = [], workers = workersDefault } = controller;

  controller.prepare?.(context);
  await Promise.all([resource, ...owns, ...watches.map(({ type }) => type), ...reads].map((type) => informers.of(type).whenSynced(signal)));

  using listeners = new DisposableStack();
  const told: Promise<void>[] = [];
  const listen = (type: ResourceType, keysOf: Watching["keysOf"]) => {
    told.push(listeners.use(cacheOf(context, type).follow((change) => {
      for (const key of keysOf(change, context)) queue.add(key);
    })).told);
  };
  listen(resource, ({ previous, next }) => keysOfOne(next ?? previous));
  for (const owned of owns) {
    listen(owned, ({ previous, next }) => {
      const [before, now] = [ownerKeys(resource, previous), ownerKeys(resource, next)];
      return before.length === 0 || before[0] === now[0] ? now : [...before, ...now];
    });
  }
  for (const { type, keysOf } of watches) listen(type, keysOf);
  await race(Promise.all(told), signal);

  await Promise.all(Array.from({ length: workers }, () => work(controller, queue, context)));
  log.debug("controller ended", { controller: controller.name });
}

async function work(controller: Controller, queue: WorkQueue, context: Context): Promise<void> {
  for await (const key of queue.keys()) {
    try {
      const againMs = await controller.reconcile(key, context);
      queue.succeeded(key);
      if (againMs !== undefined) queue.addAfter(key, againMs);
    } catch (error) {
      if (context.signal.aborted) return;
      // Somebody else wrote or deleted first: the cache will soon know, and the next try starts from there.
      context.log[isConflict(error) || isNotFound(error) ? "debug" : "warn"]("reconcile failed", { controller: controller.name, key, failures: queue.failuresOf(key) + 1, error });
      queue.failed(key);
    }
  }
}

const keysOfOne = (object: KubeObject | undefined): ObjectKey[] => (object ? [keyOf(object)] : []);

/** The key of the object of this resource that controls `object`. */
export function ownerKeys(resource: ResourceType, object: KubeObject | undefined): ObjectKey[] {
  const owner = object && controllerOf(object);
  if (!owner || owner.kind !== resource.kind || splitApiVersion(owner.apiVersion).group !== resource.group) return [];
  const { namespace } = object.metadata;
  return [resource.namespaced && namespace !== undefined ? `${namespace}/${owner.name}` : owner.name];
}
