import type { ApiRequest } from "../apimachinery/transport.ts";

const methodOf = {
  get: "GET", list: "GET", watch: "GET", create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE", deletecollection: "DELETE",
} as const satisfies Readonly<Record<ApiRequest["verb"], string>>;

export const queryText = (query: Readonly<Record<string, string>> | undefined): string => {
  const text = new URLSearchParams(query).toString();
  return text === "" ? "" : `?${text}`;
};

/** Where the HTTP API keeps what a request is about: "/apis/apps/v1/namespaces/default/deployments/web/status?dryRun=All". */
export function httpOf(request: ApiRequest): { readonly method: (typeof methodOf)[ApiRequest["verb"]]; readonly path: string } {
  const { verb, group, version, resource, subresource, namespace, name, query } = request;
  const segments = [
    ...(group === "" ? ["api", version] : ["apis", group, version]),
    ...(namespace === undefined || namespace === "" ? [] : ["namespaces", namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : subresource.split("/")),
  ];
  const path = `/${segments.map(encodeURIComponent).join("/")}`;
  return { method: methodOf[verb], path: `${path}${queryText(verb === "watch" ? { ...query, watch: "true" } : query)}` };
}
