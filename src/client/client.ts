import type { KubeList, KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { PatchType, Transport, WatchStream } from "../apimachinery/transport.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}
export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
  /** "status", "scale", "binding", "eviction", "token", … */
  readonly subresource?: string;
}
export interface ListOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}
export interface WatchOptions extends Omit<ListOptions, "limit" | "continue"> {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}
export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}
/** Names one object; `namespace` is left out for kinds of the whole cluster. */
export interface Named {
  readonly name: string;
  readonly namespace?: string;
}

/** A typed client. The same code runs over HTTP and inside of the server's process; errors are `StatusError`. */
export interface Client {
  readonly transport: Transport;
  get<T extends KubeObject>(type: ResourceType<T>, named: Named, options?: CallOptions & { readonly subresource?: string }): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<KubeList<T>>;
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): WatchStream<T>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  /** POST to a subresource of a named object (binding, eviction, token), answered with whatever that subresource answers. */
  post<T>(type: ResourceType, named: Named, subresource: string, body: unknown, options?: CallOptions): Promise<T>;
  update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(type: ResourceType<T>, named: Named, patchType: PatchType, patch: unknown, options?: WriteOptions & { readonly force?: boolean }): Promise<T>;
  delete(type: ResourceType, named: Named, options?: DeleteOptions): Promise<unknown>;
  deleteCollection(type: ResourceType, options: DeleteOptions & Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">): Promise<unknown>;
}
