import type { RequestLabels } from "../metrics.ts";
import type { Query } from "./query.ts";
import type { Incoming } from "./request.ts";
import type { RequestInfo } from "./request-info.ts";

/** Methods that nobody knows share one name, so that clients cannot invent series. */
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"]);
const verbs: Readonly<Record<string, string>> = { get: "GET", list: "LIST", watch: "WATCH", create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE", deletecollection: "DELETECOLLECTION" };

const metricMethod = (method: string): string => (methods.has(method) ? method : "other");
const metricVerb = (verb: string, contentType: string | string[] | undefined): string =>
  (verb === "patch" && String(contentType).startsWith("application/apply-patch") ? "APPLY" : Object.hasOwn(verbs, verb) ? (verbs[verb] ?? "") : metricMethod(verb.toUpperCase()));

/** Upstream's names for where a request looks. */
export const scopeOf = ({ name, verb, namespace, isResourceRequest }: RequestInfo): string =>
  (name !== "" || verb === "create" ? "resource" : namespace !== "" ? "namespace" : isResourceRequest ? "cluster" : "");

function dryRunOf(query: Query): string {
  const values = query.getAll("dryRun");
  return values.length === 0 ? "" : values.every((value) => value === "All") ? "All" : "invalid";
}

/** How a request is counted. What nobody was let in for is counted by its method alone: its path may be anything. */
export const labelsOf = ({ method, headers, info, query }: Incoming, isAuthorized: boolean): RequestLabels =>
  (isAuthorized && info
    ? { verb: metricVerb(info.verb, headers["content-type"]), group: info.group, version: info.version, resource: info.resource, subresource: info.subresource, scope: scopeOf(info), dryRun: dryRunOf(query) }
    : { verb: metricMethod(method), group: "", version: "", resource: "", subresource: "", scope: "", dryRun: "" });
