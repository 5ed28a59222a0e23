import type { Duplex, Readable, Writable } from "node:stream";
import type { IncomingHttpHeaders } from "node:http";
import type { KubeObject } from "../../apimachinery/object.ts";
import type { UserInfo } from "../access.ts";
import type { RequestInfo } from "../requests/request-info.ts";

/** A request for pods/log, pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy or nodes/proxy, after it was authorized and admitted. */
export interface StreamingRequest {
  readonly info: RequestInfo;
  readonly method: string;
  readonly query: URLSearchParams;
  /** As the client wrote it. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly user: UserInfo;
  /** The pod, service or node that the path names. For a proxy the name in the path may have a scheme and a port around it: see `info.name`. */
  readonly object: KubeObject;
  /** What the client sends; ends at once where there is nothing. */
  readonly body: Readable;
  /** Aborts when the client has gone or the server stops. */
  readonly signal: AbortSignal;
}

/** The way back to the client, whether it speaks HTTP/1.1 or HTTP/2. Hop-by-hop headers are left out by whoever implements it. */
export interface StreamingResponse {
  /** Sends the head; what is written to the result reaches the client without delay. */
  begin(code: number, headers: Readonly<Record<string, string | readonly string[]>>): Writable;
}

export interface StreamingHandler {
  /** Answers over plain HTTP: log, proxy. @throws {StatusError} before the response has begun. */
  serve(request: StreamingRequest, response: StreamingResponse): Promise<void>;
  /**
   * Answers an HTTP/1.1 upgrade (WebSocket, SPDY): the raw socket after the head of the request, with the bytes that were read beyond it.
   * Writes its own answer, 101 included. @throws {StatusError} before anything was written.
   */
  upgrade(request: StreamingRequest, socket: Duplex, head: Buffer): Promise<void>;
}
