import type { Duplex, Readable } from "node:stream";
import type { IncomingHttpHeaders } from "node:http";
import { apiVersionOf, type KubeObject } from "../../apimachinery/object.ts";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import { admissionRun } from "../admission-run.ts";
import type { Api } from "../api.ts";
import { methodNotAllowed, resourceNotFound } from "../requests/refusals.ts";
import type { RequestInfo } from "../requests/request-info.ts";
import type { Authorized } from "../requests/request.ts";
import type { StreamingHandler, StreamingRequest, StreamingResponse } from "./streaming-handler.ts";

const streamed: ReadonlySet<string> = new Set(["pods/exec", "pods/attach", "pods/portforward", "pods/log", "pods/proxy", "services/proxy", "nodes/proxy"]);
const proxyMethods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const upgradesOnly: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);

export const isStreaming = ({ group, resource, subresource }: RequestInfo): boolean => group === "" && subresource !== "" && streamed.has(`${resource}/${subresource}`);

/** The name in the path of a proxy may be "https:name:port". */
function nameOf({ name, resource, subresource }: RequestInfo): string {
  if (subresource !== "proxy" || !name.includes(":")) return name;
  const parts = name.split(":");
  if (parts.length > 3 || (parts.length === 3 && !["http", "https", ""].includes(parts[0] ?? ""))) throw badRequest(`invalid ${resource.slice(0, -1)} request ${JSON.stringify(name)}`);
  return (parts.length === 3 ? parts[1] : parts[0]) ?? "";
}

/** Looks up the object and asks admission (CONNECT, except for logs, which are a plain get). */
async function prepare(api: Api, request: Authorized, body: Readable): Promise<StreamingRequest> {
  const { info, user, query } = request;
  const served = api.served(info.group, info.version, info.resource);
  const facts = served?.type.subresources[info.subresource];
  if (!served || !facts) throw resourceNotFound();
  const known = info.subresource === "proxy" ? proxyMethods.has(request.method) : facts.verbs.includes(info.verb) || info.verb === "get" || info.verb === "create";
  if (info.name === "" || !known) throw methodNotAllowed();
  const { object } = await served.registry.get(served.type.namespaced ? info.namespace : "", nameOf(info));
  if (info.subresource !== "log") {
    const options = { kind: facts.kind, apiVersion: apiVersionOf(facts), metadata: {}, ...Object.fromEntries(query as URLSearchParams) } as unknown as KubeObject;
    const admission = admissionRun({ plugins: api.admission, type: served.type, subresource: info.subresource, namespace: info.namespace, name: info.name, user, dryRun: false });
    await admission.validate("CONNECT", await admission.mutate("CONNECT", options, undefined), undefined);
  }
  return { info, method: request.method, query: query as URLSearchParams, rawQuery: request.rawQuery ?? "", headers: request.headers as IncomingHttpHeaders, user, object, body, signal: request.signal() };
}

const notHere = (): StatusError => new StatusError("ServiceUnavailable", "this server has no connection to nodes");

export async function serveStream(api: Api, handler: StreamingHandler | undefined, request: Authorized, body: Readable, response: StreamingResponse): Promise<void> {
  const prepared = await prepare(api, request, body);
  if (upgradesOnly.has(request.info.subresource)) throw badRequest("Upgrade request required");
  if (!handler) throw notHere();
  await handler.serve(prepared, response);
}

export async function upgradeStream(api: Api, handler: StreamingHandler | undefined, request: Authorized, socket: Duplex, head: Buffer): Promise<void> {
  if (!request.info.isResourceRequest || !isStreaming(request.info)) throw badRequest("this path does not upgrade connections");
  const prepared = await prepare(api, request, socket);
  if (!handler) throw notHere();
  await handler.upgrade(prepared, socket, head);
}
