import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import { StatusError, type Status } from "../apimachinery/status-error.ts";
import type { ApiRequest } from "../apimachinery/transport.ts";
import { ConnectionError, isConnectionError } from "./connection-error.ts";
import type { Encoding } from "./encoding.ts";

const bodyBytesMax = 1 << 30;

/** An answer that has come to its end. */
export interface Whole {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

export async function* bodyOf(stream: ClientHttp2Stream, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    signal?.throwIfAborted();
    throw isConnectionError(cause) ? cause : new ConnectionError("the connection broke in the middle of an answer", { cause });
  }
  signal?.throwIfAborted();
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw new ConnectionError(`the server reset the stream (${stream.rstCode})`);
}

export async function bytesOf(stream: ClientHttp2Stream, signal: AbortSignal | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyOf(stream, signal)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bodyBytesMax) throw new ConnectionError(`the answer is longer than ${bodyBytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}

export const contentTypeOf = (headers: IncomingHttpHeaders): string => headers["content-type"] ?? "";

export function read(encoding: Encoding, { bytes, headers, status }: Whole): unknown {
  try {
    return encoding.read(bytes, contentTypeOf(headers));
  } catch (cause) {
    throw new ConnectionError(`the server answered ${status} with something that cannot be read`, { cause });
  }
}

export function refusal(encoding: Encoding, { bytes, headers, status }: Whole, request: ApiRequest): StatusError {
  let text = bytes.toString("utf8");
  try {
    text = JSON.stringify(encoding.read(bytes, contentTypeOf(headers)));
  } catch {
    // Neither: told as it came.
  }
  return statusErrorOf(text, status, request);
}

/** Upstream's clients make up a Status for what is not one, so that callers can always look at the reason. */
export function statusErrorOf(text: string, status: number, request: Pick<ApiRequest, "group" | "resource" | "verb">): StatusError {
  try {
    const answer = JSON.parse(text) as Partial<Status>;
    if (answer.kind === "Status" && answer.status === "Failure") return StatusError.fromStatus({ ...answer, code: answer.code ?? status } as Status);
  } catch {
    // Not JSON: told in words below.
  }
  const reasonOf: Readonly<Record<number, string>> = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 406: "NotAcceptable", 409: request.verb === "create" ? "AlreadyExists" : "Conflict",
    410: "Gone", 413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
  };
  return new StatusError(reasonOf[status] ?? "Unknown", text.trim() === "" ? `the server responded with the status code ${status}` : text.trim(), { code: status, details: { ...(request.group !== "" && { group: request.group }), kind: request.resource } });
}
