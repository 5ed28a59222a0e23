import type { X509Certificate } from "node:crypto";
import { createSecureServer, type Http2SecureServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Api } from "../api.ts";
import { distinctIdentityHeaders } from "../authentication/identity.ts";
import { chain } from "./chain.ts";
import { Deadlines } from "./deadlines.ts";
import type { Routes } from "../handlers/routes.ts";
import { auditIdOf, RequestLife, timedOut, type Connection, type Surroundings } from "./life-of-a-request.ts";
import { asStatusError } from "./local-transport.ts";
import { Http1Outlet, Http2Outlet, type Outlet } from "./outlet.ts";
import { errorReply, lengthOf, notCached } from "../output/respond.ts";
import { emptyBody, payloadOf } from "./payload.ts";
import type { Incoming } from "./request.ts";
import { upgradeStream } from "../streaming/serve.ts";

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

/** One connection of HTTP/2, who is at its other end, and how long it has had nothing to do. */
class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session;
  readonly #now: () => number;
  #requests = 0;
  #idleSinceMs: number;
  #certificate: X509Certificate | null | undefined;

  constructor(session: ServerHttp2Session, now: () => number) {
    this.#session = session;
    this.#now = now;
    this.#idleSinceMs = now();
  }

  /** Of the client, when it is one that our authority signed. It is looked for once: it cannot change. */
  get certificate(): X509Certificate | undefined {
    // A session that ended has lost its socket.
    if (this.#certificate === undefined && !this.#session.destroyed) this.#certificate = certificateOf(this.#session.socket as TLSSocket) ?? null;
    return this.#certificate ?? undefined;
  }

  enter(): void {
    this.#requests++;
  }

  leave(): void {
    if (--this.#requests === 0) this.#idleSinceMs = this.#now();
  }

  closeIfIdleSince(beforeMs: number): void {
    if (this.#requests === 0 && this.#idleSinceMs <= beforeMs) this.#session.close();
  }
}

const certificateOf = (socket: TLSSocket): X509Certificate | undefined => (socket.authorized ? socket.getPeerX509Certificate() : undefined);

/** Listens to errors of streams; one for all of them. */
function destroyIt(this: ServerHttp2Stream): void {
  this.destroy();
}

/** Most requests have none; nobody changes it. */
const noQuery = new URLSearchParams();

export class HttpServer implements AsyncDisposable {
  readonly #api: Api;
  readonly #surroundings: Surroundings;
  readonly #servers: Http2SecureServer[] = [];
  readonly #stopping = new AbortController();
  readonly #limits: HttpLimits;
  readonly #sessions = new Set<{ close(): void; destroy(): void }>();
  readonly #connections = new Set<Http2Connection>();
  /** Requests that are being answered, those that last excepted. */
  #answering = 0;
  #allAnswered: (() => void) | undefined;
  /** Of the connections of HTTP/1. */
  readonly #certificates = new WeakMap<object, X509Certificate | null>();
  readonly addresses: { readonly host: string; readonly port: number }[] = [];

  private constructor({ api, routes, limits }: HttpServerOptions) {
    this.#api = api;
    this.#limits = { ...defaultLimits, ...limits };
    const { signal } = this.#stopping;
    this.#surroundings = {
      api, routes, stallMsMax: this.#limits.requestMs, stopping: signal,
      deadlines: new Deadlines({ clock: api.clock, timeoutMs: this.#limits.requestMs, signal, expired: timedOut }),
      answering: {
        enter: () => void this.#answering++,
        leave: () => {
          if (--this.#answering === 0) this.#allAnswered?.();
        },
      },
    };
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
      const connection = new Http2Connection(session as ServerHttp2Session, () => this.#api.clock.now());
      this.#sessions.add(session);
      this.#connections.add(connection);
      session.on("close", () => {
        this.#sessions.delete(session);
        this.#connections.delete(connection);
      });
      session.on("stream", (stream, headers, _, rawHeaders) => this.#onStream(connection, stream as ServerHttp2Stream, distinctIdentityHeaders(headers, rawHeaders)));
      session.on("error", () => session.destroy());
      // So that large bodies are not held up by the window of the whole connection.
      session.setLocalWindowSize(1 << 24);
    });
    // With this listener every HTTP/2 stream would get a request and a response of HTTP/1's form as well, which nobody asks for.
    server.removeAllListeners("newListener");
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
      for (const connection of this.#connections) connection.closeIfIdleSince(before);
    }
  }

  #certificate(socket: TLSSocket): X509Certificate | undefined {
    let certificate = this.#certificates.get(socket);
    if (certificate === undefined) this.#certificates.set(socket, (certificate = certificateOf(socket) ?? null));
    return certificate ?? undefined;
  }

  #onStream(connection: Http2Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on("error", destroyIt);
    const outlet = new Http2Outlet(stream);
    const request = this.#incoming(headers[":method"] ?? "GET", headers[":path"] ?? "/", headers, connection.certificate, stream, outlet);
    new RequestLife({ surroundings: this.#surroundings, request, body: stream, outlet, connection }).begin();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    const outlet = new Http1Outlet(response);
    const incoming = this.#incoming(request.method ?? "GET", request.url ?? "/", distinctIdentityHeaders(request.headers, request.rawHeaders), this.#certificate(request.socket as TLSSocket), request, outlet);
    new RequestLife({ surroundings: this.#surroundings, request: incoming, body: request, outlet, connection: undefined }).begin();
  }

  #incoming(method: string, url: string, headers: IncomingHttpHeaders | IncomingMessage["headers"], peerCertificate: X509Certificate | undefined, body: Readable, outlet: Pick<Outlet, "closed">): Incoming {
    const question = url.indexOf("?");
    const rawQuery = question < 0 ? "" : url.slice(question + 1);
    return {
      method, path: question < 0 ? url : url.slice(0, question), query: rawQuery === "" ? noQuery : new URLSearchParams(rawQuery), rawQuery, headers, peerCertificate,
      identity: undefined, info: undefined, user: undefined, authenticatedMs: 0, authorizedMs: 0,
      payload: payloadOf(headers["content-type"] ?? "", headers["content-length"], body), signal: () => outlet.closed, warnings: [], receivedMs: this.#api.clock.now(),
    };
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const gone = new AbortController();
    socket.on("error", () => socket.destroy());
    socket.on("close", () => gone.abort());
    const incoming = this.#incoming(request.method ?? "GET", request.url ?? "/", distinctIdentityHeaders(request.headers, request.rawHeaders), this.#certificate(request.socket as TLSSocket), emptyBody(), { closed: gone.signal });
    const run = async () => {
      try {
        await chain(this.#api, incoming, (authorized) => upgradeStream(this.#api, this.#surroundings.routes.streaming, authorized, socket, head));
      } catch (error) {
        const status = asStatusError(this.#api, error, incoming.path);
        if (socket.destroyed || socket.writableEnded) return;
        const made = await errorReply(this.#api, incoming, status);
        const lines = [`HTTP/1.1 ${made.code} ${status.reason === "" ? "Error" : status.reason}`, `content-length: ${lengthOf(made.body)}`, "connection: close", `audit-id: ${auditIdOf(incoming)}`];
        for (const [name, value] of Object.entries({ "cache-control": notCached, ...made.headers })) lines.push(`${name}: ${String(value)}`);
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
