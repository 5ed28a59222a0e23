import { unauthorized } from "../apimachinery/status-error.ts";
import type { Attributes } from "./access.ts";
import type { Answer } from "./answer.ts";
import type { Api } from "./api.ts";
import { anonymousMayAsk, anonymousUser } from "./authentication/identity.ts";
import { impersonatedUser } from "./authentication/impersonation.ts";
import { forbiddenFor } from "./authorization/forbidden.ts";
import { requestInfo } from "./request-info.ts";
import type { Authenticated, Authorized, Incoming, Informed } from "./request.ts";

/**
 * Every request goes through these links, whether it came over the network or from inside of the process. Each link takes what the one before
 * has proved, so that no handler can be reached around one of them.
 */
export async function chain<T = Answer>(api: Api, incoming: Incoming, handle: (request: Authorized) => Promise<T>): Promise<T> {
  const informed = inform(incoming);
  const authenticated = await impersonate(api, await authenticate(api, informed));
  const work = async (): Promise<T> => await handle(await authorize(api, authenticated));
  // The server's own parts are as busy as what they are asked to do.
  return await (authenticated.identity ? work() : api.inFlight.admit(authenticated.info, authenticated.user, work));
}

export const inform = (request: Incoming): Informed =>
  request.info ? (request as Informed) : { ...request, info: requestInfo(request.method, request.path, request.query as URLSearchParams) };

/** @throws {StatusError} Unauthorized */
async function authenticate(api: Api, request: Informed): Promise<Authenticated> {
  if (request.identity) return { ...request, user: request.identity, authenticatedMs: api.clock.now() } as Authenticated;
  const { headers, peerCertificate } = request;
  const proved = await api.authenticator.authenticate({ headers, ...(peerCertificate && { peerCertificate }) });
  const user = proved ?? (anonymousMayAsk(request.info.path) ? anonymousUser : undefined);
  if (!user) throw unauthorized();
  return { ...request, user, authenticatedMs: api.clock.now() } as Authenticated;
}

/** Who may act as somebody else, and says so, goes on as them. @throws {StatusError} BadRequest, Forbidden */
async function impersonate(api: Api, request: Authenticated): Promise<Authenticated> {
  if (request.identity || !impersonates(request.headers)) return request;
  return { ...request, user: await impersonatedUser(api.authorizer, attributesOf(request), request.headers) };
}

function impersonates(headers: Authenticated["headers"]): boolean {
  for (const name in headers) if (name.startsWith("impersonate-")) return true;
  return false;
}

export function attributesOf({ info, user, query }: Authenticated): Attributes {
  const fieldSelector = query.get("fieldSelector");
  const labelSelector = query.get("labelSelector");
  return {
    user, verb: info.verb, path: info.path, isResourceRequest: info.isResourceRequest, group: info.group, version: info.version, resource: info.resource,
    subresource: info.subresource, namespace: info.namespace, name: info.name,
    ...(fieldSelector !== null && { fieldSelector }), ...(labelSelector !== null && { labelSelector }),
  };
}

/** @throws {StatusError} Forbidden, saying who may not do what. */
async function authorize(api: Api, request: Authenticated): Promise<Authorized> {
  const attributes = attributesOf(request);
  const { decision, reason } = await api.authorizer.authorize(attributes);
  if (decision === "allow") return { ...request, authorizedMs: api.clock.now() } as Authorized;
  throw forbiddenFor(attributes, reason);
}
