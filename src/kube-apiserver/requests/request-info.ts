/** What a request asks for, read from its method, path and query alone. */
export interface RequestInfo {
  /** False for paths that name no resource: /version, /healthz, discovery. */
  readonly isResourceRequest: boolean;
  readonly path: string;
  /** "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy"; the lower-case method for other paths. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource: the path inside of a proxied pod, without its leading slash. */
  readonly rest: string;
}

const verbOfMethod: Readonly<Record<string, string>> = { POST: "create", GET: "get", HEAD: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };
/** After /namespaces/<name>, these are subresources of the namespace and not resources in it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

/** Escapes are undone before the path is cut, as Go does: "a%2Fb" is two parts. What is no escape stays as it is. */
const decode = (path: string): string => {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const truthy = (value: string | null): boolean => value !== null && value !== "0" && value.toLowerCase() !== "false";

/** `metadata.name=x` in a field selector names one object, so that rights on that one object suffice. */
function nameInSelector(selector: string | null): string {
  if (selector === null || !selector.includes("metadata.name")) return "";
  for (const part of selector.split(",")) {
    const match = /^\s*metadata\.name\s*==?\s*([^,]*)$/.exec(part);
    if (match?.[1] !== undefined && match[1] !== "") return match[1].trim();
  }
  return "";
}

const noResource = (method: string, path: string): RequestInfo =>
  ({ isResourceRequest: false, path, verb: method.toLowerCase(), group: "", version: "", namespace: "", resource: "", subresource: "", name: "", rest: "" });

/** The rules of https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris. */
export function requestInfo(method: string, path: string, query: URLSearchParams | undefined): RequestInfo {
  const parts = decode(path).split("/");
  if (parts.at(-1) === "") parts.pop();
  let at = parts[0] === "" ? 1 : 0;
  const isCore = parts[at] === "api";
  if (parts.length - at < (isCore ? 3 : 4) || (!isCore && parts[at] !== "apis")) return noResource(method, path);
  const group = isCore ? "" : (parts[at + 1] ?? "");
  at += isCore ? 1 : 2;
  const version = parts[at++] ?? "";

  let verb = verbOfMethod[method] ?? "";
  // The old paths of watches: /api/v1/watch/namespaces/default/pods.
  if (parts[at] === "watch" && parts.length > at + 1) {
    verb = "watch";
    at++;
  }
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    if (parts.length > at + 2 && !namespaceSubresources.has(parts[at + 2] ?? "")) at += 2;
  }
  const resource = parts[at] ?? "";
  let name = parts[at + 1] ?? "";
  const subresource = parts[at + 2] ?? "";

  if (name === "" && (verb === "get" || verb === "delete")) {
    if (verb === "delete") verb = "deletecollection";
    else verb = truthy(query?.get("watch") ?? null) ? "watch" : "list";
    name = nameInSelector(query?.get("fieldSelector") ?? null);
  }
  return { isResourceRequest: true, path, verb, group, version, namespace, resource, subresource, name, rest: parts.length > at + 3 ? parts.slice(at + 3).join("/") : "" };
}
