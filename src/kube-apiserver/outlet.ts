import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import { lengthOf, type Reply } from "./output/respond.ts";

/** The way back, whichever version of HTTP it is. */
export interface Outlet {
  /** Sends an answer in one piece. */
  send(reply: Reply): void;
  /** Sends the head of an answer that goes on. */
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable;
  readonly begun: boolean;
  /** Of the body of an answer in one piece. */
  readonly bytes: number;
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

export class Http2Outlet implements Outlet {
  readonly #stream: ServerHttp2Stream;
  bytes = 0;
  #closed: AbortController | undefined;

  constructor(stream: ServerHttp2Stream, onClose: () => void) {
    this.#stream = stream;
    stream.on("close", () => {
      onClose();
      this.#closed?.abort(goneAway);
    });
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
  endRequest(): void {
    const { req: request } = this.#response;
    if (request.complete || request.destroyed) return;
    const end = () => request.socket.destroySoon();
    if (this.#response.writableFinished) end();
    else this.#response.once("finish", end);
  }
}
