import type { Answer } from "../answer.ts";
import { openApiV2ProtobufAccepted, openApiV2ProtobufMediaType } from "../openapi/v2-protobuf.ts";
import type { OpenApi, OpenApiDocument } from "../openapi/openapi.ts";
import type { Authorized } from "../request.ts";
import type { Route } from "./routes.ts";

const unquoted = (etag: string): string => etag.replaceAll('"', "");

function documentAnswer(request: Authorized, { etag }: OpenApiDocument, body: Buffer, contentType: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const all = { etag: `"${unquoted(etag)}"`, vary: "Accept-Encoding, Accept", ...headers };
  if (unquoted(String(request.headers["if-none-match"] ?? "")) === unquoted(etag)) return { is: "bytes", code: 304, contentType, body: "", headers: all };
  return { is: "bytes", code: 200, contentType, body, headers: all };
}

/** /openapi/v2 and /openapi/v3, as clients ask for them: with ETags, v2 in protobuf as well. */
export function openApiRoutes(openApi: () => OpenApi): { readonly exact: Readonly<Record<string, Route>>; readonly prefixes: readonly (readonly [string, Route])[] } {
  const index: Route = (_, request) => {
    const document = openApi().v3Index();
    return documentAnswer(request, document, document.json, "application/json");
  };
  return {
    exact: {
      "/openapi/v2": (_, request) => {
        const document = openApi().v2();
        const accept = String(request.headers["accept"] ?? "");
        return openApiV2ProtobufAccepted.some((each) => accept.includes(each))
          ? documentAnswer(request, document, document.protobuf, openApiV2ProtobufMediaType)
          : documentAnswer(request, document, document.json, "application/json");
      },
      "/openapi/v3": index,
    },
    prefixes: [["/openapi/v3/", (_, request) => {
      const document = openApi().v3(request.info.path.slice("/openapi/v3/".length).replace(/\/$/, ""));
      if (!document) return undefined;
      const hash = request.query.get("hash");
      // With its hash in the query a document never changes.
      const headers: Readonly<Record<string, string>> = hash !== null && unquoted(document.etag) === hash ? { "cache-control": "public, immutable", expires: "Fri, 31 Dec 9999 23:59:59 GMT" } : {};
      return documentAnswer(request, document, document.json, "application/json", headers);
    }]],
  };
}
