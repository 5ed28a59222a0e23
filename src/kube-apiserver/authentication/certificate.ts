import { X509Certificate } from "node:crypto";
import type { UserInfo } from "../access.ts";
import { credentialIdKey, withAuthenticatedGroup } from "./identity.ts";

const clientAuthUsage = "1.3.6.1.5.5.7.3.2";
const anyUsage = "2.5.29.37.0";

/** A chain of our own authorities is short; anything longer is not ours. */
const certificatesInBundleMax = 100;

export interface ClientSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

interface Verified extends ClientSubject {
  /** Undefined without a common name. */
  readonly user: UserInfo | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly credentialId: string;
}

function authoritiesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > certificatesInBundleMax) throw new Error(`a bundle of ${blocks.length} certificate authorities: at most ${certificatesInBundleMax} are read`);
  return blocks.map((block) => new X509Certificate(block));
}

const listOf = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === "string" ? [value] : value);

/** The names as they are in the certificate, not as they print: a name that holds "CN=" stays a name. */
function subjectOf(certificate: X509Certificate): ClientSubject {
  const { subject } = certificate.toLegacyObject() as { readonly subject: Readonly<Record<string, string | string[] | undefined>> };
  return { commonName: listOf(subject["CN"]).at(-1) ?? "", organizations: listOf(subject["O"]) };
}

/**
 * Checks client certificates against a bundle of authorities: signature, dates, and that they are meant for clients. A certificate is verified
 * once per connection (per object); its dates are looked at every time.
 */
export class CertificateVerifier {
  readonly #authorities: readonly X509Certificate[];
  readonly #now: () => number;
  readonly #known = new WeakMap<X509Certificate, Verified | Error>();

  constructor({ authoritiesPem, now }: { readonly authoritiesPem: string; readonly now: () => number }) {
    this.#authorities = authoritiesOf(authoritiesPem);
    this.#now = now;
  }

  /** @throws {Error} saying why it is not to be trusted. */
  verify(certificate: X509Certificate): Pick<Verified, "commonName" | "organizations" | "credentialId" | "user"> {
    let known = this.#known.get(certificate);
    if (!known) this.#known.set(certificate, (known = this.#check(certificate)));
    if (known instanceof Error) throw known;
    const nowMs = this.#now();
    if (nowMs < known.notBeforeMs || nowMs > known.notAfterMs) throw new Error("x509: certificate has expired or is not yet valid");
    return known;
  }

  #check(certificate: X509Certificate): Verified | Error {
    const issuer = this.#authorities.find((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
    if (!issuer) return new Error("x509: certificate signed by unknown authority");
    const usages = certificate.keyUsage ?? [];
    if (!usages.includes(clientAuthUsage) && !usages.includes(anyUsage)) return new Error("x509: certificate specifies an incompatible key usage");
    const subject = subjectOf(certificate);
    const { commonName, organizations } = subject;
    const credentialId = `X509SHA256=${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`;
    return {
      ...subject, notBeforeMs: certificate.validFromDate.getTime(), notAfterMs: Math.min(certificate.validToDate.getTime(), issuer.validToDate.getTime()),
      credentialId, user: commonName === "" ? undefined : withAuthenticatedGroup({ name: commonName, groups: organizations, extra: { [credentialIdKey]: [credentialId] } }),
    };
  }
}

/** The user that a client certificate stands for: its common name, with its organizations as groups; undefined without a common name. The same object for all requests of a connection. */
export const userOfCertificate = (verifier: CertificateVerifier, certificate: X509Certificate): UserInfo | undefined => verifier.verify(certificate).user;
