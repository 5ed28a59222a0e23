import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Client } from "./client.ts";
import { Informer, type InformerSelection } from "./informer.ts";
import { NotingClient } from "./noting-client.ts";

export interface InformersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends all informers. */
  readonly signal: AbortSignal;
}

interface Running {
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
}

/** The informers of one process: one per resource and selection, shared by everybody who asks. */
export class Informers {
  /** Writes through this client are in the caches before the call returns. */
  readonly client: Client;
  readonly #options: InformersOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: InformersOptions) {
    this.#options = options;
    this.client = this.noting(options.client);
  }

  /** Like `client`, as somebody else: a controller with an identity of its own shares the caches all the same. */
  noting(client: Client): Client {
    return new NotingClient(client, (type) => this.#running.get(wholeNameOf(type))?.informer.cache);
  }

  /** Starts the informer when it does not run yet. A `transform` needs a name of its own in `as`, since what is kept differs. */
  of<T extends KubeObject>(
    type: ResourceType<T>, options?: InformerSelection & { readonly transform?: (object: T) => T; readonly as?: string },
  ): Informer<T> {
    const name = options ? nameOf(type, options) : wholeNameOf(type);
    const known = this.#running.get(name);
    if (known) return known.informer as unknown as Informer<T>;

    const { client, clock, random, log, signal } = this.#options;
    const { as: _, ...selection } = options ?? {};
    const informer = new Informer<T>(type, { client, clock, random, log, ...selection });
    const stop = new AbortController();
    this.#running.set(name, { informer: informer as unknown as Informer<KubeObject>, stop });
    void informer.run(AbortSignal.any([signal, stop.signal]));
    return informer;
  }

  /** For resources that are no longer served. Readers of the cache keep what it last held. */
  stop(type: ResourceType): void {
    const name = wholeNameOf(type);
    this.#running.get(name)?.stop.abort(new Error(`${type.plural} is no longer watched`));
    this.#running.delete(name);
  }

  /** All informers that were asked for until now hold their objects. */
  async whenSynced(signal: AbortSignal = this.#options.signal): Promise<void> {
    await Promise.all(this.#running.values().map(({ informer }) => informer.whenSynced(signal)));
  }
}

const wholeNames = new WeakMap<ResourceType, string>();
/** The name of the informer of everything of a type: asked for with each change that a controller hears of. */
function wholeNameOf(type: ResourceType): string {
  let name = wholeNames.get(type);
  if (name === undefined) wholeNames.set(type, (name = nameOf(type, {})));
  return name;
}

function nameOf({ group, version, plural }: ResourceType, { namespace, labelSelector, fieldSelector, as }: InformerSelection & { readonly as?: string }): string {
  return JSON.stringify([group, version, plural, namespace ?? "", labelSelector ?? "", fieldSelector ?? "", as ?? ""]);
}
