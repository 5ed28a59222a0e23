import { randomUUID, X509Certificate } from "node:crypto";
import { createSecureServer, type Http2SecureServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { badRequest, StatusError } from "../apimachinery/status-error.ts";
import { parseDurationMs } from "../apimachinery/time.ts";
import type { Answer, StreamSink } from "./answer.ts";
import type { Api } from "./api.ts";
import { distinctIdentityHeaders } from "./authentication/identity.ts";
import { drained, sendBitByBit } from "./bit-by-bit.ts";
import { bookmarkObject } from "./bookmark.ts";
import { chain, inform } from "./chain.ts";
import { removedRelease } from "./deprecations.ts";
import { answerFor, type Routes } from "./handlers/routes.ts";
import { asStatusError } from "./local-transport.ts";
import { eventEncoder } from "./output/encode.ts";
import { Deadlines } from "./deadlines.ts";
import { lasts, TooBusyError } from "./in-flight.ts";
import { notAList, onlyAList } from "./output/negotiation.ts";
import { checkProduced, producedBy } from "./output/produced-media.ts";
import { Http1Outlet, Http2Outlet, type Outlet } from "./outlet.ts";
import { encodeOptions, errorReply, lengthOf, reply, uncached, warningHeaders, type Reply } from "./output/respond.ts";
import { emptyBody, payloadOf } from "./payload.ts";
import type { Authorized, Incoming } from "./request.ts";
import type { Query } from "./query.ts";
import type { RequestInfo } from "./request-info.ts";
import { upgradeStream, serveStream, isStreaming } from "./streaming/serve.ts";

/** How long a connection may stay without a request, or take for the head of one; upstream's figures. */
const defaultLimits = { headMs: 32_000, idleMs: 90_000, handshakeMs: 10_000, requestMs: 60_000, streamsMax: 1_000 };
/** How often it is looked for connections that are idle for too long. */
const idleCheckMs = 10_000;
/** What is being answered when the server stops may take this long to finish. */
const finishMs = 10_000;
/** What is on its way to a client when all is answered may take this long to arrive. */
const flushMs = 500;
/** What waits to be sent over one connection; at Node's own 10 MB a single large list would have all other requests refused. */
const sessionMegabytesMax = 256;
/** So much lies ready for a reader that takes the state at the start of a watch. */
const unsentBytesMax = 1024 * 1024;
/** How far a reader of a watch may fall behind before it is cut off. */
const backlogBytesMax = 16 * 1024 * 1024;

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
  readonly limits?: Partial<HttpLimits>;
}

/** What one client may ask for. Upstream's figures where none are given. */
export interface HttpLimits {
  /** How long a request may take that is not meant to stay open; `?timeout=` may shorten it. */
  readonly requestMs: number;
  /** How long the head of a request may take, and a connection's first request be waited for. */
  readonly headMs: number;
  /** How long a connection is kept on which nothing is going on. */
  readonly idleMs: number;
  readonly handshakeMs: number;
  /** Streams that are open on one connection at a time. */
  readonly streamsMax: number;
}

/** One connection of HTTP/2, and how long it has had nothing to do. */
interface Connection {
  streams: number;
  idleSinceMs: number;
}

export class HttpServer implements AsyncDisposable {
  readonly #api: Api;
  readonly #routes: Routes;
  readonly #servers: Http2SecureServer[] = [];
  readonly #stopping = new AbortController();
  readonly #deadlines: Deadlines;
  readonly #limits: HttpLimits;
  readonly #sessions = new Set<{ close(): void; destroy(): void }>();
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  /** Requests that are being answered, those that last excepted. */
  #answering = 0;
  #allAnswered: (() => void) | undefined;
  readonly #certificates = new WeakMap<object, X509Certificate | null>();
  readonly addresses: { readonly host: string; readonly port: number }[] = [];

  private constructor({ api, routes, limits }: HttpServerOptions) {
    this.#api = api;
    this.#routes = routes;
    this.#limits = { ...defaultLimits, ...limits };
    this.#deadlines = new Deadlines({ clock: api.clock, timeoutMs: this.#limits.requestMs, signal: this.#stopping.signal, expired: timedOut });
  }

  static async listen(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    try {
      for (const { host, port } of options.listeners) await server.#listen(host, port, options.tls);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    void server.#closeIdle();
    return server;
  }

  async #listen(host: string, port: number, { certPem, keyPem, clientCaPem }: TlsOptions): Promise<void> {
    const { headMs, idleMs, handshakeMs, requestMs, streamsMax } = this.#limits;
    // Not among the options that the types know, though Node reads it; its own default is half a minute.
    const http1Checks = { connectionsCheckingInterval: Math.min(headMs, 5_000) };
    const server = createSecureServer({
      ...http1Checks,
      cert: certPem, key: keyPem, allowHTTP1: true, minVersion: "TLSv1.2", requestCert: true, rejectUnauthorized: false,
      ...(clientCaPem !== undefined && { ca: clientCaPem }),
      settings: { maxConcurrentStreams: streamsMax, initialWindowSize: 1 << 20 }, handshakeTimeout: handshakeMs,
      // Clients that open streams and reset them at once get this many for free, and so many a second; nghttp2's own figures.
      streamResetBurst: 1_000, streamResetRate: 33,
      peerMaxConcurrentStreams: 1000, maxSessionMemory: sessionMegabytesMax,
    });
    // For HTTP/1 on the same port; a body may take as long as a request.
    Object.assign(server, { headersTimeout: headMs, requestTimeout: requestMs + 5_000, keepAliveTimeout: idleMs });
    server.on("session", (session) => {
      this.#sessions.add(session);
      this.#connections.set(session, { streams: 0, idleSinceMs: this.#api.clock.now() });
      session.on("close", () => {
        this.#sessions.delete(session);
        this.#connections.delete(session);
      });
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
      // Idle ones of HTTP/1 end with the server; those of HTTP/2 have a session, which ends when its streams do.
      const each = { close: () => undefined, destroy: () => socket.destroy() };
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

  /** Connections of HTTP/2 on which nothing is going on are closed, so that nobody can hold any number of them. */
  async #closeIdle(): Promise<void> {
    const { clock } = this.#api;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const slept = await clock.sleep(Math.min(idleCheckMs, this.#limits.idleMs), { signal }).then(() => true, () => false);
      if (!slept) return;
      const before = clock.now() - this.#limits.idleMs;
      for (const [session, { streams, idleSinceMs }] of this.#connections) if (streams === 0 && idleSinceMs <= before) session.close();
    }
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
    const connection = stream.session && this.#connections.get(stream.session as ServerHttp2Session);
    if (connection) connection.streams++;
    const outlet = new Http2Outlet(stream, () => {
      if (!connection) return;
      connection.streams--;
      connection.idleSinceMs = this.#api.clock.now();
    });
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

  async #handle(raw: Incoming, outlet: Outlet, body: Readable): Promise<void> {
    const api = this.#api;
    const started = api.clock.now();
    const incoming = inform(raw);
    const auditId = auditIdOf(incoming);
    const common = { "audit-id": auditId, ...uncached };
    let code = 0;
    let labels = { verb: metricMethod(incoming.method), group: "", version: "", resource: "", subresource: "", scope: "", dryRun: "" };
    api.metrics.begin(incoming.method);
    const isLasting = lasts(incoming.info);
    if (!isLasting) this.#answering++;
    try {
      const answered = () => chain(api, incoming, async (request) => {
        const { info, query } = request;
        labels = { verb: metricVerb(info.verb, incoming.headers["content-type"]), group: info.group, version: info.version, resource: info.resource, subresource: info.subresource, scope: scopeOf(info), dryRun: dryRunOf(query) };
        return await this.#answer(request, outlet, body, common);
      });
      code = await (isLasting ? answered() : this.#deadlines.within(answered, timeoutOf(incoming.query)));
    } catch (error) {
      code = await this.#refuse(incoming, outlet, asStatusError(api, error, incoming.path), common);
    } finally {
      if (!isLasting && --this.#answering === 0) this.#allAnswered?.();
      api.metrics.end({ ...labels, ...measured(incoming), code, durationMs: api.clock.now() - started, bytes: outlet.bytes, deprecated: labels.resource === "" ? undefined : removalOf(api, labels) });
    }
  }

  /** Says why not; the code is what the client got, or would have got. */
  async #refuse(incoming: Incoming, outlet: Outlet, error: StatusError, common: Readonly<Record<string, string>>): Promise<number> {
    const api = this.#api;
    try {
      if (!outlet.begun && !outlet.isClosed) {
        const made = error instanceof TooBusyError ? tooBusyReply(error) : await errorReply(api, incoming, error);
        outlet.send({ ...made, headers: { ...common, ...withWarnings(incoming), ...made.headers }, ...(incoming.method === "HEAD" && { body: noBody }) });
        // The rest of a body that was refused, or that takes too long, is not read.
        if (error.code === 413 || error.code === 504) outlet.endRequest();
      }
    } catch (failed) {
      api.log.error("an answer could not be sent", { path: incoming.path, error: failed });
    }
    return error.code;
  }

  /** Sends what the handlers find; resolves with the code when all is sent (or, for a watch, when it has begun). */
  async #answer(request: Authorized, outlet: Outlet, body: Readable, common: Readonly<Record<string, string>>): Promise<number> {
    const api = this.#api;
    const { info } = request;
    if (info.isResourceRequest && isStreaming(info)) {
      await serveStream(api, this.#routes.streaming, request, body, { begin: (code, headers) => outlet.begin(code, { ...common, ...headers }) });
      return 200;
    }
    // Before anything is written: an answer that nobody can read must not be that of a success.
    if (info.isResourceRequest && !readVerbs.has(info.verb)) checkAnswerForm(api, request);
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
          // As long as the reader goes on reading: this is not waited for, so that no deadline of the request ends it.
          sendBitByBit(outlet, whole, made.rest, { clock: api.clock, stallMsMax: this.#limits.requestMs, expired: timedOut }).catch((error: unknown) => {
            if (!(error instanceof StatusError)) api.log.error("a list could not be sent to its end", { path: request.path, error });
          });
        } else outlet.send(whole);
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

  /** Ends what lasts, takes no more, lets what is being answered finish, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of this.#sessions) session.close();
    await this.#unless(finishMs, new Promise<void>((resolve) => {
      this.#allAnswered = resolve;
      if (this.#answering === 0) resolve();
    }));
    // What does not close by itself in this time is cut off.
    await this.#unless(flushMs, Promise.all(closed));
    for (const session of this.#sessions) session.destroy();
    await Promise.all(closed);
  }

  /** Waits for it, but no longer than this. */
  async #unless(durationMs: number, what: Promise<unknown>): Promise<void> {
    const done = new AbortController();
    await Promise.race([what, this.#api.clock.sleep(durationMs, { signal: done.signal }).catch(() => undefined)]);
    done.abort();
  }
}

/** Upstream's `?timeout=`, in milliseconds; 0 and what is longer than the server's own time mean the server's. @throws {StatusError} BadRequest */
function timeoutOf(query: Query): number | undefined {
  const text = query.get("timeout") ?? "";
  if (text === "") return undefined;
  try {
    return parseDurationMs(text);
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${error instanceof Error ? error.message : String(error)}`);
  }
}

const tooBusyReply = ({ message, details }: StatusError): Reply => ({
  code: 429, body: [Buffer.from(`${message}\n`)],
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", "retry-after": String(details?.retryAfterSeconds ?? 1) },
});
const timedOut = (): StatusError => new StatusError("Timeout", "Timeout: request did not complete within the allotted timeout", { details: {} });
const noBody: readonly Uint8Array[] = [];
const withWarnings = ({ warnings }: Incoming): Record<string, readonly string[]> => (warnings.length === 0 ? {} : { warning: warningHeaders(warnings) });

/** @throws {StatusError} NotAcceptable, for a form that the answer to a write cannot have. */
function checkAnswerForm(api: Api, request: Authorized): void {
  const { group, version, resource, subresource, verb } = request.info;
  // Reviews have no table.
  if (api.served(group, version, resource)?.type.verbs.includes(verb)) checkProduced(request.headers["accept"], producedBy(verb));
  const { wanted: { as } } = encodeOptions(api, request, { table: !api.virtual(group, version, resource), partial: true });
  const type = api.served(group, version, resource)?.type;
  if (!type || (subresource !== "" && subresource !== "status")) return;
  if (as === "PartialObjectMetadataList" && verb !== "deletecollection") throw notAList(type);
  if (as === "PartialObjectMetadata" && verb === "deletecollection") throw onlyAList(type);
}

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
