import type { KubeList, KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { ApiRequest, PatchType, Transport, WatchStream } from "../apimachinery/transport.ts";
import type { CallOptions, Client, DeleteOptions, ListOptions, Named, WatchOptions, WriteOptions } from "./client.ts";

export interface TypedClientOptions {
  /** Who is named in managedFields for writes that do not say it themselves. */
  readonly fieldManager?: string;
}

type Query = Readonly<Record<string, string>>;

/** `Client` over any transport: turns typed calls into requests and nothing else. */
export class TypedClient implements Client {
  readonly transport: Transport;
  readonly #fieldManager: string | undefined;

  constructor(transport: Transport, options: TypedClientOptions = {}) {
    this.transport = transport;
    this.#fieldManager = options.fieldManager;
  }

  get<T extends KubeObject>(type: ResourceType<T>, named: Named, options: CallOptions & { readonly subresource?: string } = {}): Promise<T> {
    return this.#send<T>({ verb: "get", ...target(type, named), ...(options.subresource !== undefined && { subresource: options.subresource }) }, options);
  }

  list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    return this.#send<KubeList<T>>({ verb: "list", ...target(type, options), query: listQuery(options) }, options);
  }

  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): WatchStream<T> {
    const { allowWatchBookmarks, sendInitialEvents, timeoutSeconds, signal } = options;
    const query = {
      ...listQuery(options),
      ...(allowWatchBookmarks === true && { allowWatchBookmarks: "true" }),
      ...(sendInitialEvents !== undefined && { sendInitialEvents: String(sendInitialEvents) }),
      ...(timeoutSeconds !== undefined && { timeoutSeconds: String(timeoutSeconds) }),
    };
    return this.transport.watch({ verb: "watch", ...target(type, options), query, ...(signal && { signal }) }) as unknown as WatchStream<T>;
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const named = options.subresource !== undefined && name !== undefined ? { name } : {};
    return this.#send<T>(
      { verb: "create", ...target(type, { ...named, ...(namespace !== undefined && { namespace }) }), ...subresource(options), query: this.#writeQuery(options), body: object },
      options,
    );
  }

  post<T>(type: ResourceType, named: Named, subresource: string, body: unknown, options: CallOptions = {}): Promise<T> {
    return this.#send<T>({ verb: "create", ...target(type, named), subresource, query: this.#writeQuery({}), body }, options);
  }

  update<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    if (name === undefined || name === "") throw new TypeError(`an update of ${type.plural} needs metadata.name`);
    return this.#send<T>(
      { verb: "update", ...target(type, { name, ...(namespace !== undefined && { namespace }) }), ...subresource(options), query: this.#writeQuery(options), body: object },
      options,
    );
  }

  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.update(type, object, { ...options, subresource: "status" });
  }

  patch<T extends KubeObject>(
    type: ResourceType<T>, named: Named, patchType: PatchType, patch: unknown, options: WriteOptions & { readonly force?: boolean } = {},
  ): Promise<T> {
    const query = { ...this.#writeQuery(options), ...(options.force === true && { force: "true" }) };
    return this.#send<T>({ verb: "patch", ...target(type, named), ...subresource(options), query, patchType, body: patch }, options);
  }

  delete(type: ResourceType, named: Named, options: DeleteOptions = {}): Promise<unknown> {
    return this.#send({ verb: "delete", ...target(type, named), body: deleteBody(options) }, options);
  }

  deleteCollection(type: ResourceType, options: DeleteOptions & Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">): Promise<unknown> {
    return this.#send({ verb: "deletecollection", ...target(type, options), query: listQuery(options), body: deleteBody(options) }, options);
  }

  #send<T>(request: ApiRequest, { signal }: CallOptions): Promise<T> {
    return this.transport.request(signal ? { ...request, signal } : request) as Promise<T>;
  }

  #writeQuery({ dryRun, fieldManager = this.#fieldManager, fieldValidation }: WriteOptions): Query {
    return {
      ...(dryRun === true && { dryRun: "All" }),
      ...(fieldManager !== undefined && { fieldManager }),
      ...(fieldValidation !== undefined && { fieldValidation }),
    };
  }
}

const target = ({ group, version, plural }: ResourceType, { name, namespace }: Partial<Named>) => ({
  group, version, resource: plural,
  ...(namespace !== undefined && namespace !== "" && { namespace }),
  ...(name !== undefined && { name }),
});

const subresource = ({ subresource }: WriteOptions) => (subresource === undefined ? {} : { subresource });

function listQuery(options: ListOptions): Query {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return {
    ...(labelSelector !== undefined && labelSelector !== "" && { labelSelector }),
    ...(fieldSelector !== undefined && fieldSelector !== "" && { fieldSelector }),
    ...(limit !== undefined && { limit: String(limit) }),
    ...(options.continue !== undefined && options.continue !== "" && { continue: options.continue }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(resourceVersionMatch !== undefined && { resourceVersionMatch }),
  };
}

const deleteBody = ({ gracePeriodSeconds, propagationPolicy, preconditions, dryRun }: DeleteOptions) => ({
  kind: "DeleteOptions", apiVersion: "v1",
  ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
  ...(propagationPolicy !== undefined && { propagationPolicy }),
  ...(preconditions !== undefined && { preconditions }),
  ...(dryRun === true && { dryRun: ["All"] }),
});
