import { constants, type IncomingHttpHeaders } from "node:http2";

/** The statuses of gRPC, by their numbers. */
const names = [
  "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
  "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
] as const;
export type StatusName = (typeof names)[number];

export interface RpcStatus {
  readonly code: StatusName;
  readonly message: string;
}

/** What a status of HTTP means where no status of gRPC came (doc/http-grpc-status-mapping.md of gRPC). */
const byHttpStatus: Readonly<Record<number, StatusName>> = { 400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED", 429: "UNAVAILABLE", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "UNAVAILABLE" };

/** What the end of a stream without a status means, by its code in HTTP/2 (doc/PROTOCOL-HTTP2.md of gRPC, "Errors"). */
export function statusOfReset(code: number): StatusName {
  if (code === constants.NGHTTP2_REFUSED_STREAM) return "UNAVAILABLE";
  if (code === constants.NGHTTP2_CANCEL) return "CANCELLED";
  if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) return "RESOURCE_EXHAUSTED";
  return code === constants.NGHTTP2_INADEQUATE_SECURITY ? "PERMISSION_DENIED" : "INTERNAL";
}

/** Percent-encoding in which one that is none stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the trailers say, or the headers where nothing follows them; undefined where there is no status in them. */
export function statusIn(headers: IncomingHttpHeaders): RpcStatus | undefined {
  const number = headers["grpc-status"];
  if (number === undefined) return undefined;
  const message = headers["grpc-message"];
  return { code: names[Number(number)] ?? "UNKNOWN", message: typeof message === "string" ? decoded(message) : "" };
}

/** Undefined where the answer is one of gRPC. */
export function statusOfHttp(headers: IncomingHttpHeaders): RpcStatus | undefined {
  const status = Number(headers[":status"] ?? 200);
  return status === 200 ? undefined : { code: byHttpStatus[status] ?? "UNKNOWN", message: `Received HTTP status code ${status}` };
}
