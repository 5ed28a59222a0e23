import type { KubeList, KubeObject, WatchEvent } from "./object.ts";

export type PatchType =
  | "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json" | "application/apply-patch+yaml";

/** One request for objects, whatever carries it: HTTP, or a call inside of the server's own process. */
export interface ApiRequest {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: "pods". */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Query parameters as the HTTP API names them: labelSelector, fieldSelector, resourceVersion, dryRun, fieldManager, … */
  readonly query?: Readonly<Record<string, string>>;
  /** An object, a patch or DeleteOptions: plain JSON, never changed by whoever gets it. */
  readonly body?: unknown;
  readonly patchType?: PatchType;
  readonly signal?: AbortSignal;
}

export interface WatchStream<T = KubeObject> extends AsyncIterable<WatchEvent<T>>, Disposable {}

/**
 * Carries requests to an API server. Over the network it encodes; inside one process objects pass by reference, through the same chain
 * (authorization, admission, validation). Errors are `StatusError`.
 */
export interface Transport {
  request(request: ApiRequest): Promise<unknown>;
  /** Lives until it is disposed, its signal aborts, or the server ends it; ERROR events are delivered, not thrown. */
  watch(request: ApiRequest): WatchStream;
  list?(request: ApiRequest): Promise<KubeList<KubeObject>>;
}
