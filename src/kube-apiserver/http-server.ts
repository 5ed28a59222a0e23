import { randomUUID, X509Certificate } from "node:crypto";
import { createSecureServer, constants, type Http2SecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { PassThrough, type Duplex, type Readable, type Writable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { StatusError } from "../apimachinery/status-error.ts";
import type { Answer, StreamSink } from "./answer.ts";
import type { Api } from "./api.ts";
import { distinctIdentityHeaders } from "./authentication/identity.ts";
import { drained, sendBitByBit } from "./bit-by-bit.ts";
import { bookmarkObject } from "./bookmark.ts";
import { chain } from "./chain.ts";
import { removedRelease } from "./deprecations.ts";
import { answerFor, type Routes } from "./handlers/routes.ts";
import { asStatusError } from "./local-transport.ts";
import { eventEncoder } from "./output/encode.ts";
import { Deadlines } from "./deadlines.ts";
import { encodeOptions, errorReply, lengthOf, reply, uncached, warningHeaders, type Reply } from "./output/respond.ts";
import type { Authorized, Incoming, Payload } from "./request.ts";
import type { Query } from "./query.ts";
import type { RequestInfo } from "./request-info.ts";
import { upgradeStream, serveStream, isStreaming } from "./streaming/serve.ts";

/** Upstream's limit of a request body. */
export const bodyBytesMax = 3 * 1024 * 1024;
/** How long a request may take that is not meant to stay open. */
const requestTimeoutMs = 60_000;
/** What waits to be sent over one connection; at Node's own 10 MB a single large list would have all other requests refused. */
const sessionMegabytesMax = 256;
/** So much lies ready for a reader that takes the state at the start of a watch. */
const unsentBytesMax = 1024 * 1024;
/** How far a reader of a watch may fall behind before it is cut off. */
const backlogBytesMax = 16 * 1024 * 1024;
const http1Hops: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"]);

export interface TlsOptions {
  readonly certPem: string;
  readonly keyPem: string;
  /** Certificates of clients are verified against these. Client certificates that do not verify count as not given. */
  readonly clientCaPem?: string;
}

export interface HttpServerOptions {
  readonly api: Api;
  readonly routes: Routes;
  readonly tls: TlsOptions;
  readonly listeners: readonly { readonly host: string; readonly port: number }[];
}

/** The way back, whichever version of HTTP it is. */
interface Outlet {
  /** Sends an answer in one piece. */
  send(reply: Reply): void;
  /** Sends the head of an answer that goes on. */
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable;
  /** Ends an answer in its middle, so that the client can tell. */
  cut(): void;
  readonly begun: boolean;
  /** Of the body of an answer in one piece. */
  readonly bytes: number;
  readonly closed: AbortSignal;
  readonly isClosed: boolean;
}

export class HttpServer implements AsyncDisposable {
  readonly #api: Api;
  readonly #routes: Routes;
  readonly #servers: Http2SecureServer[] = [];
  readonly #stopping = new AbortController();
  readonly #deadlines: Deadlines;
  readonly #sessions = new Set<{ close(): void; destroy(): void }>();
  readonly #certificates = new WeakMap<object, X509Certificate | null>();
  readonly addresses: { readonly host: string; readonly port: number }[] = [];

  private constructor({ api, routes }: HttpServerOptions) {
    this.#api = api;
    this.#routes = routes;
    this.#deadlines = new Deadlines({ clock: api.clock, timeoutMs: requestTimeoutMs, signal: this.#stopping.signal, expired: timedOut });
  }

  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    try {
      for (const { host, port } of options.listeners) await server.#listen(host, port, options.tls);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  async #listen(host: string, port: number, { certPem, keyPem, clientCaPem }: TlsOptions): Promise<void> {
    const server = createSecureServer({
      cert: certPem, key: keyPem, allowHTTP1: true, minVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: false,
      ...(clientCaPem !== undefined && { ca: clientCaPem }),
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 1 << 20 },
      peerMaxConcurrentStreams: 1000, maxSessionMemory: sessionMegabytesMax,
    });
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      session.on("error", () => session.destroy());
      // So that large bodies are not held up by the window of the whole connection.
      session.setLocalWindowSize(1 << 24);
    });
    // With this listener every HTTP/2 stream would get a request and a response of HTTP/1's form as well, which nobody asks for.
    server.removeAllListeners("newListener");
    server.on("stream", (stream, headers, _, rawHeaders) => this.#onStream(stream as ServerHttp2Stream, distinctIdentityHeaders(headers, rawHeaders)));
    server.on("request", (request, response) => {
      if (request.httpVersionMajor === 1) this.#onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#onUpgrade(request, socket, head));
    server.on("secureConnection", (socket: TLSSocket) => {
      const each = { close: () => socket.destroySoon(), destroy: () => socket.destroy() };
      this.#sessions.add(each);
      socket.on("close", () => this.#sessions.delete(each));
      socket.on("error", () => socket.destroy());
    });
    server.on("tlsClientError", (_, socket) => socket.destroy());
    server.on("sessionError", () => undefined);
    server.on("clientError", (_, socket: Socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        server.on("error", (error) => this.#api.log.error("the HTTP server failed", { error }));
        resolve();
      });
    });
    this.#servers.push(server);
    this.addresses.push({ host, port: (server.address() as AddressInfo).port });
  }

  /** New connections get this certificate; those that are open keep the one that they were made with. */
  renewTls({ certPem, keyPem, clientCaPem }: TlsOptions): void {
    for (const server of this.#servers) server.setSecureContext({ cert: certPem, key: keyPem, ...(clientCaPem !== undefined && { ca: clientCaPem }) });
  }

  #certificate(socket: TLSSocket | undefined): X509Certificate | undefined {
    if (!socket) return undefined;
    let certificate = this.#certificates.get(socket);
    if (certificate === undefined) {
      certificate = (socket.authorized ? socket.getPeerX509Certificate() : undefined) ?? null;
      this.#certificates.set(socket, certificate);
    }
    return certificate ?? undefined;
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on("error", () => stream.destroy());
    const path = headers[":path"] ?? "/";
    const socket = stream.session?.socket as TLSSocket | undefined;
    const outlet = new Http2Outlet(stream);
    void this.#handle(this.#incoming(headers[":method"] ?? "GET", path, headers, this.#certificate(socket), stream, outlet), outlet, stream);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const outlet = new Http1Outlet(response);
    void this.#handle(this.#incoming(request.method ?? "GET", request.url ?? "/", distinctIdentityHeaders(request.headers, request.rawHeaders), this.#certificate(request.socket as TLSSocket), request, outlet), outlet, request);
  }

  #incoming(method: string, url: string, headers: IncomingHttpHeaders | IncomingMessage["headers"], certificate: X509Certificate | undefined, body: Readable, outlet: Pick<Outlet, "closed">): Incoming {
    const question = url.indexOf("?");
    const path = question < 0 ? url : url.slice(0, question);
    return {
      method, path, query: new URLSearchParams(question < 0 ? "" : url.slice(question + 1)), rawQuery: question < 0 ? "" : url.slice(question + 1), headers, ...(certificate && { peerCertificate: certificate }),
      payload: payloadOf(headers["content-type"] ?? "", headers["content-length"], body), signal: () => outlet.closed, warnings: [], receivedMs: this.#api.clock.now(),
    };
  }

  async #handle(incoming: Incoming, outlet: Outlet, body: Readable): Promise<void> {
    const api = this.#api;
    const started = api.clock.now();
    const auditId = auditIdOf(incoming);
    const common = { "audit-id": auditId, ...uncached };
    let code = 0;
    let labels = { verb: metricMethod(incoming.method), group: "", version: "", resource: "", subresource: "", scope: "", dryRun: "" };
    api.metrics.begin(incoming.method);
    try {
      code = await this.#deadlines.within((lasts) => chain(api, incoming, async (request) => {
        const { info, query } = request;
        labels = { verb: metricVerb(info.verb, incoming.headers["content-type"]), group: info.group, version: info.version, resource: info.resource, subresource: info.subresource, scope: scopeOf(info), dryRun: dryRunOf(query) };
        if (info.verb === "watch" || isStreaming(info) || query.get("watch") === "true") lasts();
        return await this.#answer(request, outlet, body, common, lasts);
      }));
    } catch (error) {
      const status = asStatusError(api, error, incoming.path);
      code = status.code;
      try {
        if (!outlet.begun && !outlet.isClosed) {
          const made = await errorReply(api, incoming, status);
          outlet.send({ ...made, headers: { ...common, ...withWarnings(incoming), ...made.headers }, ...(incoming.method === "HEAD" && { body: noBody }) });
          // The rest of a body that was refused is not read.
          if (status.code === 413) body.destroy();
        }
      } catch (failed) {
        api.log.error("an answer could not be sent", { path: incoming.path, error: failed });
      }
    } finally {
      api.metrics.end({ ...labels, ...measured(incoming), code, durationMs: api.clock.now() - started, bytes: outlet.bytes, deprecated: labels.resource === "" ? undefined : removalOf(api, labels) });
    }
  }

  /** Sends what the handlers find; resolves with the code when all is sent (or, for a watch, when it has begun). */
  async #answer(request: Authorized, outlet: Outlet, body: Readable, common: Readonly<Record<string, string>>, lasts: () => void): Promise<number> {
    const api = this.#api;
    const { info } = request;
    if (info.isResourceRequest && isStreaming(info)) {
      await serveStream(api, this.#routes.streaming, request, body, { begin: (code, headers) => outlet.begin(code, { ...common, ...headers }) });
      return 200;
    }
    // Before anything is written: an answer that nobody can read must not be that of a success.
    if (info.isResourceRequest && !readVerbs.has(info.verb)) encodeOptions(api, request, { table: true, partial: true });
    const answer = await answerFor(api, this.#routes, request);
    const headers = { ...common, ...withWarnings(request) };
    switch (answer.is) {
      case "watch":
        this.#pumpWatch(request, answer, outlet, headers);
        return 200;
      case "stream":
        this.#pump(outlet, { ...headers, "content-type": answer.contentType }, (sink) => answer.start(sink));
        return 200;
      default: {
        const made = await reply(api, request, answer);
        const whole = { ...made, headers: { ...headers, ...made.headers } };
        if (request.method === "HEAD") outlet.send({ code: whole.code, headers: whole.headers, body: noBody });
        else if (made.rest) {
          lasts(); // As long as the reader goes on reading.
          await sendBitByBit(outlet, whole, made.rest, { clock: api.clock, stallMsMax: requestTimeoutMs, expired: timedOut });
        }
        else outlet.send(whole);
        return made.code;
      }
    }
  }

  #pumpWatch(request: Authorized, answer: Extract<Answer, { is: "watch" }>, outlet: Outlet, headers: Readonly<Record<string, string | readonly string[]>>): void {
    const api = this.#api;
    const { type } = answer.served;
    const encoder = eventEncoder(answer.served, encodeOptions(api, request, { table: true, partial: true }), () => api.clock.now());
    const where = { group: type.group, version: type.version, resource: type.plural, scope: scopeOf(request.info) };
    this.#pump(outlet, { ...headers, "content-type": encoder.contentType }, (sink) => {
      const watching = answer.start({
        event: (kind, entry) => sink.write(encoder.event(kind, entry)),
        bookmark: (revision, initialEventsEnd) => sink.write(encoder.plain("BOOKMARK", bookmarkObject(type, revision, initialEventsEnd))),
        error: (object) => void sink.write(encoder.plain("ERROR", object)),
        end: () => sink.end(),
        ...(sink.drained && { drained: sink.drained }),
      });
      api.metrics.watching(where, 1);
      return {
        [Symbol.dispose]: () => {
          watching[Symbol.dispose]();
          api.metrics.watching(where, -1);
        },
      };
    });
  }

  /** Sends what comes until the reader goes, falls too far behind, or the server stops. */
  #pump(outlet: Outlet, headers: Readonly<Record<string, string | readonly string[]>>, start: (sink: StreamSink) => Disposable): void {
    const writable = outlet.begin(200, headers);
    let initial = true;
    const source = start({
      write: (bytes) => {
        if (writable.destroyed || writable.writableEnded) return false;
        writable.write(bytes);
        // However large the state at the start is, it is not the reader's fault.
        return initial || writable.writableLength <= backlogBytesMax;
      },
      end: () => void (writable.destroyed || writable.end()),
      drained: () => (writable.destroyed || writable.writableLength <= unsentBytesMax ? undefined : drained(writable)),
    });
    initial = false;
    const stop = () => {
      outlet.closed.removeEventListener("abort", stop);
      this.#stopping.signal.removeEventListener("abort", stop);
      source[Symbol.dispose]();
      if (!writable.destroyed) writable.end();
    };
    if (outlet.closed.aborted || this.#stopping.signal.aborted) return stop();
    outlet.closed.addEventListener("abort", stop, { once: true });
    this.#stopping.signal.addEventListener("abort", stop, { once: true });
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const gone = new AbortController();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => gone.abort());
    const incoming = this.#incoming(request.method ?? "GET", request.url ?? "/", distinctIdentityHeaders(request.headers, request.rawHeaders), this.#certificate(request.socket as TLSSocket), emptyBody(), { closed: gone.signal });
    const run = async () => {
      try {
        await chain(this.#api, incoming, (authorized) => upgradeStream(this.#api, this.#routes.streaming, authorized, socket, head));
      } catch (error) {
        const status = asStatusError(this.#api, error, incoming.path);
        if (socket.destroyed || socket.writableEnded) return;
        const made = await errorReply(this.#api, incoming, status);
        const lines = [`HTTP/1.1 ${made.code} ${status.reason === "" ? "Error" : status.reason}`, `content-length: ${lengthOf(made.body)}`, "connection: close", `audit-id: ${auditIdOf(incoming)}`];
        for (const [name, value] of Object.entries({ ...uncached, ...made.headers })) lines.push(`${name}: ${String(value)}`);
        socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), ...made.body]));
      }
    };
    run().catch((error: unknown) => {
      this.#api.log.error("an upgrade failed", { path: incoming.path, error });
      socket.destroy();
    });
  }

  /** Ends the watches, lets what is being answered finish for a moment, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of this.#sessions) session.close();
    // What does not close by itself in this time is cut off.
    const patience = new AbortController();
    await Promise.race([
      Promise.all(closed),
      this.#api.clock.sleep(500, { signal: patience.signal }).then(() => {
        for (const session of this.#sessions) session.destroy();
      }, () => undefined),
    ]);
    patience.abort();
    for (const session of this.#sessions) session.destroy();
    await Promise.all(closed);
  }
}

const timedOut = (): StatusError => new StatusError("Timeout", "request did not complete within the allotted timeout", { details: { retryAfterSeconds: 1 } });
const noBody: readonly Uint8Array[] = [];
const withWarnings = ({ warnings }: Incoming): Record<string, readonly string[]> => (warnings.length === 0 ? {} : { warning: warningHeaders(warnings) });

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);
/** Upstream's names for where a request looks. */
const scopeOf = ({ name, verb, namespace, isResourceRequest }: RequestInfo): string => (name !== "" || verb === "create" ? "resource" : namespace !== "" ? "namespace" : isResourceRequest ? "cluster" : "");
function dryRunOf(query: Query): string {
  const values = query.getAll("dryRun");
  return values.length === 0 ? "" : values.every((value) => value === "All") ? "All" : "invalid";
}
/** Methods that nobody knows share one name, so that clients cannot invent series. */
const metricMethod = (method: string): string => (["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"].includes(method) ? method : "other");
const metricVerb = (verb: string, contentType: string | string[] | undefined): string => (verb === "patch" && String(contentType).startsWith("application/apply-patch") ? "APPLY" : undefined) ??
  ({ get: "GET", list: "LIST", watch: "WATCH", create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE", deletecollection: "DELETECOLLECTION" } as Readonly<Record<string, string>>)[verb] ?? metricMethod(verb.toUpperCase());

const measured = ({ method, headers }: Incoming) => ({ method, userAgent: String(headers["user-agent"] ?? "") });
const removalOf = (api: Api, { group, version, resource }: { readonly group: string; readonly version: string; readonly resource: string }): string | undefined => {
  const type = api.served(group, version, resource)?.type;
  return type && removedRelease(type);
};

function auditIdOf({ headers }: Incoming): string {
  const given = headers["audit-id"];
  return typeof given === "string" && given !== "" && given.length <= 64 && /^[-.\w]+$/.test(given) ? given : randomUUID();
}

function emptyBody(): Readable {
  const empty = new PassThrough();
  empty.end();
  return empty;
}

export const tooLargeBody = (): StatusError => new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`, { details: {} });

/** The body is read when a handler asks, and once. */
function payloadOf(contentType: string, contentLength: string | undefined, body: Readable): Payload {
  let read: Promise<Buffer> | undefined;
  return {
    is: "bytes", contentType,
    read: () => (read ??= readBody(body, contentLength)),
  };
}

function readBody(body: Readable, contentLength: string | undefined): Promise<Buffer> {
  if (contentLength !== undefined && Number(contentLength) > bodyBytesMax) return Promise.reject(tooLargeBody());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    body.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) {
        body.pause();
        reject(tooLargeBody());
      } else chunks.push(chunk);
    });
    let ended = false;
    body.on("end", () => {
      ended = true;
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    body.on("error", (error) => reject(new StatusError("BadRequest", `the body could not be read: ${error.message}`, { cause: error })));
    body.on("close", () => {
      if (!ended) reject(new StatusError("BadRequest", "unexpected EOF"));
    });
  });
}

/** One for all, because making an error costs more than most requests. */
const goneAway = new Error("the client has gone away");

class Http2Outlet implements Outlet {
  readonly #stream: ServerHttp2Stream;
  bytes = 0;
  #closed: AbortController | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on("close", () => this.#closed?.abort(goneAway));
  }
  /** Made when somebody asks: most requests end before anybody does. */
  get closed(): AbortSignal {
    if (!this.#closed) {
      this.#closed = new AbortController();
      if (this.#stream.closed || this.#stream.destroyed) this.#closed.abort(goneAway);
    }
    return this.#closed.signal;
  }
  get isClosed(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }
  cut(): void {
    if (!this.isClosed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
  get begun(): boolean {
    return this.#stream.headersSent;
  }
  send({ code, headers, body }: Reply): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const length = lengthOf(body);
    this.bytes = length;
    if (length === 0) return stream.respond({ ":status": code, ...(headers as Record<string, string>) }, { endStream: true });
    stream.respond({ ":status": code, ...(headers as Record<string, string>), "content-length": length });
    for (const piece of body.slice(0, -1)) stream.write(piece);
    stream.end(body.at(-1));
  }
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable {
    const allowed = Object.fromEntries(Object.entries(headers).filter(([name]) => !http1Hops.has(name.toLowerCase())));
    if (!this.#stream.destroyed && !this.#stream.closed) this.#stream.respond({ [constants.HTTP2_HEADER_STATUS]: code, ...(allowed as Record<string, string>) });
    return this.#stream;
  }
}

class Http1Outlet implements Outlet {
  readonly #response: ServerResponse;
  bytes = 0;
  #closed: AbortController | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on("close", () => this.#closed?.abort(goneAway));
  }
  get closed(): AbortSignal {
    if (!this.#closed) {
      this.#closed = new AbortController();
      if (this.#response.destroyed) this.#closed.abort(goneAway);
    }
    return this.#closed.signal;
  }
  get isClosed(): boolean {
    return this.#response.destroyed;
  }
  cut(): void {
    this.#response.destroy();
  }
  get begun(): boolean {
    return this.#response.headersSent;
  }
  send({ code, headers, body }: Reply): void {
    if (this.#response.destroyed) return;
    this.bytes = lengthOf(body);
    this.#response.writeHead(code, { ...(headers as Record<string, string | string[]>), "content-length": this.bytes });
    for (const piece of body.slice(0, -1)) this.#response.write(piece);
    this.#response.end(body.at(-1));
  }
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable {
    this.#response.writeHead(code, headers as Record<string, string | string[]>);
    this.#response.flushHeaders();
    return this.#response;
  }
}

