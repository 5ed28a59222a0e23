import type { Soon } from "../../stdx/soon.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { aggregatedDiscoveryAccept } from "../output/document-accept.ts";
import type { Authorized } from "../requests/request.ts";
import type { StreamingHandler } from "../streaming/streaming-handler.ts";
import { contentTypeOf, negotiate } from "../output/negotiation.ts";
import { checkProduced, documentMedia } from "../output/produced-media.ts";
import { methodNotAllowed, pageNotFound, resourceNotFound } from "../requests/refusals.ts";
import { dispatch } from "./dispatch.ts";

/** Documents that describe the server to clients. */
export interface DiscoveryDocuments {
  document(path: string): object | undefined;
  /** The ETag is quoted, as it goes into the header. */
  aggregated(path: "/api" | "/apis"): { readonly document: object; readonly etag: string };
}

/** Answers a path that names no resource. Undefined when it has nothing to say about it. */
export type Route = (api: Api, request: Authorized) => Soon<Answer | undefined>;

export interface Routes {
  readonly streaming: StreamingHandler | undefined;
  discovery(): DiscoveryDocuments;
  /** Exact paths: "/version", "/metrics", … */
  readonly exact: Readonly<Record<string, Route>>;
  /** Paths that begin with these, longest first: "/healthz/", "/openapi/v3/", … */
  readonly prefixes: readonly (readonly [string, Route])[];
}

export const answerFor = (api: Api, routes: Routes, request: Authorized): Soon<Answer> => (request.info.isResourceRequest ? dispatch(api, request) : answerForPath(api, routes, request));

async function answerForPath(api: Api, routes: Routes, request: Authorized): Promise<Answer> {
  const { info } = request;
  const path = info.path.length > 1 && info.path.endsWith("/") ? info.path.slice(0, -1) : info.path;
  const isWebService = belongsToWebService(api, path);
  if (isWebService && request.method !== "GET") throw methodNotAllowed();

  if (path === "/version") checkProduced(request.headers["accept"], ["application/json"]);
  const route = Object.hasOwn(routes.exact, path) ? routes.exact[path] : routes.prefixes.find(([prefix]) => path.startsWith(prefix))?.[1];
  const answer = (await route?.(api, request)) ?? discovery(routes, request, path);
  if (answer) return answer;
  if (isWebService) throw resourceNotFound();
  return pageNotFound;
}

const webServices = ["/version", "/openid/v1/jwks", "/.well-known/openid-configuration"];

/** Below these upstream knows all paths, and answers with a Status for what it does not know; anywhere else with plain text. They are there to be read only. */
function belongsToWebService(api: Api, path: string): boolean {
  if (path === "/api" || path.startsWith("/api/") || path === "/apis") return true;
  const [, root, group = ""] = path.split("/", 3);
  if (root === "apis") return api.hasGroup(group);
  return webServices.some((each) => path === each || path.startsWith(`${each}/`));
}

function discovery(routes: Routes, request: Authorized, path: string): Answer | undefined {
  const [, root] = path.split("/", 2);
  if (root !== "api" && root !== "apis") return undefined;
  const documents = routes.discovery();
  if (path === "/api" || path === "/apis") {
    const media = aggregatedDiscoveryAccept(request.headers["accept"]);
    if (media) {
      const { document, etag } = documents.aggregated(path);
      const headers = { etag, vary: "Accept", "cache-control": "public" };
      const contentType = `${contentTypeOf[media]};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
      if (request.headers["if-none-match"] === etag) return { is: "bytes", code: 304, contentType, body: "", headers };
      return { is: "object", code: 200, object: document, document: { media, contentType, headers } };
    }
  }
  const document = documents.document(path);
  if (!document) return undefined;
  const { accept } = request.headers;
  if (path !== "/api" && path !== "/apis") checkProduced(accept, documentMedia);
  // There is no other form of them.
  negotiate(Array.isArray(accept) ? accept[0] : accept, { table: false, partial: false }, false);
  return { is: "object", code: 200, object: document };
}
