import { keyOf, type KubeObject, type ObjectMeta, type WatchEvent } from "../../apimachinery/object.ts";
import { matchesFields, parseFieldSelector } from "../../apimachinery/field-selector.ts";
import { matchesLabels, parseLabelSelector } from "../../apimachinery/label-selector.ts";
import { alreadyExists, conflict, expired, methodNotSupported, notFoundError, staleObjectDetail } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { ApiRequest, Transport, WatchStream } from "../../apimachinery/transport.ts";
import { Channel } from "../../stdx/channel.ts";
import type { Clock } from "../../stdx/clock.ts";

export interface FakeTransportOptions {
  readonly clock: Pick<Clock, "now">;
  /** Called before each request: to record, to delay, or to throw. */
  readonly onRequest?: (request: ApiRequest) => void | Promise<void>;
  /** What POST to a subresource of a named object answers; nothing is stored. */
  readonly onPost?: (request: ApiRequest) => unknown;
}

interface Stored { readonly resource: string; readonly object: KubeObject }
interface Recorded { readonly resource: string; readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject; readonly previous: KubeObject | undefined; readonly revision: number }
interface Watcher { readonly resource: string; readonly matches: (object: KubeObject) => boolean; readonly channel: Channel<WatchEvent<KubeObject>> }

const eventsMax = 100_000;

/**
 * An API server for tests, in memory: names, revisions, compare-and-set, status as a subresource, finalizers, grace of pods, selectors and watches.
 * It neither defaults nor validates, and knows merge patches only.
 */
export class FakeTransport implements Transport {
  /** Every write that reached the server, in order: "create pods default/web-abc". */
  readonly writes: string[] = [];
  readonly #options: FakeTransportOptions;
  readonly #objects = new Map<string, Stored>();
  readonly #history: Recorded[] = [];
  readonly #watchers = new Set<Watcher>();
  #revision = 1;
  #compacted = 0;
  #names = 0;

  constructor(options: FakeTransportOptions) {
    this.#options = options;
  }

  /** From now on, watches from before this moment are answered with 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** Ends all watches, as a server does that goes away. */
  endWatches(): void {
    for (const { channel } of this.#watchers) channel.close();
    this.#watchers.clear();
  }

  async request(request: ApiRequest): Promise<unknown> {
    await this.#options.onRequest?.(request);
    request.signal?.throwIfAborted();
    const answer = this.#answer(request);
    if (!["get", "list"].includes(request.verb)) this.writes.push(`${request.verb} ${request.resource}${request.subresource === undefined ? "" : `/${request.subresource}`} ${request.name === undefined && answer !== null && typeof answer === "object" && "metadata" in answer ? keyOf(answer as KubeObject) : [request.namespace, request.name].filter(Boolean).join("/")}`);
    return answer;
  }

  watch(request: ApiRequest): WatchStream {
    const { query = {} } = request;
    const channel = new Channel<WatchEvent<KubeObject>>({ capacity: eventsMax });
    const watcher: Watcher = { resource: resourceOf(request), matches: matcherOf(request), channel };
    const from = Number(query["resourceVersion"] ?? "0");
    if (query["sendInitialEvents"] === "true") {
      for (const object of this.#selected(request)) channel.push({ type: "ADDED", object });
      channel.push({ type: "BOOKMARK", object: { apiVersion: "v1", kind: "Bookmark", metadata: { resourceVersion: String(this.#revision), annotations: { "k8s.io/initial-events-end": "true" } } } });
    } else if (from > 0 && from < this.#compacted) {
      channel.push({ type: "ERROR", object: expired(`too old resource version: ${from} (${this.#compacted})`).toStatus() });
    } else {
      for (const change of this.#history) if (change.revision > from) tell(watcher, change);
    }
    this.#watchers.add(watcher);
    const end = () => {
      this.#watchers.delete(watcher);
      channel.close();
    };
    request.signal?.addEventListener("abort", end, { once: true });
    return { [Symbol.asyncIterator]: () => channel[Symbol.asyncIterator](), [Symbol.dispose]: end };
  }

  #answer(request: ApiRequest): unknown {
    const { verb, subresource } = request;
    if (verb === "list") return { apiVersion: "v1", kind: "List", metadata: { resourceVersion: String(this.#revision) }, items: this.#selected(request) };
    if (verb === "get") return this.#existing(request);
    if (verb === "create" && subresource !== undefined) return this.#options.onPost?.(request);
    if (verb === "create") return this.#create(request);
    if (verb === "update") return this.#update(request, request.body as KubeObject);
    if (verb === "patch") return this.#update(request, merged(this.#existing(request), request.body) as KubeObject);
    if (verb === "delete") return this.#delete(request, this.#existing(request));
    if (verb === "deletecollection") {
      for (const object of this.#selected(request)) this.#delete({ ...request, name: object.metadata.name ?? "" }, object);
      return { apiVersion: "v1", kind: "Status", metadata: {}, status: "Success", code: 200 };
    }
    throw methodNotSupported(request, verb);
  }

  #selected(request: ApiRequest): KubeObject[] {
    const [resource, matches] = [resourceOf(request), matcherOf(request)];
    return [...this.#objects.values()].filter((stored) => stored.resource === resource && matches(stored.object)).map(({ object }) => object);
  }

  #existing(request: ApiRequest): KubeObject {
    const found = this.#objects.get(nameOf(request));
    if (!found) throw notFoundError(request, request.name ?? "");
    return found.object;
  }

  #create(request: ApiRequest): KubeObject {
    const body = request.body as KubeObject;
    const { generateName, name = `${generateName ?? ""}${(++this.#names).toString(36).padStart(5, "0")}` } = body.metadata;
    const at = { ...request, name };
    if (this.#objects.has(nameOf(at))) throw alreadyExists(request, name);
    const metadata: ObjectMeta = {
      generation: 1, ...body.metadata, name, uid: crypto.randomUUID(), creationTimestamp: formatTime(this.#options.clock.now()),
      ...(request.namespace !== undefined && { namespace: request.namespace }),
    };
    return this.#write(at, { ...body, metadata }, undefined);
  }

  #update(request: ApiRequest, next: KubeObject): KubeObject {
    const previous = this.#existing(request);
    const { resourceVersion } = next.metadata;
    if (resourceVersion !== undefined && resourceVersion !== previous.metadata.resourceVersion) throw conflict(request, request.name ?? "", staleObjectDetail);
    const status = (object: KubeObject) => ("status" in object ? { status: object.status } : {});
    const { status: _, ...rest } = next as KubeObject & { status?: unknown };
    const written = request.subresource === "status" ? { ...previous, metadata: { ...previous.metadata, ...(next.metadata.annotations && { annotations: next.metadata.annotations }) }, ...status(next) } : { ...rest, ...status(previous) } as KubeObject;
    const specChanged = "spec" in written && JSON.stringify(written.spec) !== JSON.stringify((previous as KubeObject & { spec?: unknown }).spec);
    if (request.subresource === "finalize" && previous.metadata.deletionTimestamp !== undefined && specFinalizers(written).length === 0) return this.#remove(request, written);
    const metadata: ObjectMeta = { ...written.metadata, uid: previous.metadata.uid ?? "", generation: (previous.metadata.generation ?? 1) + Number(specChanged) };
    if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0 && (metadata.deletionGracePeriodSeconds ?? 0) === 0 && specFinalizers(written).length === 0) {
      return this.#remove(request, { ...written, metadata });
    }
    return this.#write(request, { ...written, metadata }, previous);
  }

  #delete(request: ApiRequest, previous: KubeObject): unknown {
    const options = (request.body ?? {}) as { gracePeriodSeconds?: number; propagationPolicy?: string; preconditions?: { uid?: string; resourceVersion?: string } };
    const { uid } = previous.metadata;
    if (options.preconditions?.uid !== undefined && options.preconditions.uid !== uid) throw conflict(request, request.name ?? "", `Precondition failed: UID in precondition: ${options.preconditions.uid}, UID in object meta: ${uid}`);
    const running = request.resource === "pods" && ((previous as { spec?: { nodeName?: string } }).spec?.nodeName ?? "") !== "";
    const graceSeconds = running ? (options.gracePeriodSeconds ?? 30) : 0;
    const finalizers = new Set(previous.metadata.finalizers ?? []);
    if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
    if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
    if (graceSeconds === 0 && finalizers.size === 0 && specFinalizers(previous).length === 0) {
      const object = this.#remove(request, previous);
      return request.resource === "pods" ? object : { apiVersion: "v1", kind: "Status", metadata: {}, status: "Success", code: 200, details: { name: request.name, kind: request.resource, uid } };
    }
    if (previous.metadata.deletionTimestamp !== undefined && finalizers.size === (previous.metadata.finalizers?.length ?? 0)) return previous;
    const deletionTimestamp = formatTime(this.#options.clock.now() + graceSeconds * 1000);
    return this.#write(request, { ...previous, metadata: { ...previous.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds, ...(finalizers.size > 0 && { finalizers: [...finalizers] }) } }, previous);
  }

  #write(request: ApiRequest, object: KubeObject, previous: KubeObject | undefined): KubeObject {
    const revision = ++this.#revision;
    const written = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
    this.#objects.set(nameOf(request), { resource: resourceOf(request), object: written });
    this.#tell({ resource: resourceOf(request), type: previous ? "MODIFIED" : "ADDED", object: written, previous, revision });
    return written;
  }

  #remove(request: ApiRequest, previous: KubeObject): KubeObject {
    const revision = ++this.#revision;
    const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } };
    this.#objects.delete(nameOf(request));
    this.#tell({ resource: resourceOf(request), type: "DELETED", object, previous, revision });
    return object;
  }

  #tell(change: Recorded): void {
    this.#history.push(change);
    for (const watcher of this.#watchers) tell(watcher, change);
  }
}

/** To a watcher with selectors, an object that begins to match is added, and one that no longer does is deleted. */
function tell({ resource, matches, channel }: Watcher, change: Recorded): void {
  if (change.resource !== resource) return;
  const [before, after] = [change.previous !== undefined && matches(change.previous), change.type !== "DELETED" && matches(change.object)];
  if (before || after) channel.push({ type: after ? (before ? "MODIFIED" : "ADDED") : "DELETED", object: change.object });
}

/** Namespaces have finalizers in their spec too. */
const specFinalizers = (object: KubeObject): readonly string[] => (object as { readonly spec?: { readonly finalizers?: readonly string[] } }).spec?.finalizers ?? [];

const resourceOf = ({ group, resource }: ApiRequest): string => `${group}/${resource}`;
const nameOf = (request: ApiRequest): string => `${resourceOf(request)}/${request.namespace ?? ""}/${request.name ?? ""}`;

function matcherOf({ namespace, name, query = {} }: ApiRequest): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query["labelSelector"] ?? "");
  const fields = parseFieldSelector(query["fieldSelector"] ?? "");
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && (name === undefined || object.metadata.name === name)
    && matchesLabels(labels, object.metadata.labels) && matchesFields(fields, (field) => String(valueAt(object, field.split(".")) ?? ""));
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, name) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[name] : undefined), value);

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(typeof target === "object" && target !== null && !Array.isArray(target) ? target : {}) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}
