import { connect, type ClientHttp2Session, type SecureClientSessionOptions } from "node:http2";
import { connect as connectSocket } from "node:net";
import { backoffDelayMs } from "./backoff.ts";
import { afterMs, every } from "./clock.ts";
import { cryptoRandom } from "./random.ts";

/** PEM; without a certificate authority of its own, the system's are trusted. */
export interface RpcTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface ConnectionOptions {
  /** What gRPC calls a target: "unix:///run/x.sock", "unix:\0name" (a socket without a file), "10.0.0.1:8080". */
  readonly address: string;
  /** Plain text when absent. */
  readonly tls?: RpcTls;
  /** How often a connection with calls is asked whether it is alive; never unless told. */
  readonly keepaliveMs?: number;
}

/** After a connection could not be made, calls fail at once for this long. */
const retry = { firstMs: 50, maxMs: 1000, jitter: 0.2 };
/** A first packet that was lost while the network was cut is sent again late; another attempt is sooner there. */
const connectMsMax = 2_000;
/** What the other end may send before it is acknowledged: pages of objects are some megabytes. */
const windowBytes = 8 * 1024 * 1024;
/** Node refuses streams of a session that holds more in memory than this, in megabytes. */
const sessionMegabytesMax = 2_048;

/** No connection could be made: nothing was sent. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
}

interface Attempt {
  readonly session: ClientHttp2Session;
  readonly done: Promise<ClientHttp2Session>;
}

/** One HTTP/2 connection to one server, made when it is needed, and again when the other end restarts. */
export class GrpcConnection implements Disposable {
  readonly #options: ConnectionOptions;
  #session: ClientHttp2Session | undefined;
  #attempt: Attempt | undefined;
  #failures = 0;
  #lastFailure: { readonly error: ConnectError; readonly untilMs: number } | undefined;
  #closed = false;
  readonly #calls = new WeakMap<ClientHttp2Session, number>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The connection when there is one; a call on it begins in the same turn. */
  get ready(): ClientHttp2Session | undefined {
    const session = this.#session;
    return session && !session.closed && !session.destroyed ? session : undefined;
  }

  /** @throws {ConnectError} when none can be made, or none could be made a moment ago. */
  async connected(): Promise<ClientHttp2Session> {
    const { ready } = this;
    if (ready) return ready;
    if (this.#closed) throw new ConnectError("the channel is closed");
    if (this.#lastFailure && performance.now() < this.#lastFailure.untilMs) throw this.#lastFailure.error;
    this.#attempt ??= this.#connect();
    return await this.#attempt.done;
  }

  #connect(): Attempt {
    const session = open(this.#options);
    const timer = afterMs(connectMsMax, () => session.destroy(new Error(`connect ETIMEDOUT ${this.#options.address}`)));
    let lastError: Error | undefined;
    const done = new Promise<ClientHttp2Session>((resolve, reject) => {
      session.on("error", (error: Error) => (lastError = error));
      session.once("connect", () => {
        if (session.destroyed) return; // Time was up in the same turn.
        timer[Symbol.dispose]();
        this.#attempt = this.#lastFailure = undefined;
        this.#failures = 0;
        this.#session = session;
        session.setLocalWindowSize(windowBytes);
        session.unref();
        this.#keepAlive(session);
        resolve(session);
      });
      session.once("close", () => {
        timer[Symbol.dispose]();
        if (this.#session === session) this.#session = undefined;
        if (this.#attempt?.session !== session) return;
        this.#attempt = undefined;
        const error = new ConnectError(`No connection established. Last error: ${lastError?.message ?? "closed"}`, { cause: lastError });
        this.#lastFailure = { error, untilMs: performance.now() + backoffDelayMs(this.#failures++, retry, cryptoRandom) };
        reject(error);
      });
    });
    return { session, done };
  }

  /** A connection whose other end has vanished says nothing. */
  #keepAlive(session: ClientHttp2Session): void {
    const { keepaliveMs } = this.#options;
    if (keepaliveMs === undefined) return;
    const asking = every(keepaliveMs, () => {
      if (session.destroyed || !this.#calls.has(session)) return;
      const timer = afterMs(keepaliveMs / 2, () => session.destroy(new Error("Keepalive timeout")));
      // Called with an error when the connection ends first.
      session.ping(() => timer[Symbol.dispose]());
    });
    session.once("close", () => asking[Symbol.dispose]());
  }

  /** A connection without calls keeps no process alive, and is not asked whether it lives. */
  callBegins(session: ClientHttp2Session): void {
    const count = this.#calls.get(session) ?? 0;
    if (count === 0) session.ref();
    this.#calls.set(session, count + 1);
  }

  callEnds(session: ClientHttp2Session): void {
    const count = (this.#calls.get(session) ?? 1) - 1;
    if (count > 0) this.#calls.set(session, count);
    else {
      this.#calls.delete(session);
      if (!session.destroyed) session.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#attempt?.session.destroy();
    this.#session?.destroy();
  }
}

function open({ address, tls }: ConnectionOptions): ClientHttp2Session {
  const settings = { enablePush: false, initialWindowSize: windowBytes };
  const common = { settings, maxSessionMemory: sessionMegabytesMax } satisfies SecureClientSessionOptions;
  if (address.startsWith("unix:")) {
    const path = address.slice("unix:".length).replace(/^\/\//, "");
    return connect("http://localhost", { ...common, createConnection: () => connectSocket(path) });
  }
  return connect(`${tls ? "https" : "http"}://${address}`, {
    ...common, ...(tls && { ...(tls.ca !== undefined && { ca: tls.ca }), ...(tls.certificate !== undefined && { cert: tls.certificate }), ...(tls.key !== undefined && { key: tls.key }) }),
  });
}
