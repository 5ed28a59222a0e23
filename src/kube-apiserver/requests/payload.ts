import { PassThrough, type Readable } from "node:stream";
import { StatusError } from "../../apimachinery/status-error.ts";
import type { Payload } from "./request.ts";

/** Upstream's limit of a request body. */
export const bodyBytesMax = 3 * 1024 * 1024;

export function emptyBody(): Readable {
  const empty = new PassThrough();
  empty.end();
  return empty;
}

export const tooLargeBody = (): StatusError => new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`, { details: {} });

/** The body is read when a handler asks, and once. */
export function payloadOf(contentType: string, contentLength: string | undefined, body: Readable): Payload {
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
