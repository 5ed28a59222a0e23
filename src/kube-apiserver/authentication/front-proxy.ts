import type { Credentials, UserInfo } from "../access.ts";
import type { CertificateVerifier } from "./certificate.ts";
import { headerOf, headerValues } from "./identity.ts";

const extraPrefix = "x-remote-extra-";

/**
 * The user that a trusted proxy speaks for. Undefined when no user is named, or when it is not such a proxy that asks: anybody can send these
 * headers, so they count for nothing without its certificate.
 */
export function userOfFrontProxy({ headers, peerCertificate }: Credentials, verifier: CertificateVerifier, allowedNames: readonly string[]): UserInfo | undefined {
  const name = headerOf(headers, "x-remote-user") ?? "";
  if (name === "" || !peerCertificate) return undefined;
  const { commonName } = verifier.verify(peerCertificate);
  if (allowedNames.length > 0 && !allowedNames.includes(commonName)) throw new Error(`x509: subject with cn=${commonName} is not in the allowed list`);
  const extra = Object.entries(headers).filter(([header]) => header.startsWith(extraPrefix)).map(([header, value]) => [unescapeKey(header.slice(extraPrefix.length)), headerValues(value)] as const);
  return { name, groups: headerValues(headers["x-remote-group"]), ...(extra.length > 0 && { extra: Object.fromEntries(extra) }) };
}

/** Keys come percent-encoded, for headers may not hold everything that a key may. */
export function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key.toLowerCase());
  } catch {
    return key.toLowerCase();
  }
}
