import { badRequest } from "../../apimachinery/status-error.ts";
import type { Attributes, Authorizer, Credentials, UserInfo } from "../access.ts";
import { forbiddenFor } from "../authorization/forbidden.ts";
import { unescapeKey } from "./front-proxy.ts";
import { authenticatedGroup, anonymousUser, headerOf, headerValues, serviceAccountGroups, splitServiceAccountName, unauthenticatedGroup } from "./identity.ts";

const extraPrefix = "impersonate-extra-";
const authenticationGroup = "authentication.k8s.io";
const nodePrefix = "system:node:";

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** One way of being allowed to act as somebody: `verb` is what is asked for on each part of the wanted user. */
interface Mode {
  readonly name: "associated-node" | "arbitrary-node" | "serviceaccount" | "user-info" | "legacy";
  applies(wanted: Wanted, requestor: UserInfo): boolean;
}

const onlyName = ({ uid, groups, extra }: Wanted): boolean => uid === "" && groups.length === 0 && Object.keys(extra).length === 0;
const isNode = ({ name }: Wanted): boolean => name.startsWith(nodePrefix) && name.length > nodePrefix.length;
const isServiceAccount = ({ name }: Wanted): boolean => splitServiceAccountName(name) !== undefined;

/** The ways that KEP-5284 (constrained impersonation) adds, narrowest first, and then the one that has always been. */
const modes: readonly Mode[] = [
  { name: "associated-node", applies: (wanted, requestor) => onlyName(wanted) && isNode(wanted) && isAssociated(wanted, requestor) },
  { name: "arbitrary-node", applies: (wanted) => onlyName(wanted) && isNode(wanted) },
  { name: "serviceaccount", applies: (wanted) => onlyName(wanted) && isServiceAccount(wanted) },
  { name: "user-info", applies: (wanted) => !isNode(wanted) && !isServiceAccount(wanted) },
  { name: "legacy", applies: () => true },
];

/** A service account is associated with the node that its pod runs on, as its token says. */
const isAssociated = ({ name }: Wanted, requestor: UserInfo): boolean =>
  splitServiceAccountName(requestor.name) !== undefined && requestor.extra?.["authentication.kubernetes.io/node-name"]?.includes(name.slice(nodePrefix.length)) === true;

/**
 * The user as whom a request is to be handled: the one that its Impersonate-… headers name, when the requestor may act as them. `attributes` is
 * what the requestor asks for.
 *
 * @throws {StatusError} BadRequest when the headers lack a user, Forbidden when the requestor may not.
 */
export async function impersonatedUser(authorizer: Authorizer, attributes: Attributes, headers: Credentials["headers"]): Promise<UserInfo> {
  const wanted = wantedUser(headers);
  if (!wanted) return attributes.user;
  let first: unknown;
  for (const mode of modes) {
    if (!mode.applies(wanted, attributes.user)) continue;
    try {
      return await inMode(mode, authorizer, attributes, wanted);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

function wantedUser(headers: Credentials["headers"]): Wanted | undefined {
  const name = headerOf(headers, "impersonate-user") ?? "";
  const uid = headerOf(headers, "impersonate-uid") ?? "";
  const groups = headerValues(headers["impersonate-group"]);
  const extraHeaders = Object.keys(headers).filter((header) => header.startsWith(extraPrefix) && headers[header] !== undefined);
  const extra = Object.fromEntries(extraHeaders.map((header) => [unescapeKey(header.slice(extraPrefix.length)), headerValues(headers[header])]));
  if (name !== "") return { name, uid, groups, extra };
  if (uid === "" && groups.length === 0 && extraHeaders.length === 0) return undefined;
  const quoted = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(", ");
  const groupText = groups.length === 0 ? "[]string(nil)" : `[]string{${quoted(groups)}}`;
  const extraText = extraHeaders.length === 0 ? "map[string][]string(nil)" : `map[string][]string{${Object.entries(extra).map(([key, values]) => `${JSON.stringify(key)}:[]string{${quoted(values)}}`).join(", ")}}`;
  throw badRequest(`requested &user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${groupText}, Extra:${extraText}} without impersonating a user name`);
}

async function inMode({ name: mode }: Mode, authorizer: Authorizer, attributes: Attributes, wanted: Wanted): Promise<UserInfo> {
  const constrained = mode !== "legacy";
  const verb = constrained ? `impersonate:${mode}` : "impersonate";
  // What an associated node is called does not matter to the rights on it: they are given for all nodes that a pod may run on.
  const requestor = attributes.user;
  const base: Attributes = { user: requestor, verb, path: "", isResourceRequest: true, group: constrained ? authenticationGroup : "", version: "v1", resource: "", subresource: "", namespace: "", name: "" };
  const check = async (asked: Attributes): Promise<void> => {
    const { decision, reason } = await authorizer.authorize(asked);
    if (decision !== "allow") throw forbiddenFor(asked, reason);
  };
  if (constrained) await check({ ...attributes, verb: `impersonate-on:${mode}:${attributes.verb}` });
  await check({ ...base, ...nameAttributes(wanted, mode) });
  if (wanted.uid !== "") await check({ ...base, group: authenticationGroup, resource: "uids", name: wanted.uid });
  for (const name of wanted.groups) {
    const asked = { ...base, resource: "groups", name };
    if (constrained && name === "") throw forbiddenFor(asked, "impersonating the empty string group is not allowed");
    if (constrained && name === "system:masters") throw forbiddenFor(asked, "impersonating the system:masters group is not allowed");
    await check(asked);
  }
  for (const [subresource, values] of Object.entries(wanted.extra)) {
    for (const name of values) await check({ ...base, group: authenticationGroup, resource: "userextras", subresource, name });
  }
  return become(wanted, constrained);
}

function nameAttributes(wanted: Wanted, mode: Mode["name"]): Pick<Attributes, "resource" | "name" | "namespace"> {
  const account = splitServiceAccountName(wanted.name);
  if (account) return { resource: "serviceaccounts", ...account };
  if (mode === "associated-node") return { resource: "nodes", name: "*", namespace: "" };
  if (mode === "arbitrary-node") return { resource: "nodes", name: wanted.name.slice(nodePrefix.length), namespace: "" };
  return { resource: "users", name: wanted.name, namespace: "" };
}

function become(wanted: Wanted, constrained: boolean): UserInfo {
  const account = splitServiceAccountName(wanted.name);
  const own = wanted.groups.length > 0 ? wanted.groups : account ? serviceAccountGroups(account.namespace) : constrained && isNode(wanted) ? ["system:nodes"] : [];
  const added = wanted.name === anonymousUser.name ? unauthenticatedGroup : own.includes(unauthenticatedGroup) ? undefined : authenticatedGroup;
  const groups = added === undefined || own.includes(added) ? own : [...own, added];
  return { name: wanted.name, groups, ...(wanted.uid !== "" && { uid: wanted.uid }), ...(Object.keys(wanted.extra).length > 0 && { extra: wanted.extra }) };
}
