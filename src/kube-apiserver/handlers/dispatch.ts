import type { Soon } from "../../stdx/soon.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { deprecationWarning } from "../deprecations.ts";
import { checkProduced, producedBy } from "../output/produced-media.ts";
import { methodNotAllowed, pageNotFound, resourceNotFound } from "../requests/refusals.ts";
import type { Authorized } from "../requests/request.ts";
import type { Served } from "../served.ts";
import { componentStatuses } from "./component-statuses.ts";
import { patchObject } from "./patch.ts";
import { getObject, listObjects, watchObjects } from "./read.ts";
import { subresource } from "./subresources.ts";
import { createVirtual } from "./virtual.ts";
import { createObject, deleteCollection, deleteObject, updateObject } from "./write.ts";

type Handler = (api: Api, request: Authorized, served: Served) => Soon<Answer>;

const handlers: Readonly<Record<string, Handler>> = {
  get: getObject, list: listObjects, watch: watchObjects, create: createObject, update: updateObject, patch: patchObject, delete: deleteObject, deletecollection: deleteCollection,
};

const verbsOfOne: ReadonlySet<string> = new Set(["get", "update", "patch", "delete"]);

/** Answers a request for objects. @throws {StatusError} At once, or later. */
export function dispatch(api: Api, request: Authorized): Soon<Answer> {
  const { info } = request;
  if (request.method === "HEAD" || request.method === "OPTIONS" || (info.verb === "watch" && request.method !== "GET" && request.method !== "")) throw methodNotAllowed();
  const served = api.served(info.group, info.version, info.resource);
  if (!served) return dispatchUnstored(api, request);
  const warning = deprecationWarning(served.type);
  if (warning !== undefined) request.warnings.push(warning);
  if (info.namespace !== "" && !served.type.namespaced && !(served.type.group === "" && served.type.plural === "namespaces")) throw resourceNotFound();
  if (info.rest !== "") throw resourceNotFound();
  if (info.subresource !== "") return dispatchSubresource(api, request, served);
  if (!served.type.verbs.includes(info.verb)) throw methodNotAllowed();
  // A name is in the path of what concerns one object, and only of that.
  const misnamed = info.verb === "create" ? info.name !== "" : verbsOfOne.has(info.verb) && info.name === "";
  if (served.type.namespaced && info.namespace === "" && info.name !== "" && info.verb !== "list" && info.verb !== "watch") throw resourceNotFound();
  // Across namespaces there is nothing to do but to read.
  if (misnamed || (served.type.namespaced && info.namespace === "" && info.verb !== "list" && info.verb !== "watch")) throw methodNotAllowed();
  const handler = handlers[info.verb];
  if (!handler) throw methodNotAllowed();
  checkProduced(request.headers["accept"], producedBy(info.verb));
  return handler(api, served.type.plural === "namespaces" && served.type.group === "" ? atClusterScope(request) : request, served);
}

/** What is answered although nothing of its kind is stored. */
async function dispatchUnstored(api: Api, request: Authorized): Promise<Answer> {
  const { info } = request;
  const virtual = api.virtual(info.group, info.version, info.resource);
  if (virtual) return await createVirtual(api, request, virtual);
  if (info.group === "" && info.version === "v1" && info.resource === "componentstatuses") return await componentStatuses(api, request);
  const extra = await subresource(api, request, undefined);
  if (extra) return extra;
  // Of a group that is served every path is known, in all of its versions.
  if (api.hasGroup(info.group)) throw resourceNotFound();
  return pageNotFound;
}

async function dispatchSubresource(api: Api, request: Authorized, served: Served): Promise<Answer> {
  const answer = await subresource(api, request, served);
  if (!answer) throw resourceNotFound();
  return answer;
}

/** A namespace lies in itself as far as authorization goes, but is stored at the scope of the cluster. */
const atClusterScope = (request: Authorized): Authorized => (request.info.namespace === "" ? request : { ...request, info: { ...request.info, namespace: "" } });
