import { backoffDelayMs } from "../../stdx/backoff.ts";
import type { Clock } from "../../stdx/clock.ts";
import { codecs, RpcError, type Input, type RpcMethod } from "../../stdx/grpc.ts";
import { RpcChannel, type RpcStream } from "../../stdx/rpc-channel.ts";
import type { Log } from "../../stdx/log.ts";
import { UnavailableError } from "../store.ts";
import type { EtcdLocation } from "./endpoints.ts";
import { descriptors, methods, type Messages, type WatchResponse } from "./generated/etcd-v3.ts";

export interface EtcdClientOptions extends EtcdLocation {
  readonly clock: Clock;
  readonly log: Log;
  /** After this a call fails, in milliseconds: longer than any election takes, and shorter than clients of the API wait, unless told. */
  readonly patienceMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when an attempt ended without an answer, though etcd may have done what was asked. */
  readonly onDoubt?: (() => void) | undefined;
  /** Ends with a DoubtError then, instead of another attempt: what is asked must not be done twice. */
  readonly once?: boolean;
}

/** An attempt ended without an answer. etcd may have done what was asked, or do it yet. */
export class DoubtError extends Error {
  override readonly name = "DoubtError";
}

/** How long each member has for its answer; in each further round twice as long. */
const attemptMs = 1_500;
/** Where there is nobody else to ask, an answer that comes late is better than asking again. */
const attemptMsMax = 6_000;
/** Writes that are under way at once: more would only wait in etcd, and be given up there although nothing is wrong. */
const writesMax = 128;
/** One that says nothing at all is thought of as this much worse than one that says that it cannot. */
const silencePenaltyMs = 5_000;
const patienceMsDefault = 12_000;
/** etcd refuses clients that ask more often than every five seconds. */
const keepaliveMs = 10_000;
const retry = { firstMs: 20, maxMs: 500 };
/** Pages are bounded by their number of entries, not in bytes. */
const receiveBytesMax = 2 ** 31 - 1;

const codec = codecs(descriptors);
const methodOf = (name: keyof typeof methods): RpcMethod => {
  const { service, request, response } = methods[name];
  return { path: `/etcdserverpb.${service}/${name}`, request: codec(request), response: codec(response) };
};
type Unary = Exclude<keyof typeof methods, "Watch">;
type Answer<M extends Unary> = Messages[(typeof methods)[M]["response"]];

/** Another member may answer where this one did not: it is gone, has no leader, or is overloaded. */
function isWorthAnotherTry({ code, message }: RpcError): boolean {
  if (message.includes("database space exceeded")) return false;
  return ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "CANCELLED", "RESOURCE_EXHAUSTED", "UNKNOWN"].includes(code);
}
/** Nothing was sent, or etcd says that it did nothing. */
const isCertainlyUndone = ({ code, message, isUndone }: RpcError): boolean =>
  isUndone || code === "RESOURCE_EXHAUSTED" || message.includes("etcdserver: no leader") || message.includes("etcdserver: not capable");

/**
 * Calls to a cluster of etcd, over one member at a time: the next one when it does not answer. All calls are linearizable, and making them twice
 * does no harm, except where it is said that they are made once.
 */
export class EtcdClient implements Disposable {
  readonly #channels: readonly RpcChannel[];
  readonly #names: readonly string[];
  readonly #clock: Clock;
  readonly #log: Log;
  #current = 0;
  /** When each member last did not do its work; 0 for never. */
  readonly #failedMs: number[];
  readonly #patienceMs: number;
  #writes = 0;
  readonly #writesWaiting: (() => void)[] = [];
  readonly #closed = new AbortController();
  readonly #onLeave = new Set<(member: number) => void>();

  constructor({ endpoints, tls = {}, patienceMs = patienceMsDefault, clock, log }: EtcdClientOptions) {
    this.#patienceMs = patienceMs;
    this.#clock = clock;
    this.#log = log;
    this.#names = endpoints.map(({ address }) => address);
    this.#failedMs = endpoints.map(() => 0);
    this.#channels = endpoints.map((endpoint) => new RpcChannel({
      // A member without a leader ends its watches instead of staying silent.
      address: endpoint.address, ...(endpoint.tls && { tls }), receiveBytesMax, keepaliveMs, headers: { hasleader: "true" },
    }));
  }

  /** The member that calls go to, by its place in the list of endpoints. */
  get current(): number {
    return this.#current;
  }

  /** Says that `member` did not do its work: calls go to the one whose last failure is the longest ago, unless they go elsewhere already. */
  leave(member: number, penaltyMs = 0): void {
    this.#failedMs[member] = this.#clock.now() + penaltyMs;
    if (member !== this.#current || this.#channels.length === 1) return;
    let best = (member + 1) % this.#channels.length;
    for (let step = 2; step < this.#channels.length; step++) {
      const other = (member + step) % this.#channels.length;
      if ((this.#failedMs[other] ?? 0) < (this.#failedMs[best] ?? 0)) best = other;
    }
    this.#current = best;
    this.#log.info("etcd is reached through another member", { left: this.#names[member], now: this.#names[this.#current] });
    for (const told of this.#onLeave) told(member);
  }

  /**
   * @throws {RpcError} what etcd answered
   * @throws {UnavailableError} when no member answers.
   * @throws {DoubtError} where a call is to be made once.
   */
  async call<M extends Unary>(name: M, request: Input<Messages[(typeof methods)[M]["request"]]>, options: CallOptions = {}): Promise<Answer<M>> {
    if (name !== "Txn") return await this.#call(name, request, options);
    // A slot is handed on from one to the next, so that nobody comes in between.
    if (this.#writes < writesMax) this.#writes++;
    else await new Promise<void>((resolve) => this.#writesWaiting.push(resolve));
    try {
      return await this.#call(name, request, options);
    } finally {
      const next = this.#writesWaiting.shift();
      if (next) next();
      else this.#writes--;
    }
  }

  async #call<M extends Unary>(name: M, request: Input<Messages[(typeof methods)[M]["request"]]>, { signal, onDoubt, once = false }: CallOptions = {}): Promise<Answer<M>> {
    const method = methodOf(name);
    const untilMs = this.#clock.now() + this.#patienceMs;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const member = this.#current;
      const channel = this.#channels[member];
      if (!channel || this.#closed.signal.aborted) throw new UnavailableError("the store is closed");
      try {
        const leftMs = Math.max(1, untilMs - this.#clock.now());
        const roundMs = this.#channels.length === 1 ? attemptMsMax : attemptMs * 2 ** Math.floor(attempt / this.#channels.length);
        return (await channel.unary(method, request, { deadlineMs: Math.min(leftMs, roundMs, attemptMsMax), ...(signal && { signal }) })) as Answer<M>;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.message.includes("database space exceeded")) throw new UnavailableError(`etcd has no room: ${error.message}; compact and defragment it, or raise its quota`, { cause: error });
        if (!isWorthAnotherTry(error)) throw error;
        const inDoubt = !isCertainlyUndone(error);
        if (inDoubt) onDoubt?.();
        this.leave(member, error.code === "DEADLINE_EXCEEDED" ? silencePenaltyMs : 0);
        if (inDoubt && once) throw new DoubtError(error.message, { cause: error });
        if (this.#clock.now() >= untilMs) throw new UnavailableError(`etcd does not answer: ${error.message}`, { cause: error });
        // Each member is tried at once; only a whole round without an answer is waited after.
        const round = Math.floor((attempt + 1) / this.#channels.length);
        if ((attempt + 1) % this.#channels.length === 0) await this.#clock.sleep(backoffDelayMs(round - 1, retry), { signal: AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])]) });
      }
    }
  }

  /** Hears of members that did not do their work, so that streams from them end, which may otherwise stay silent. */
  onLeave(told: (member: number) => void): Disposable {
    this.#onLeave.add(told);
    return { [Symbol.dispose]: () => void this.#onLeave.delete(told) };
  }

  /** Opens a stream of watches to the current member. */
  openWatch(handlers: { readonly onMessage: (message: WatchResponse) => void; readonly onEnd: (error: RpcError | undefined) => void }): { readonly stream: RpcStream; readonly member: number } {
    const member = this.#current;
    const channel = this.#channels[member];
    if (!channel) throw new UnavailableError("the store is closed");
    return { member, stream: channel.duplex(methodOf("Watch"), { onMessage: (message) => handlers.onMessage(message as WatchResponse), onEnd: handlers.onEnd }) };
  }

  [Symbol.dispose](): void {
    this.#closed.abort(new UnavailableError("the store is closed"));
    for (const channel of this.#channels) channel[Symbol.dispose]();
  }
}
