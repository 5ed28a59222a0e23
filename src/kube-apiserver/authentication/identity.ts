import type { UserInfo } from "../access.ts";

export const authenticatedGroup = "system:authenticated";
export const unauthenticatedGroup = "system:unauthenticated";
/** Under this key a user carries what proved it: the certificate's hash, the token's id. */
export const credentialIdKey = "authentication.kubernetes.io/credential-id";

export const anonymousUser: UserInfo = { name: "system:anonymous", groups: [unauthenticatedGroup] };
const anonymousPaths: readonly string[] = ["/livez", "/readyz", "/healthz", "/version"];

/** Without credentials one may ask whether the server is well and which version it is, and nothing else. */
export const anonymousMayAsk = (path: string): boolean => anonymousPaths.some((allowed) => path === allowed || path.startsWith(`${allowed}/`));

/** Everybody who proved an identity is a member of one group (unless an impersonator said otherwise). */
export const withAuthenticatedGroup = (user: UserInfo): UserInfo =>
  user.groups.includes(authenticatedGroup) || user.groups.includes(unauthenticatedGroup) ? user : { ...user, groups: [...user.groups, authenticatedGroup] };

const serviceAccountPrefix = "system:serviceaccount:";
export const serviceAccountName = (namespace: string, name: string): string => `${serviceAccountPrefix}${namespace}:${name}`;
export const serviceAccountGroups = (namespace: string): readonly string[] => ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];

/** Undefined when the user is no service account. */
export function splitServiceAccountName(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9](?:[-a-z0-9]*[a-z0-9])?):([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)$/.exec(user) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** The value of a header that comes once; the first one when it comes several times. */
export function headerOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** The values of a header that may come several times. A text is one value, commas and all: see `distinctIdentityHeaders`. */
export const headerValues = (value: string | string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === "string" ? [value] : value);

/** Headers that say who somebody is and may come several times. */
const isRepeatable = (name: string): boolean => name === "impersonate-group" || name === "x-remote-group" || name.startsWith("impersonate-extra-") || name.startsWith("x-remote-extra-");

/** Whether a request wants to be somebody else's. */
export function impersonates(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (name.startsWith("impersonate-")) return true;
  return false;
}

/**
 * Node joins headers that come several times with commas; a group whose name holds a comma would then be read as two. Where such headers are present
 * they are taken from the raw list of names and values instead, one value each.
 */
export function distinctIdentityHeaders<T extends Readonly<Record<string, string | string[] | undefined>>>(headers: T, rawHeaders: readonly string[]): T {
  if (!hasRepeatable(headers)) return headers;
  const values: Record<string, string[]> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (isRepeatable(name)) (values[name] ??= []).push(rawHeaders[at + 1] ?? "");
  }
  return { ...headers, ...values };
}

function hasRepeatable(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (isRepeatable(name)) return true;
  return false;
}
