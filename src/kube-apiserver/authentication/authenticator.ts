import type { Authenticator, ClusterReader, Credentials, UserInfo } from "../access.ts";
import { StatusError } from "../../apimachinery/status-error.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { userOfBootstrapToken } from "./bootstrap-tokens.ts";
import { CertificateVerifier, userOfCertificate } from "./certificate.ts";
import { userOfFrontProxy } from "./front-proxy.ts";
import { headerOf, withAuthenticatedGroup } from "./identity.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

export interface ClusterAuthenticatorOptions {
  readonly cluster: ClusterReader;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
  /** Who signs client certificates. */
  readonly clientCaPem: string;
  /** Who signs the certificates of proxies that may speak for others, and the names of those. */
  readonly requestHeaderCaPem: string;
  readonly requestHeaderAllowedNames: readonly string[];
  readonly tokens: ServiceAccountTokens;
}

/**
 * All ways to prove an identity, in upstream's order: a front proxy's word, a client certificate, a bearer token. The first that proves one counts;
 * when none does although something was offered, the answer is 401 and the log says why.
 */
export function clusterAuthenticator({ cluster, clock, log, clientCaPem, requestHeaderCaPem, requestHeaderAllowedNames, tokens }: ClusterAuthenticatorOptions): Authenticator {
  const now = (): number => clock.now();
  const proxies = new CertificateVerifier({ authoritiesPem: requestHeaderCaPem, now });
  const clients = new CertificateVerifier({ authoritiesPem: clientCaPem, now });
  const ways: readonly ((credentials: Credentials) => UserInfo | undefined)[] = [
    (credentials) => userOfFrontProxy(credentials, proxies, requestHeaderAllowedNames),
    ({ peerCertificate }) => peerCertificate && userOfCertificate(clients, peerCertificate),
    ({ headers }) => {
      const token = bearerToken(headers);
      return token === undefined ? undefined : userOfToken(token);
    },
  ];
  const userOfToken = (token: string): UserInfo => {
    const user = userOfBootstrapToken(cluster, token, clock.now()) ?? tokens.verify(token)?.user;
    if (!user) throw new Error("invalid bearer token");
    return user;
  };

  return {
    authenticate(credentials) {
      const problems: string[] = [];
      for (const way of ways) {
        try {
          const user = way(credentials);
          if (user) return withAuthenticatedGroup(user);
        } catch (error) {
          problems.push(error instanceof Error ? error.message : String(error));
        }
      }
      if (problems.length === 0) return undefined;
      log.info("refused credentials", { problems });
      throw new StatusError("Unauthorized", "Unauthorized");
    },
  };
}

/** The token of an `Authorization: Bearer …` header; browsers send it as a WebSocket protocol instead. */
export function bearerToken(headers: Credentials["headers"]): string | undefined {
  const [, token] = /^bearer +(\S+)\s*$/i.exec(headerOf(headers, "authorization") ?? "") ?? [];
  if (token !== undefined) return token;
  const prefix = "base64url.bearer.authorization.k8s.io.";
  const protocol = (headerOf(headers, "sec-websocket-protocol") ?? "").split(",").map((each) => each.trim()).find((each) => each.startsWith(prefix));
  return protocol === undefined ? undefined : Buffer.from(protocol.slice(prefix.length), "base64url").toString("utf8");
}
