import type { KubeList, KubeObject, ResourceType } from "../apimachinery/object.ts";
import { isNotFound } from "../apimachinery/status-error.ts";
import type { PatchType, Transport, WatchStream } from "../apimachinery/transport.ts";
import type { Cache } from "./cache.ts";
import type { CallOptions, Client, DeleteOptions, ListOptions, Named, WatchOptions, WriteOptions } from "./client.ts";

/** A client that tells the process's caches of each of its own writes before it returns. */
export class NotingClient implements Client {
  readonly transport: Transport;
  readonly #client: Client;
  readonly #cacheOf: (type: ResourceType) => Cache<KubeObject> | undefined;

  constructor(client: Client, cacheOf: (type: ResourceType) => Cache<KubeObject> | undefined) {
    this.transport = client.transport;
    this.#client = client;
    this.#cacheOf = cacheOf;
  }

  get<T extends KubeObject>(type: ResourceType<T>, named: Named, options?: CallOptions & { readonly subresource?: string }): Promise<T> {
    return this.#client.get(type, named, options);
  }

  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<KubeList<T>> {
    return this.#client.list(type, options);
  }

  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): WatchStream<T> {
    return this.#client.watch(type, options);
  }

  async create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#noted(type, await this.#client.create(type, object, options), options);
  }

  post<T>(type: ResourceType, named: Named, subresource: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.#client.post<T>(type, named, subresource, body, options);
  }

  async update<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#noted(type, await this.#client.update(type, object, options), options);
  }

  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.update(type, object, { ...options, subresource: "status" });
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>, named: Named, patchType: PatchType, patch: unknown, options?: WriteOptions & { readonly force?: boolean },
  ): Promise<T> {
    return this.#noted(type, await this.#client.patch(type, named, patchType, patch, options), options);
  }

  async delete(type: ResourceType, named: Named, options: DeleteOptions = {}): Promise<unknown> {
    const cache = this.#cacheOf(type);
    const key = named.namespace === undefined || named.namespace === "" ? named.name : `${named.namespace}/${named.name}`;
    const uid = cache?.get(key)?.metadata.uid;
    const answer = await this.#client.delete(type, named, options).catch((error: unknown) => {
      // Gone already, though the cache may not know it yet; the caller still learns of it.
      if (isNotFound(error) && uid !== undefined) cache?.noteDelete(key, uid);
      throw error;
    });
    if (cache && options.dryRun !== true) noteDeleted(cache, type, key, answer, uid);
    return answer;
  }

  deleteCollection(type: ResourceType, options: DeleteOptions & Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">): Promise<unknown> {
    return this.#client.deleteCollection(type, options);
  }

  #noted<T extends KubeObject>(type: ResourceType<T>, answer: T, options: WriteOptions | undefined): T {
    if (options?.dryRun !== true && answer.kind === type.kind) this.#cacheOf(type)?.noteWrite(answer);
    return answer;
  }
}

/** A delete is answered with the object while it still has to end (grace, finalizers), and with a Status or its last state when it is gone. */
function noteDeleted(cache: Cache<KubeObject>, type: ResourceType, key: string, answer: unknown, uidBefore: string | undefined): void {
  const { kind, metadata, details } = answer as Partial<KubeObject> & { readonly details?: { readonly uid?: string } };
  if (kind === type.kind && metadata) {
    const ending = (metadata.finalizers?.length ?? 0) > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0;
    if (ending) cache.noteWrite(answer as KubeObject);
    else cache.noteDelete(key, metadata.uid ?? "");
  } else if (kind === "Status" && details?.uid !== undefined && details.uid === uidBefore) {
    cache.noteDelete(key, details.uid);
  }
}
