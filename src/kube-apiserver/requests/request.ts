import type { X509Certificate } from "node:crypto";
import type { UserInfo } from "../access.ts";
import type { Query } from "./query.ts";
import type { RequestInfo } from "./request-info.ts";

/** The body of a request: bytes from the network, or an object that was handed over inside of the process. */
export type Payload =
  | { readonly is: "bytes"; readonly contentType: string; read(): Promise<Buffer> }
  | { readonly is: "object"; readonly contentType: string; readonly object: unknown };

/** A request as it came in: nothing is proved yet. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: Query;
  /** As the client wrote it, for whoever passes it on. */
  readonly rawQuery?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly peerCertificate: X509Certificate | undefined;
  /** The identity that the server gave to a caller inside of its own process. */
  readonly identity: UserInfo | undefined;
  /** This and the next three are filled in by the chain, as far as it has come. */
  readonly info: RequestInfo | undefined;
  readonly user: UserInfo | undefined;
  readonly authenticatedMs: number;
  readonly authorizedMs: number;
  readonly payload: Payload;
  /** Aborts when the client has gone. Made when it is asked for. */
  signal(): AbortSignal;
  /** Collects what the client hears in `Warning` headers. */
  readonly warnings: string[];
  /** The server cannot wait longer than this for a request that is to end. */
  readonly receivedMs: number;
}

/** It is known what the request asks for. */
export interface Informed extends Incoming {
  readonly info: RequestInfo;
}

declare const authenticated: unique symbol;
declare const authorized: unique symbol;

/** It is proved who asks. Only the chain makes these. */
export interface Authenticated extends Informed {
  readonly user: UserInfo;
  readonly [authenticated]: true;
}

/** They may. Handlers take nothing less. */
export interface Authorized extends Authenticated {
  readonly [authorized]: true;
}
