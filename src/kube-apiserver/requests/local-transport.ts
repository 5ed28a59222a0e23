import type { KubeList, KubeObject, WatchEvent } from "../../apimachinery/object.ts";
import { isStatusError, StatusError, internalStatusError, type Status } from "../../apimachinery/status-error.ts";
import type { ApiRequest, Transport, WatchStream } from "../../apimachinery/transport.ts";
import { Channel } from "../../stdx/channel.ts";
import type { UserInfo } from "../access.ts";
import type { Answer, WatchSink } from "../answer.ts";
import type { Api } from "../api.ts";
import { bookmarkObject } from "../bookmark.ts";
import { chain } from "./chain.ts";
import { dispatch } from "../handlers/dispatch.ts";
import { plainOf } from "../output/encode.ts";
import type { Incoming } from "./request.ts";
import type { RequestInfo } from "./request-info.ts";
import { unavailable } from "../store-error.ts";

/** How many events a watcher inside of the process may fall behind, on top of the state it started with. */
const backlogMax = 20_000;
const never = new AbortController().signal;

function incomingOf(api: Api, identity: UserInfo, request: ApiRequest): Incoming {
  const { verb, group, version, resource, subresource = "", namespace = "", name = "", query = {}, body, patchType = "", signal = never } = request;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const path = [root, ...(namespace === "" ? [] : ["namespaces", namespace]), resource, ...(name === "" ? [] : [name]), ...(subresource === "" ? [] : [subresource])].join("/");
  // A namespace is in itself, as its path says.
  const own = group === "" && resource === "namespaces" && name !== "" ? name : namespace;
  const selected = name === "" && (verb === "list" || verb === "watch") ? (/(?:^|,)metadata\.name==?([^,]+)/.exec(query["fieldSelector"] ?? "")?.[1] ?? "") : name;
  const info: RequestInfo = { isResourceRequest: true, path, verb, group, version, namespace: own, resource, subresource, name: selected, rest: "" };
  return {
    method: "", path, query: new LocalQuery(query), headers: { "user-agent": identity.name }, peerCertificate: undefined, identity, info, user: undefined, authenticatedMs: 0, authorizedMs: 0, signal: () => signal, warnings: [], receivedMs: api.clock.now(),
    payload: { is: "object", contentType: patchType, object: body },
  };
}

class LocalQuery {
  readonly #values: Readonly<Record<string, string>>;
  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values;
  }
  get(name: string): string | null {
    return this.#values[name] ?? null;
  }
  getAll(name: string): readonly string[] {
    const value = this.#values[name];
    return value === undefined ? [] : [value];
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }
}

/** Anything that is not a StatusError, nor a store that cannot do its work now, is a bug of ours: the caller learns of it as it would over the network. */
export function asStatusError(api: Api, thrown: unknown, path: string): StatusError {
  const error = unavailable(thrown);
  if (isStatusError(error)) return error;
  api.log.error("a request failed for a reason that is no fault of its sender", { path, error });
  return internalStatusError(error instanceof Error ? error.message : String(error), error);
}

/** Requests from inside of the process: the same chain as over the network, but objects pass by reference. */
export function localTransport(api: Api, user: UserInfo): Transport {
  const run = async (request: ApiRequest): Promise<Answer> => {
    request.signal?.throwIfAborted();
    try {
      return await chain(api, incomingOf(api, user, request), (authorized) => dispatch(api, authorized));
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw asStatusError(api, error, request.resource);
    }
  };
  const call = async (request: ApiRequest): Promise<unknown> => {
    const answer = await run(request);
    if (answer.is === "watch" || answer.is === "stream") throw internalStatusError("a stream is no request");
    if (answer.is === "bytes") throw new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
    const object = plainOf(answer);
    if (answer.is === "object" && answer.code >= 400) throw StatusError.fromStatus(object as Status);
    return object;
  };
  return {
    request: call,
    list: (request) => call(request) as Promise<KubeList<KubeObject>>,
    watch: (request) => new LocalWatch(() => run({ ...request, verb: "watch" }), request.signal),
  };
}

class LocalWatch implements WatchStream {
  readonly #channel = new Channel<WatchEvent>({ capacity: Number.MAX_SAFE_INTEGER });
  readonly #start: () => Promise<Answer>;
  readonly #signal: AbortSignal | undefined;
  #subscription: Disposable | undefined;
  #started = false;
  #ended = false;
  /** Events that were given to the channel and not yet taken out. */
  #waiting = 0;
  #initial = 0;
  readonly #abort = (): void => this[Symbol.dispose]();

  constructor(start: () => Promise<Answer>, signal: AbortSignal | undefined) {
    this.#start = start;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) this[Symbol.dispose]();
  }

  #push(event: WatchEvent): boolean {
    if (this.#ended || this.#waiting - this.#initial >= backlogMax) return false;
    this.#waiting++;
    return this.#channel.push(event);
  }

  async #open(): Promise<void> {
    const answer = await this.#start();
    if (answer.is !== "watch" || this.#ended) return this.#channel.close();
    const { served } = answer;
    const sink: WatchSink = {
      event: (type, entry) => this.#push({ type, object: entry.shared }),
      bookmark: (revision, initialEventsEnd) => this.#push({ type: "BOOKMARK", object: bookmarkObject(served.type, revision, initialEventsEnd) }),
      error: (object) => void this.#push({ type: "ERROR", object }),
      end: () => this.#channel.close(),
    };
    // The state at the start is given whole, however large.
    this.#initial = Number.MAX_SAFE_INTEGER;
    this.#subscription = answer.start(sink);
    this.#initial = this.#waiting;
    if (this.#ended) this.#subscription[Symbol.dispose]();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, undefined> {
    try {
      if (!this.#started) {
        this.#started = true;
        await this.#open();
      }
      for await (const event of this.#channel) {
        this.#waiting--;
        if (this.#initial > 0) this.#initial--;
        yield event;
      }
    } finally {
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#subscription?.[Symbol.dispose]();
    this.#channel.close();
  }
}
