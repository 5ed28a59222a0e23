import { unauthorized } from "../../apimachinery/status-error.ts";
import { whenThere, type Soon } from "../../stdx/soon.ts";
import type { Attributes, UserInfo } from "../access.ts";
import type { Answer } from "../answer.ts";
import type { Api } from "../api.ts";
import { anonymousMayAsk, anonymousUser, impersonates } from "../authentication/identity.ts";
import { impersonatedUser } from "../authentication/impersonation.ts";
import { forbiddenFor } from "../authorization/forbidden.ts";
import { requestInfo } from "./request-info.ts";
import type { Authenticated, Authorized, Incoming, Informed } from "./request.ts";

/**
 * Every request goes through these links, whether it came over the network or from inside of the process. Each link takes what the one before
 * has proved, so that no handler can be reached around one of them. A link that needs not wait does not, so a request that finds all in memory
 * is answered within the call; then errors are thrown at once as well.
 */
export function chain<T = Answer>(api: Api, incoming: Incoming, handle: (request: Authorized) => Soon<T>): Soon<T> {
  return whenThere(authenticate(api, inform(incoming)), (authenticated) => whenThere(impersonate(api, authenticated), (acting) => {
    const work = (): Soon<T> => whenThere(authorize(api, acting), handle);
    // The server's own parts are as busy as what they are asked to do.
    return acting.identity ? work() : api.inFlight.admit(acting.info, acting.user, work);
  }));
}

/** What is proved is written into the request itself, here and nowhere else: a copy at each link would cost as much as the links do. */
type Open = { -readonly [Key in "info" | "user" | "authenticatedMs" | "authorizedMs"]: Authorized[Key] };
const open = (request: Incoming): Open => request as unknown as Open;

export function inform(request: Incoming): Informed {
  if (!request.info) open(request).info = requestInfo(request.method, request.path, request.query as URLSearchParams);
  return request as Informed;
}

/** @throws {StatusError} Unauthorized */
function authenticate(api: Api, request: Informed): Soon<Authenticated> {
  return request.identity ? withUser(api, request, request.identity) : whenThere(api.authenticator.authenticate(request), (proved) => {
    const user = proved ?? (anonymousMayAsk(request.info.path) ? anonymousUser : undefined);
    if (!user) throw unauthorized();
    return withUser(api, request, user);
  });
}

function withUser(api: Api, request: Informed, user: UserInfo): Authenticated {
  open(request).user = user;
  open(request).authenticatedMs = api.clock.now();
  return request as Authenticated;
}

/** Who may act as somebody else, and says so, goes on as them. @throws {StatusError} BadRequest, Forbidden */
function impersonate(api: Api, request: Authenticated): Soon<Authenticated> {
  if (request.identity || !impersonates(request.headers)) return request;
  return impersonatedUser(api.authorizer, attributesOf(request), request.headers).then((user) => {
    open(request).user = user;
    return request;
  });
}

export function attributesOf({ info, user, query }: Authenticated): Attributes {
  const { verb, path, isResourceRequest, group, version, resource, subresource, namespace, name } = info;
  const fieldSelector = query.get("fieldSelector");
  const labelSelector = query.get("labelSelector");
  const plain = { user, verb, path, isResourceRequest, group, version, resource, subresource, namespace, name };
  return fieldSelector === null && labelSelector === null ? plain : { ...plain, ...(fieldSelector !== null && { fieldSelector }), ...(labelSelector !== null && { labelSelector }) };
}

/** @throws {StatusError} Forbidden, saying who may not do what. */
function authorize(api: Api, request: Authenticated): Soon<Authorized> {
  const attributes = attributesOf(request);
  return whenThere(api.authorizer.authorize(attributes), ({ decision, reason }) => {
    if (decision !== "allow") throw forbiddenFor(attributes, reason);
    open(request).authorizedMs = api.clock.now();
    return request as Authorized;
  });
}
