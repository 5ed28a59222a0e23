import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { decodeDocumentAccept } from "../output/document-accept.ts";
import type { Authorized } from "../request.ts";
import type { StreamingHandler } from "../streaming/streaming-handler.ts";
import { methodNotAllowed, pageNotFound } from "../refusals.ts";
import { dispatch } from "./dispatch.ts";

/** Documents that describe the server to clients. */
export interface DiscoveryDocuments {
  document(path: string): object | undefined;
  aggregated(path: "/api" | "/apis", version?: "v2" | "v2beta1"): { readonly document: object; readonly etag: string };
}

/** Answers a path that names no resource. Undefined when it has nothing to say about it. */
export type Route = (api: Api, request: Authorized) => Promise<Answer | undefined> | Answer | undefined;

export interface Routes {
  readonly streaming: StreamingHandler | undefined;
  discovery(): DiscoveryDocuments;
  /** Exact paths: "/version", "/metrics", … */
  readonly exact: Readonly<Record<string, Route>>;
  /** Paths that begin with these, longest first: "/healthz/", "/openapi/v3/", … */
  readonly prefixes: readonly (readonly [string, Route])[];
}

export async function answerFor(api: Api, routes: Routes, request: Authorized): Promise<Answer> {
  const { info } = request;
  if (info.isResourceRequest) return await dispatch(api, request);
  const path = info.path.length > 1 && info.path.endsWith("/") ? info.path.slice(0, -1) : info.path;

  const route = Object.hasOwn(routes.exact, path) ? routes.exact[path] : routes.prefixes.find(([prefix]) => path.startsWith(prefix))?.[1];
  const answer = await route?.(api, request);
  if (answer) return answer;
  if (path === "/api" || path === "/apis" || path.startsWith("/api/") || path.startsWith("/apis/")) return discovery(routes, request, path);
  return pageNotFound;
}

function discovery(routes: Routes, request: Authorized, path: string): Answer {
  const documents = routes.discovery();
  if (path === "/api" || path === "/apis") {
    const version = decodeDocumentAccept(request.headers["accept"]);
    if (version) {
      const { document, etag } = documents.aggregated(path, version);
      const headers = { etag: `"${etag.replaceAll('"', "")}"`, vary: "Accept", "cache-control": "public" };
      const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      if (String(request.headers["if-none-match"] ?? "").replaceAll('"', "") === etag.replaceAll('"', "")) return { is: "bytes", code: 304, contentType, body: "", headers };
      return { is: "bytes", code: 200, contentType, body: `${JSON.stringify(document)}\n`, headers };
    }
  }
  const document = documents.document(path);
  if (!document) return pageNotFound;
  if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
  return { is: "object", code: 200, object: document };
}
