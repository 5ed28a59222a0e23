import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import { parseDurationMs } from "../../apimachinery/time.ts";
import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { sendBitByBit } from "./bit-by-bit.ts";
import { chain, inform } from "./chain.ts";
import type { Deadlines } from "./deadlines.ts";
import { answerFor, type Routes } from "../handlers/routes.ts";
import { lasts, TooBusyError } from "./in-flight.ts";
import { asStatusError } from "./local-transport.ts";
import type { Outlet } from "./outlet.ts";
import { notAList, onlyAList } from "../output/negotiation.ts";
import { checkProduced, producedBy } from "../output/produced-media.ts";
import { encodeOptions, errorReply, notCached, reply, warningHeaders, type Reply } from "../output/respond.ts";
import type { Authorized, Incoming } from "./request.ts";
import type { Query } from "./query.ts";
import { labelsOf } from "./request-labels.ts";
import { isStreaming, serveStream } from "../streaming/serve.ts";
import { pump, pumpWatch } from "./watch-pump.ts";

/** What the requests of one server share. */
export interface Surroundings {
  readonly api: Api;
  readonly routes: Routes;
  readonly deadlines: Deadlines;
  /** A reader that takes nothing of a large list for so long is given up. */
  readonly stallMsMax: number;
  /** The server stops: what lasts ends. */
  readonly stopping: AbortSignal;
  /** Those that are being answered; what lasts excepted. */
  readonly answering: { enter(): void; leave(): void };
}

/** Where a request came in, which is kept open while something goes on there. */
export interface Connection {
  enter(): void;
  leave(): void;
}

export interface RequestLifeOptions {
  readonly surroundings: Surroundings;
  readonly request: Incoming;
  readonly body: Readable;
  readonly outlet: Outlet;
  readonly connection: Connection | undefined;
}

/**
 * One request over the network, from its head to the last word of the answer:
 *
 * 1. `begin`: it is counted, and told whether it lasts (a watch, a stream) or is to end in time;
 * 2. the chain proves who asks and that they may, and that there is room (`chain.ts`);
 * 3. `#answer`: a handler finds what was asked for, which is put into the form that was asked for and sent;
 *    or `#refuse`: it is said why not, whatever went wrong in 2 and 3;
 * 4. `#end`: it is measured.
 *
 * What is in memory needs no waiting, and such a request goes from 1 to 4 within one call: no promise, no timer, no listener is made for it. Only
 * one that waits for something gets a deadline.
 */
export class RequestLife {
  readonly #surroundings: Surroundings;
  readonly #request: Incoming;
  readonly #body: Readable;
  readonly #outlet: Outlet;
  readonly #connection: Connection | undefined;
  readonly #auditId: string;
  #lasts = false;
  #authorized = false;

  constructor({ surroundings, request, body, outlet, connection }: RequestLifeOptions) {
    this.#surroundings = surroundings;
    this.#request = request;
    this.#body = body;
    this.#outlet = outlet;
    this.#connection = connection;
    this.#auditId = auditIdOf(request);
  }

  begin(): void {
    const { api, answering, deadlines } = this.#surroundings;
    const request = inform(this.#request);
    this.#lasts = lasts(request.info);
    api.metrics.begin(request.method);
    this.#connection?.enter();
    if (!this.#lasts) answering.enter();
    try {
      const ownMs = this.#lasts ? undefined : timeoutOf(request.query);
      const code = chain(api, request, (authorized) => this.#answer(authorized));
      if (!(code instanceof Promise)) return this.#end(code);
      (this.#lasts ? code : deadlines.within(code, ownMs)).then((sent) => this.#end(sent), (error: unknown) => this.#refuse(error));
    } catch (error) {
      void this.#refuse(error);
    }
  }

  /** The code is there when all is sent; for a watch, when it has begun. */
  #answer(request: Authorized): Soon<number> {
    this.#authorized = true;
    const { api, routes } = this.#surroundings;
    const { info } = request;
    if (info.isResourceRequest && isStreaming(info)) {
      const begin = (code: number, headers: Reply["headers"]) => this.#outlet.begin(code, { ...this.#commonHeaders(), ...headers });
      return serveStream(api, routes.streaming, request, this.#body, { begin }).then(() => 200);
    }
    // Before anything is written: an answer that nobody can read must not be that of a success.
    if (info.isResourceRequest && !readVerbs.has(info.verb)) checkAnswerForm(api, request);
    return whenThere(answerFor(api, routes, request), (answer) => this.#give(request, answer));
  }

  #give(request: Authorized, answer: Answer): Soon<number> {
    const { api, stopping } = this.#surroundings;
    const pumped = () => ({ outlet: this.#outlet, headers: this.#commonHeaders(), stopping });
    switch (answer.is) {
      case "watch":
        pumpWatch(api, request, answer, pumped());
        return 200;
      case "stream": {
        const { headers, ...options } = pumped();
        pump({ ...options, headers: { ...headers, "content-type": answer.contentType } }, (sink) => answer.start(sink));
        return 200;
      }
      default:
        return whenThere(reply(api, request, answer), (made) => {
          if (made.rest && request.method !== "HEAD") this.#sendBitByBit(made, made.rest);
          else this.#send(made);
          return made.code;
        });
    }
  }

  #send({ code, headers, body }: Reply): void {
    const { method, warnings } = this.#request;
    const flat = ["audit-id", this.#auditId, "cache-control", notCached];
    for (const name in headers) {
      const value = headers[name] ?? "";
      if (typeof value !== "string") for (const each of value) flat.push(name, each);
      else if (name === "cache-control") flat[3] = value;
      else flat.push(name, value);
    }
    if (warnings.length > 0) for (const warning of warningHeaders(warnings)) flat.push("warning", warning);
    this.#outlet.send(code, flat, method === "HEAD" ? noBody : body);
  }

  /** As long as the reader goes on reading: this is not waited for, so that no deadline of the request ends it. */
  #sendBitByBit(made: Reply, rest: AsyncIterable<Uint8Array>): void {
    const { api, stallMsMax } = this.#surroundings;
    sendBitByBit(this.#outlet, { ...made, headers: { ...this.#commonHeaders(), ...made.headers } }, rest, { clock: api.clock, stallMsMax, expired: timedOut }).catch((error: unknown) => {
      if (!(error instanceof StatusError)) api.log.error("a list could not be sent to its end", { path: this.#request.path, error });
    });
  }

  /** What the head of every answer says. */
  #commonHeaders(): Record<string, string | readonly string[]> {
    const { warnings } = this.#request;
    return { "audit-id": this.#auditId, "cache-control": notCached, ...(warnings.length > 0 && { warning: warningHeaders(warnings) }) };
  }

  /** Says why not, unless an answer is under way already. */
  async #refuse(thrown: unknown): Promise<void> {
    const { api } = this.#surroundings;
    const error = asStatusError(api, thrown, this.#request.path);
    try {
      if (!this.#outlet.begun && !this.#outlet.isClosed) {
        this.#send(error instanceof TooBusyError ? tooBusyReply(error) : await errorReply(api, this.#request, error));
        // The rest of a body that was refused, or that takes too long, is not read.
        if (error.code === 413 || error.code === 504) this.#outlet.endRequest();
      }
    } catch (failed) {
      api.log.error("an answer could not be sent", { path: this.#request.path, error: failed });
    }
    this.#end(error.code);
  }

  /** `code` is what the client got, or would have got. */
  #end(code: number): void {
    const { api, answering } = this.#surroundings;
    const { method, headers, receivedMs } = this.#request;
    if (!this.#lasts) {
      answering.leave();
      this.#connection?.leave();
    } else if (this.#connection) this.#leaveLater(this.#connection);
    const agent = headers["user-agent"];
    api.metrics.end(labelsOf(this.#request, this.#authorized), { method, code, durationMs: api.clock.now() - receivedMs, bytes: this.#outlet.bytes, userAgent: typeof agent === "string" ? agent : "" });
  }

  /** What lasts goes on after its beginning was answered. */
  #leaveLater(connection: Connection): void {
    const { closed, isClosed } = this.#outlet;
    if (isClosed) connection.leave();
    else closed.addEventListener("abort", () => connection.leave(), { once: true });
  }
}

export function auditIdOf({ headers }: Incoming): string {
  const given = headers["audit-id"];
  return typeof given === "string" && given !== "" && given.length <= 64 && /^[-.\w]+$/.test(given) ? given : randomUUID();
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
export const timedOut = (): StatusError => new StatusError("Timeout", "Timeout: request did not complete within the allotted timeout", { details: {} });
const noBody: readonly Uint8Array[] = [];
const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/** @throws {StatusError} NotAcceptable, for a form that the answer to a write cannot have. */
function checkAnswerForm(api: Api, request: Authorized): void {
  const { group, version, resource, subresource, verb } = request.info;
  const type = api.served(group, version, resource)?.type;
  if (type?.verbs.includes(verb) === true) checkProduced(request.headers["accept"], producedBy(verb));
  // Reviews have no table.
  const { wanted: { as } } = encodeOptions(api, request, { table: !api.virtual(group, version, resource), partial: true });
  if (as === "object" || as === "Table") return;
  if (!type || (subresource !== "" && subresource !== "status")) return;
  if (as === "PartialObjectMetadataList" && verb !== "deletecollection") throw notAList(type);
  if (as === "PartialObjectMetadata" && verb === "deletecollection") throw onlyAList(type);
}
