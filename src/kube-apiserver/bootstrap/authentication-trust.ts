import { X509Certificate } from "node:crypto";

/** Whom a server believes: its certificate authorities, and who may speak for others through headers. */
export interface AuthenticationTrust {
  readonly clientCaPem: string;
  readonly requestHeaderCaPem: string;
  readonly requestHeaderAllowedNames: readonly string[];
}

/** A certificate counts for a little longer than it says, for clocks that differ. */
const expirySlackMs = 5 * 60_000;

/**
 * The data of the ConfigMap `extension-apiserver-authentication`: what this server trusts beside what is written there already, because the servers of one cluster may trust different authorities
 * (one after the other gets a new one; Keelson beside upstream). Certificates that have expired are dropped where the time is given, and so is what is not understood.
 * (Upstream: pkg/controlplane/controller/clusterauthenticationtrust.)
 */
export function trustData(present: Readonly<Record<string, string>>, own: AuthenticationTrust, nowMs?: number): Readonly<Record<string, string>> {
  const names = (key: string, values: readonly string[]): string => JSON.stringify([...new Set([...namesIn(present[key]), ...values])]);
  const certificates = (key: string, pem: string): string => [...new Set([present[key], pem].flatMap(certificatesIn))].filter((each) => nowMs === undefined || validUntilMs(each) > nowMs - expirySlackMs).join("");
  const uidHeaders = namesIn(present["requestheader-uid-headers"]);
  return {
    "client-ca-file": certificates("client-ca-file", own.clientCaPem),
    "requestheader-allowed-names": names("requestheader-allowed-names", own.requestHeaderAllowedNames),
    "requestheader-client-ca-file": certificates("requestheader-client-ca-file", own.requestHeaderCaPem),
    "requestheader-extra-headers-prefix": names("requestheader-extra-headers-prefix", ["X-Remote-Extra-"]),
    "requestheader-group-headers": names("requestheader-group-headers", ["X-Remote-Group"]),
    ...(uidHeaders.length > 0 && { "requestheader-uid-headers": JSON.stringify(uidHeaders) }),
    "requestheader-username-headers": names("requestheader-username-headers", ["X-Remote-User"]),
  };
}

/** What cannot be read names nobody: it is somebody else's mistake, which writing our own names mends. */
function namesIn(text: string | undefined): readonly string[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** Each in one spelling, so that the same certificate is one. */
function certificatesIn(pem: string | undefined): readonly string[] {
  const bodies = (pem ?? "").matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g);
  return [...bodies].map(([, body = ""]) => `-----BEGIN CERTIFICATE-----\n${(body.replaceAll(/\s/g, "").match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`);
}

/** What is no certificate was never valid. */
function validUntilMs(pem: string): number {
  try {
    return new X509Certificate(pem).validToDate.getTime();
  } catch {
    return Number.NEGATIVE_INFINITY;
  }
}
