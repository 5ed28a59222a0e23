import { configmaps, secrets, type ConfigMap, type Secret } from "../../api/generated/core-v1.ts";
import type { Random } from "../../stdx/random.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import type { Client } from "../../client/client.ts";
import { Informer } from "../../client/informer.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";

interface Watched {
  readonly informer: Informer<KubeObject>;
  readonly users: Set<string>;
  readonly stop: AbortController;
  /** Asked of the server just now. */
  asked?: Promise<KubeObject | undefined>;
}

export interface ObjectSourceOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called with the UID of each pod that uses an object that changed. */
  readonly changed: (podUid: string) => void;
  readonly signal: AbortSignal;
}

/**
 * ConfigMaps and Secrets that the node's pods name. Each is watched alone, by name, from the first pod that uses it to the last one, since a node
 * may see only what its pods name.
 */
export class ObjectSource {
  readonly #options: ObjectSourceOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ObjectSourceOptions) {
    this.#options = options;
  }

  configMap(namespace: string, name: string, podUid: string): Promise<ConfigMap | undefined> {
    return this.#get(configmaps, namespace, name, podUid);
  }

  secret(namespace: string, name: string, podUid: string): Promise<Secret | undefined> {
    return this.#get(secrets, namespace, name, podUid);
  }

  release(podUid: string): void {
    for (const [key, { users, stop }] of this.#watched) {
      if (!users.delete(podUid) || users.size > 0) continue;
      stop.abort(new Error("no pod uses it any more"));
      this.#watched.delete(key);
    }
  }

  /** From the watch once it has told everything, else straight from the server: a pod does not wait for a watch to begin. Pods that come together ask once. */
  async #get<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string, podUid: string): Promise<T | undefined> {
    const watched = this.#watch(type, namespace, name);
    watched.users.add(podUid);
    if (watched.informer.hasSynced) return watched.informer.cache.get(`${namespace}/${name}`) as T | undefined;
    watched.asked ??= this.#ask(type, namespace, name).finally(() => delete watched.asked);
    return await watched.asked as T | undefined;
  }

  async #ask(type: ResourceType, namespace: string, name: string): Promise<KubeObject | undefined> {
    const { client, signal } = this.#options;
    try {
      return await client.get(type, { namespace, name }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #watch<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string): Watched {
    const key = `${type.plural}/${namespace}/${name}`;
    const known = this.#watched.get(key);
    if (known) return known;
    const { client, clock, random, log, changed, signal } = this.#options;
    const informer = new Informer<T>(type, { client, clock, random, log, namespace, fieldSelector: `metadata.name=${name}` });
    const watched: Watched = { informer: informer as unknown as Informer<KubeObject>, users: new Set(), stop: new AbortController() };
    this.#watched.set(key, watched);
    informer.cache.onChange(() => {
      for (const uid of watched.users) changed(uid);
    });
    void informer.run(AbortSignal.any([signal, watched.stop.signal]));
    return watched;
  }
}
