import type { Answer } from "../answer.ts";
import { openApiForm, openApiMediaType } from "../openapi/document-form.ts";
import type { OpenApi } from "../openapi/openapi.ts";
import type { Authorized } from "../requests/request.ts";
import type { Route } from "./routes.ts";

const unquoted = (etag: string): string => etag.replace(/^W\//, "").replaceAll('"', "");
const headerOf = ({ headers }: Authorized, name: string): string | undefined => {
  const found = headers[name];
  return typeof found === "string" ? found : found?.join(",");
};

function documentAnswer(request: Authorized, etag: string, contentType: string, body: () => Buffer, headers: Readonly<Record<string, string>> = {}): Answer {
  const all = { etag: `"${unquoted(etag)}"`, vary: "Accept-Encoding, Accept", ...headers };
  const known = (headerOf(request, "if-none-match") ?? "").split(",").map((each) => each.trim());
  if (known.some((each) => each === "*" || unquoted(each) === unquoted(etag))) return { is: "bytes", code: 304, contentType, body: "", headers: all };
  return { is: "bytes", code: 200, contentType, body: body(), headers: all };
}

/** Without a word, as upstream does it here. */
const notAcceptable: Answer = { is: "bytes", code: 406, contentType: "text/plain; charset=utf-8", body: "" };

/** /openapi/v2 and /openapi/v3, as clients ask for them: with ETags, in JSON and in protobuf. */
export function openApiRoutes(openApi: () => OpenApi): { readonly exact: Readonly<Record<string, Route>>; readonly prefixes: readonly (readonly [string, Route])[] } {
  return {
    exact: {
      "/openapi/v2": (_, request) => {
        const form = openApiForm(2, headerOf(request, "accept"));
        if (!form) return notAcceptable;
        const document = openApi().v2();
        return documentAnswer(request, document.etag, openApiMediaType(2, form), () => document[form]);
      },
      "/openapi/v3": (_, request) => {
        const document = openApi().v3Index();
        return documentAnswer(request, document.etag, "application/json", () => document.json);
      },
    },
    prefixes: [["/openapi/v3/", ({ clock }, request) => {
      const path = request.info.path.slice("/openapi/v3/".length).replace(/\/$/, "");
      const document = openApi().v3(path);
      if (!document) return undefined;
      const form = openApiForm(3, headerOf(request, "accept"));
      if (!form) return notAcceptable;
      const hash = request.query.get("hash") ?? "";
      if (hash !== "" && hash !== unquoted(document.etag)) return movedTo(`/openapi/v3/${path}?hash=${unquoted(document.etag)}`);
      // With its hash in the query a document never changes.
      const headers = hash === "" ? {} : { "cache-control": "public, immutable", "expires": new Date(clock.now() + yearMs).toUTCString() };
      return documentAnswer(request, document.etag, openApiMediaType(3, form), () => (form === "json" ? document.json : openApi().v3Protobuf(path)?.protobuf) ?? document.json, headers);
    }]],
  };
}

const yearMs = 365 * 24 * 3_600_000;
const movedTo = (location: string): Answer => ({ is: "bytes", code: 301, contentType: "text/html; charset=utf-8", body: `<a href="${location}">Moved Permanently</a>.\n\n`, headers: { location } });
