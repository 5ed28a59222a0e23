import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import type { KubeObject, WatchEvent } from "../apimachinery/object.ts";
import type { ApiRequest, Transport, WatchStream } from "../apimachinery/transport.ts";
import type { Clock } from "../stdx/clock.ts";
import { bodyOf, bytesOf, contentTypeOf, read, refusal, type Whole } from "./http-answer.ts";
import { ConnectionError, isConnectionError } from "./connection-error.ts";
import type { Connection } from "./connection.ts";
import { json, type Encoding } from "./encoding.ts";
import { httpOf, queryText } from "./request-path.ts";
import { Semaphore } from "./semaphore.ts";

export interface HttpTransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly userAgent?: string;
  /** JSON when absent. */
  readonly encoding?: Encoding;
  /** Requests on their way at once, watches and raw streams not counted. */
  readonly requestsMax?: number;
  /** How long one request (not a watch or a raw stream) may take. */
  readonly timeoutMs?: number;
  /** Gets the text of each `Warning` header. */
  readonly onWarning?: (text: string) => void;
}

/** A request that is not for objects of a resource, or whose answer is a stream: logs, discovery, tables, health. */
export interface RawRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}
/** Whatever the status was. The body is read once; dispose to give up on the rest of it. */
export interface RawResponse extends Disposable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
}

/** Streams that one connection carries at most; the next one gets a connection of its own. */
const streamsPerSessionMax = 100;
/** A connection on which nothing came for this long is asked for a sign of life, and given up when none comes. */
const pingIntervalMs = 30_000;
const pingTimeoutMs = 15_000;
const tokenFileIntervalMs = 60_000;
/** A server that answers "later" (429 or 5xx with Retry-After) is asked again this often. */
const retriesMax = 10;
const retryAfterMsMax = 30_000;
/** Ends the watch over a request that was answered; one for all, since making an error with its stack costs as much as sending a small request. */
const answeredInTime = new Error("the request was answered");

interface Session {
  readonly http2: ClientHttp2Session;
  streams: number;
  usable: boolean;
  pinging: AbortController | undefined;
}
interface Exchange {
  readonly stream: ClientHttp2Stream;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Talks HTTP/2 to an API server, over as few connections as the number of streams allows; they are opened when needed and again after they broke. */
export class HttpTransport implements Transport, Disposable {
  readonly #options: HttpTransportOptions;
  readonly #slots: Semaphore;
  readonly #closed = new AbortController();
  readonly encoding: Encoding;
  #connection: Connection;
  /** Keys and certificates as TLS wants them: reading them takes ten milliseconds, which whoever waits for a server to come up would spend with each try. */
  #secureContext: SecureContext | undefined;
  #sessions: Session[] = [];
  #token: { readonly value: string; readonly readMs: number } | undefined;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.encoding = options.encoding ?? json;
    this.#connection = options.connection;
    this.#slots = new Semaphore(options.requestsMax ?? 256);
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** From now on speaks with these credentials; what is under way ends as it began. */
  replaceConnection(connection: Connection): void {
    this.#connection = connection;
    this.#secureContext = undefined;
    this.#token = undefined;
    for (const session of this.#sessions) {
      session.usable = false;
      session.http2.close();
    }
    this.#sessions = [];
  }

  async request(request: ApiRequest): Promise<unknown> {
    const { method, path } = httpOf(request);
    const { encoding } = this;
    // Patches are JSON by their nature.
    const sent = request.body === undefined ? undefined : (request.patchType ? json : encoding).write(request.body);
    const headers = { accept: encoding.accept, ...(sent && { "content-type": request.patchType ?? sent.contentType }) };
    using _slot = await this.#slots.acquire(request.signal);
    for (let retries = 0; ; retries++) {
      const answer = await this.#whole({ method, path, headers, ...(sent && { body: sent.body }), ...(request.signal && { signal: request.signal }) });
      if (answer.status < 400) return read(encoding, answer);
      const delayMs = retryAfterMs(answer);
      if (delayMs === undefined || retries >= retriesMax) throw refusal(encoding, answer, request);
      await this.#options.clock.sleep(delayMs, { signal: this.#signal(request.signal) });
    }
  }

  watch(request: ApiRequest): WatchStream {
    const stop = new AbortController();
    const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
    const events = this.#events(request, signal, stop.signal);
    return { [Symbol.asyncIterator]: () => events, [Symbol.dispose]: () => stop.abort() };
  }

  async *#events(request: ApiRequest, signal: AbortSignal, stopped: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>, void> {
    const { method, path } = httpOf(request);
    try {
      const { stream, status, headers } = await this.#exchange({ method, path, headers: { accept: this.encoding.accept }, signal });
      using _closing = { [Symbol.dispose]: () => stream.close(constants.NGHTTP2_CANCEL) };
      if (status >= 400) throw refusal(this.encoding, { status, headers, bytes: await bytesOf(stream, signal) }, request);
      for await (const event of this.encoding.events(bodyOf(stream, signal), contentTypeOf(headers))) yield event as WatchEvent<KubeObject>;
    } catch (error) {
      if (!stopped.aborted) throw error;
    }
  }

  /** @throws {ConnectionError} when there is no answer; an answer of any status is returned. */
  async raw(request: RawRequest): Promise<RawResponse> {
    const { stream, status, headers } = await this.#exchange(request);
    return {
      status, headers,
      body: bodyOf(stream, request.signal),
      text: async () => (await bytesOf(stream, request.signal)).toString("utf8"),
      [Symbol.dispose]: () => stream.close(constants.NGHTTP2_CANCEL),
    };
  }

  [Symbol.dispose](): void {
    this.#closed.abort(new ConnectionError("the transport was closed"));
    for (const { http2 } of this.#sessions) http2.destroy();
    this.#sessions = [];
  }

  async #whole(request: RawRequest): Promise<Whole> {
    const done = new AbortController();
    const late = new AbortController();
    const { clock, timeoutMs = 60_000 } = this.#options;
    clock.sleep(timeoutMs, { signal: done.signal }).then(() => late.abort(new ConnectionError(`no answer within ${timeoutMs} ms`)), () => undefined); // Rejects when the answer came.
    const signal = AbortSignal.any([late.signal, ...(request.signal ? [request.signal] : [])]);
    try {
      const { stream, status, headers } = await this.#exchange({ ...request, signal });
      return { status, headers, bytes: await bytesOf(stream, signal) };
    } finally {
      done.abort(answeredInTime);
    }
  }

  /** Tries a second time where the first cannot have reached the server's handlers, or where asking twice is the same as asking once. */
  async #exchange(request: RawRequest): Promise<Exchange> {
    const headers = await this.#headers(request);
    try {
      return await this.#once(request, headers);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!isConnectionError(error) || !isSafeToRepeat(request, error)) throw error;
      return await this.#once(request, headers);
    }
  }

  async #once(request: RawRequest, headers: Readonly<Record<string, string>>): Promise<Exchange> {
    const signal = this.#signal(request.signal);
    signal.throwIfAborted();
    const session = this.#session();
    const { body } = request;
    let stream: ClientHttp2Stream;
    try {
      stream = session.http2.request({ ...headers }, { endStream: body === undefined });
    } catch (cause) {
      session.usable = false;
      throw new ConnectionError(`cannot reach ${this.#connection.server}`, { cause });
    }
    this.#opened(session);
    const answered = Promise.withResolvers<Exchange>();
    let hasAnswer = false;
    const abort = () => {
      answered.reject(signal.reason);
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener("abort", abort, { once: true });
    stream.once("response", (received) => {
      this.#warn(received);
      hasAnswer = true;
      answered.resolve({ stream, status: Number(received[":status"] ?? 0), headers: received });
    });
    stream.on("error", (cause) => answered.reject(new ConnectionError(`${this.#connection.server}: ${cause.message}`, { cause })));
    stream.once("close", () => {
      signal.removeEventListener("abort", abort);
      if (!hasAnswer) answered.reject(new ConnectionError(`${this.#connection.server} closed the stream before it answered`));
      this.#ended(session);
    });
    if (typeof body === "string" || body instanceof Uint8Array) stream.end(body);
    else if (body) void pump(body, stream);
    return answered.promise;
  }

  async #headers({ method, path, query, headers }: RawRequest): Promise<Record<string, string>> {
    const { server, impersonate, username, password } = this.#connection;
    const { origin, pathname, host } = new URL(server);
    const token = await this.#bearer();
    const prefix = pathname === "/" ? "" : pathname.replace(/\/$/, "");
    return {
      ":method": method, ":path": `${prefix}${path}${queryText(query)}`, ":scheme": origin.startsWith("https:") ? "https" : "http", ":authority": host,
      "user-agent": this.#options.userAgent ?? "keelson",
      ...(token !== undefined ? { authorization: `Bearer ${token}` }
        : username !== undefined ? { authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` } : {}),
      ...(impersonate && { "impersonate-user": impersonate.user, ...(impersonate.groups?.length && { "impersonate-group": impersonate.groups.join(",") }), ...(impersonate.uid !== undefined && { "impersonate-uid": impersonate.uid }) }),
      ...headers,
    };
  }

  async #bearer(): Promise<string | undefined> {
    const { token, tokenFile } = this.#connection;
    if (tokenFile === undefined) return token;
    const nowMs = this.#options.clock.now();
    if (!this.#token || nowMs - this.#token.readMs >= tokenFileIntervalMs) this.#token = { value: (await readFile(tokenFile, "utf8")).trim(), readMs: nowMs };
    return this.#token.value;
  }

  #session(): Session {
    const free = this.#sessions.find(({ usable, streams, http2 }) => usable && !http2.closed && !http2.destroyed && streams < Math.min(streamsPerSessionMax, http2.remoteSettings?.maxConcurrentStreams ?? streamsPerSessionMax));
    if (free) return free;
    const { server, certificateAuthority, clientCertificate, clientKey, tlsServerName, insecureSkipTlsVerify } = this.#connection;
    this.#secureContext ??= createSecureContext({
      ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
      ...(clientCertificate !== undefined && { cert: clientCertificate }),
      ...(clientKey !== undefined && { key: clientKey }),
    });
    const http2 = connect(new URL(server).origin, {
      secureContext: this.#secureContext,
      ...(tlsServerName !== undefined && { servername: tlsServerName }),
      ...(insecureSkipTlsVerify === true && { rejectUnauthorized: false }),
    });
    http2.setMaxListeners(streamsPerSessionMax * 4);
    const session: Session = { http2, streams: 0, usable: true, pinging: undefined };
    const drop = () => {
      session.usable = false;
      this.#sessions = this.#sessions.filter((each) => each !== session);
    };
    http2.on("error", drop); // The streams get the error, and with it whoever waits for them.
    http2.once("goaway", drop);
    http2.once("close", () => {
      drop();
      session.pinging?.abort();
    });
    this.#sessions.push(session);
    return session;
  }

  #opened(session: Session): void {
    if (session.streams++ > 0) return;
    session.http2.ref();
    session.pinging = new AbortController();
    void this.#ping(session, session.pinging.signal);
  }

  /** A connection without streams neither keeps the process alive nor is watched over. */
  #ended(session: Session): void {
    if (--session.streams > 0) return;
    session.pinging?.abort();
    if (!session.http2.destroyed) session.http2.unref();
  }

  async #ping({ http2 }: Session, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const slept = await clock.sleep(pingIntervalMs, { signal }).then(() => true, () => false);
      if (!slept || http2.destroyed) return;
      const answered = new AbortController();
      http2.ping(() => answered.abort());
      const silent = await clock.sleep(pingTimeoutMs, { signal: AbortSignal.any([signal, answered.signal]) }).then(() => true, () => false);
      if (silent) http2.destroy(new ConnectionError(`${this.#connection.server} did not answer a ping within ${pingTimeoutMs} ms`));
    }
  }

  #warn(headers: IncomingHttpHeaders): void {
    const { onWarning } = this.#options;
    if (!onWarning) return;
    const found = headers["warning"];
    for (const text of (Array.isArray(found) ? found : [found ?? ""]).join(", ").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) onWarning((text[1] ?? "").replaceAll(/\\(.)/g, "$1"));
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal;
  }
}

async function pump(body: AsyncIterable<Uint8Array>, stream: ClientHttp2Stream): Promise<void> {
  try {
    for await (const chunk of body) {
      if (stream.destroyed) return;
      if (!stream.write(chunk)) await new Promise<void>((resolve) => {
        stream.once("drain", resolve);
        stream.once("close", resolve);
      });
    }
    stream.end();
  } catch (cause) {
    stream.destroy(new ConnectionError("the body of a request could not be read", { cause }));
  }
}

function retryAfterMs({ status, headers }: { readonly status: number; readonly headers: IncomingHttpHeaders }): number | undefined {
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  return (status === 429 || status >= 500) && seconds >= 0 ? Math.min(Math.max(seconds, 0.1) * 1000, retryAfterMsMax) : undefined;
}

function isSafeToRepeat({ method, body }: RawRequest, error: ConnectionError): boolean {
  if (body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array)) return false;
  const { code, message } = (error.cause ?? {}) as { readonly code?: string; readonly message?: string };
  if (code === "ECONNREFUSED" || code === "ENOTFOUND") return false;
  const untouched = code === "ERR_HTTP2_GOAWAY_SESSION" || code === "ERR_HTTP2_INVALID_SESSION" || (message ?? "").includes("NGHTTP2_REFUSED_STREAM");
  return untouched || method === "GET";
}
