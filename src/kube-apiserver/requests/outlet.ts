import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { lengthOf } from "../output/respond.ts";

/** The way back, whichever version of HTTP it is. */
export interface Outlet {
  /**
   * Sends an answer in one piece. `headers` are names and values in turns, as both versions take them without looking at them again; the list is
   * the outlet's from now on. The length of the body is added here.
   */
  send(code: number, headers: string[], body: readonly Uint8Array[]): void;
  /** Sends the head of an answer that goes on. */
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable;
  readonly begun: boolean;
  /** Of the body of an answer in one piece. */
  readonly bytes: number;
  /** Made when somebody asks: most requests end before anybody does. */
  readonly closed: AbortSignal;
  readonly isClosed: boolean;
  /** Ends an answer in its middle, so that the client can tell. */
  cut(): void;
  /** What the client still sends is not waited for: once the answer is out, its stream ends. */
  endRequest(): void;
}

const http1Hops: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"]);
/** One for all, because making an error costs more than most requests. */
const goneAway = new Error("the client has gone away");

/** Aborts when this closes, or at once when it has. */
function closing(what: ServerHttp2Stream | ServerResponse, isClosed: boolean): AbortSignal {
  const controller = new AbortController();
  if (isClosed) controller.abort(goneAway);
  else what.once("close", () => controller.abort(goneAway));
  return controller.signal;
}

/** All that is there in one piece goes out with the end; `write` is for what comes before. */
function writeAll(writable: Writable, body: readonly Uint8Array[]): void {
  const last = body.length - 1;
  for (let at = 0; at < last; at++) writable.write(body[at]);
  writable.end(body[last]);
}

export class Http2Outlet implements Outlet {
  readonly #stream: ServerHttp2Stream;
  bytes = 0;
  #closed: AbortSignal | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }
  get closed(): AbortSignal {
    return (this.#closed ??= closing(this.#stream, this.isClosed));
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
  send(code: number, headers: string[], body: readonly Uint8Array[]): void {
    if (this.isClosed) return;
    this.bytes = lengthOf(body);
    headers.push(constants.HTTP2_HEADER_STATUS, String(code));
    if (this.bytes === 0) return this.#stream.respond(headers, { endStream: true });
    headers.push("content-length", String(this.bytes));
    this.#stream.respond(headers);
    // Node remembers the list with the stream, which is collected long after its end.
    headers.length = 0;
    writeAll(this.#stream, body);
  }
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable {
    const allowed = Object.fromEntries(Object.entries(headers).filter(([name]) => !http1Hops.has(name.toLowerCase())));
    if (!this.isClosed) this.#stream.respond({ [constants.HTTP2_HEADER_STATUS]: code, ...(allowed as Record<string, string>) });
    return this.#stream;
  }
  endRequest(): void {
    const stream = this.#stream;
    if (stream.readableEnded || stream.destroyed) return;
    const end = () => stream.close(constants.NGHTTP2_NO_ERROR);
    if (stream.writableFinished) end();
    else stream.once("finish", end);
  }
}

export class Http1Outlet implements Outlet {
  readonly #response: ServerResponse;
  bytes = 0;
  #closed: AbortSignal | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }
  get closed(): AbortSignal {
    return (this.#closed ??= closing(this.#response, this.isClosed));
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
  send(code: number, headers: string[], body: readonly Uint8Array[]): void {
    if (this.#response.destroyed) return;
    this.bytes = lengthOf(body);
    headers.push("content-length", String(this.bytes));
    this.#response.writeHead(code, headers);
    writeAll(this.#response, body);
  }
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable {
    this.#response.writeHead(code, headers as Record<string, string | string[]>);
    this.#response.flushHeaders();
    return this.#response;
  }
  endRequest(): void {
    const { req: request } = this.#response;
    if (request.complete || request.destroyed) return;
    const end = () => request.socket.destroySoon();
    if (this.#response.writableFinished) end();
    else this.#response.once("finish", end);
  }
}
