import { createPrivateKey, X509Certificate } from "node:crypto";
import { BlockList } from "node:net";
import type { Subject } from "./subject.ts";

/** The part of a certificate's life after which it is renewed. */
const renewalShare = 2 / 3;

export interface Parsed {
  readonly certificate: X509Certificate;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Undefined when the two texts are not a certificate and the key that belongs to it. */
export function parsePair(certificatePem: string | undefined, privateKeyPem: string | undefined): Parsed | undefined {
  if (certificatePem === undefined || privateKeyPem === undefined) return undefined;
  try {
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem))) return undefined;
    return { certificate, notBeforeMs: certificate.validFromDate.getTime(), notAfterMs: certificate.validToDate.getTime() };
  } catch {
    // Whatever is wrong with the files, the answer is the same: they are not a pair that can be used.
    return undefined;
  }
}

export const renewalDueMsOf = ({ notBeforeMs, notAfterMs }: Pick<Parsed, "notBeforeMs" | "notAfterMs">): number =>
  notBeforeMs + (notAfterMs - notBeforeMs) * renewalShare;

/** IPv6 addresses have many spellings; each is compared in the one that BlockList gives it. (Node's isIP takes 10 ms when it first meets one.) */
function canonicalIp(ip: string): string {
  if (!ip.includes(":")) return ip;
  const list = new BlockList();
  list.addAddress(ip, "ipv6");
  return list.rules.join();
}

const nameSet = (dnsNames: readonly string[], ips: readonly string[]): string => [...dnsNames, ...ips.map(canonicalIp)].toSorted().join(" ");

function namesOf({ subjectAltName }: X509Certificate): string {
  const names = (subjectAltName ?? "").split(", ").filter((name) => name !== "");
  const after = (prefix: string): readonly string[] => names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return nameSet(after("DNS:"), after("IP Address:"));
}

const subjectText = ({ commonName, organizations }: Subject): string => [...organizations.map((name) => `O=${name}`), `CN=${commonName}`].join("\n");

/** A certificate is kept as long as the same authority would issue the same one again, and its renewal is not due. */
export const isCurrent = (parsed: Parsed, subject: Subject, authority: X509Certificate, nowMs: number): boolean =>
  nowMs >= parsed.notBeforeMs && nowMs < renewalDueMsOf(parsed) && parsed.certificate.subject === subjectText(subject) &&
  namesOf(parsed.certificate) === nameSet(subject.dnsNames, subject.ips) && parsed.certificate.verify(authority.publicKey);
