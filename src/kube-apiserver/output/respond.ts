import { pipeline, Readable } from "node:stream";
import { createGzip, gzip } from "node:zlib";
import { promisify } from "node:util";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import { fieldErrorText } from "../../apimachinery/field-error.ts";
import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { WholeAnswer } from "../answer.ts";
import type { Api } from "../api.ts";
import { tableQueryErrors } from "../requests/query.ts";
import type { Incoming } from "../requests/request.ts";
import { encode, type EncodeOptions } from "./encode.ts";
import { largeList, largeListMin } from "./large-list.ts";
import { contentTypeOf, negotiate, wantsPretty, type Media, type Offered, type Wanted } from "./negotiation.ts";
import type { IncludeObject } from "./table.ts";

const gzipped = promisify(gzip);
/** Smaller answers are not worth the work. */
const gzipBytesMin = 128 * 1024;

/** The cache-control of every answer that says nothing else: what the API answers is nobody's to keep. */
export const notCached = "no-cache, private";

/** An answer as it goes over the network. */
export interface Reply {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** In pieces that follow each other. */
  readonly body: readonly Uint8Array[];
  /** What follows the body, of an answer that is made as fast as it is taken. */
  readonly rest?: AsyncIterable<Uint8Array>;
}

const header = (request: Incoming, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === "string" ? value : value?.[0];
};

export function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/** @throws {StatusError} NotAcceptable, BadRequest */
export function encodeOptions(api: Api, request: Incoming, offered: Offered): EncodeOptions {
  const wanted = negotiate(header(request, "accept"), offered, isPretty(request));
  return optionsFor(api, wanted, wanted.as === "Table" ? includedObject(request) : "Metadata");
}

/** How much of the object each row of a table carries. @throws {StatusError} BadRequest */
function includedObject({ query }: Incoming): IncludeObject {
  const includeObject = query.get("includeObject") ?? "";
  const [error] = tableQueryErrors(includeObject);
  if (error) throw badRequest(`Unable to convert to Table as requested: ${fieldErrorText(error)}`);
  return (includeObject === "" ? "Metadata" : includeObject) as IncludeObject;
}

const optionsFor = (api: Api, wanted: Wanted, includeObject: IncludeObject): EncodeOptions =>
  ({ wanted, includeObject, nowMs: api.clock.now(), protobuf: api.protobuf, listBodies: api.listBodies, columnHeads: api.columnHeads, keeps: true });

const isPretty = (request: Incoming): boolean => wantsPretty(request.query.get("pretty"), header(request, "user-agent") ?? "");

/** For what comes in one form only, in this encoding. */
const documentOptions = (api: Api, request: Incoming, media: Media): EncodeOptions => optionsFor(api, { media, as: "object", version: "", pretty: isPretty(request) }, "Metadata");

/** Most answers carry no header but this one. */
const headersOf: Readonly<Record<Media, Reply["headers"]>> = { json: { "content-type": contentTypeOf.json }, yaml: { "content-type": contentTypeOf.yaml }, protobuf: { "content-type": contentTypeOf.protobuf } };

/** Writes an answer that is one piece: at once, unless it is large. @throws {StatusError} NotAcceptable */
export function reply(api: Api, request: Incoming, answer: WholeAnswer): Soon<Reply> {
  if (answer.is === "bytes") {
    const body = [typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body];
    return zipped(request, { code: answer.code, headers: { "content-type": answer.contentType, ...answer.headers }, body });
  }
  // What has no other form (a Status, a review) comes as it is, also to those who asked for a table: what was done cannot be taken back.
  const document = answer.is === "object" ? answer.document : undefined;
  const options = document ? documentOptions(api, request, document.media) : encodeOptions(api, request, { table: true, partial: true });
  if (answer.is === "list" && answer.entries.length > largeListMin) return bitByBit(api, request, answer, options);
  const body = encode(answer, options);
  const code = answer.is === "list" ? 200 : answer.code;
  return zipped(request, { code, headers: document ? { "content-type": document.contentType, ...document.headers } : headersOf[options.wanted.media], body });
}

/** The first piece is made here, so that what cannot be encoded is refused before anything is said. */
async function bitByBit(api: Api, request: Incoming, answer: Extract<WholeAnswer, { is: "list" }>, options: EncodeOptions): Promise<Reply> {
  const pieces = largeList(answer, options, api.state.turns, request.signal());
  const head = await pieces.next();
  const headers = { "content-type": contentTypeOf[options.wanted.media] };
  if (head.done === true) return { code: 200, headers, body: [] };
  if (!acceptsGzip(request)) return { code: 200, headers, body: [head.value], rest: pieces };
  return { code: 200, headers: { ...headers, "content-encoding": "gzip", vary: "Accept-Encoding" }, body: [], rest: gzipPieces(head.value, pieces) };
}

/** Compressed on other threads, as far as whoever sends it has come. */
function gzipPieces(head: Buffer, pieces: AsyncGenerator<Buffer, void>): AsyncIterable<Uint8Array> {
  const all = async function* () {
    yield head;
    yield* pieces;
  };
  const zip = createGzip({ level: 1, chunkSize: gzipChunkBytes });
  // What goes wrong is heard by whoever reads, since the stream is destroyed with it.
  pipeline(Readable.from(all()), zip, () => undefined);
  return zip;
}
const gzipChunkBytes = 64 * 1024;

const acceptsGzip = (request: Incoming): boolean => (header(request, "accept-encoding") ?? "").includes("gzip");

function zipped(request: Incoming, plain: Reply): Soon<Reply> {
  if (lengthOf(plain.body) <= gzipBytesMin || "content-encoding" in plain.headers || !acceptsGzip(request)) return plain;
  return gzipped(Buffer.concat(plain.body), { level: 1 }).then((body) => ({ ...plain, headers: { ...plain.headers, "content-encoding": "gzip", vary: "Accept-Encoding" }, body: [body] }));
}

/** Errors are told in the encoding that was asked for, where there is one, else as indented JSON. */
export function errorReply(api: Api, request: Incoming, error: StatusError): Soon<Reply> {
  const { retryAfterSeconds } = error.details ?? {};
  const headers: Record<string, string> = retryAfterSeconds !== undefined && retryAfterSeconds > 0 ? { "retry-after": String(retryAfterSeconds) } : {};
  const answer: WholeAnswer = { is: "object", code: error.code, object: error.toStatus() };
  try {
    return whenThere(reply(api, request, answer), (made) => ({ ...made, headers: { ...made.headers, ...headers } }));
  } catch (failed) {
    if (!(failed instanceof StatusError)) throw failed;
    return { code: error.code, headers: { "content-type": "application/json", ...headers }, body: [Buffer.from(JSON.stringify(error.toStatus(), undefined, 2))] };
  }
}

/** `299 - "text"`, one header per warning. */
export const warningHeaders = (warnings: readonly string[]): readonly string[] =>
  [...new Set(warnings)].map((text) => `299 - "${text.replaceAll(/[\\"]/g, "\\$&").replaceAll(/[^\x20-\x7e]/g, " ").slice(0, warningCharactersMax)}"`);
const warningCharactersMax = 4096;
