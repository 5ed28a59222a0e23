import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { AdmissionPlugin, Authenticator, Authorizer, ClusterReader, TokenIssuer, VirtualResource } from "./access.ts";
import { defaultAdmission } from "./admission/default-admission.ts";
import { clusterAuthenticator } from "./authentication/authenticator.ts";
import { userOfBootstrapToken } from "./authentication/bootstrap-tokens.ts";
import { publicJwtKey } from "./authentication/jwt.ts";
import { openIdCacheSecondsMax, openIdDocuments } from "./authentication/openid.ts";
import { selfSubjectReview, tokenReview } from "./authentication/reviews.ts";
import { ServiceAccountTokens } from "./authentication/service-account-tokens.ts";
import { clusterAuthorizer } from "./authorization/authorizer.ts";
import { accessReviews } from "./authorization/reviews.ts";
import type { Route } from "./handlers/routes.ts";

export interface ClusterAccessOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly clientCaPem: string;
  readonly requestHeaderCaPem: string;
  /** Common names of the certificates with which a front proxy may speak for others. */
  readonly requestHeaderAllowedNames: readonly string[];
  readonly serviceAccount: { readonly privateKeyPem: string; readonly publicKeyPem: string };
  /** "https://kubernetes.default.svc.cluster.local" */
  readonly serviceAccountIssuer: string;
}

export interface ClusterAccess {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly virtual: readonly VirtualResource[];
  readonly tokenIssuer: TokenIssuer;
}

/** Who comes in, what they may do, and what becomes of what they bring: the `access` of an API server as upstream's control plane is set up. */
export const clusterAccess = (options: ClusterAccessOptions) => (cluster: ClusterReader): ClusterAccess => {
  const { clock, random, log, signal, clientCaPem, requestHeaderCaPem, requestHeaderAllowedNames, serviceAccount, serviceAccountIssuer } = options;
  const tokens = new ServiceAccountTokens({
    cluster, clock, random, privateKeyPem: serviceAccount.privateKeyPem, publicKeysPem: [serviceAccount.publicKeyPem], issuer: serviceAccountIssuer,
  });
  const { authorizer, resolver } = clusterAuthorizer(cluster);
  return {
    authenticator: clusterAuthenticator({ cluster, clock, log, clientCaPem, requestHeaderCaPem, requestHeaderAllowedNames, tokens }),
    authorizer,
    admission: defaultAdmission({ cluster, authorizer, resolver, clock, random, signal }),
    virtual: [...accessReviews({ authorizer, resolver }), selfSubjectReview(clock), tokenReview(tokens, (token) => userOfBootstrapToken(cluster, token, clock.now()))],
    tokenIssuer: tokens,
  };
};

/** The two documents of OpenID Connect Discovery, as routes. `jwksUri`: where others reach ours, such as "https://10.0.0.1:6443/openid/v1/jwks". */
export function openIdRoutes({ serviceAccount, serviceAccountIssuer }: Pick<ClusterAccessOptions, "serviceAccount" | "serviceAccountIssuer">, { jwksUri }: { readonly jwksUri: string }): Readonly<Record<string, Route>> {
  const documents = openIdDocuments({ issuer: serviceAccountIssuer, keys: [publicJwtKey(serviceAccount.publicKeyPem)] }, { jwksUri });
  return Object.fromEntries(documents.map(({ path, contentType, body }) => {
    const text = JSON.stringify(body);
    const route: Route = () => ({ is: "bytes", code: 200, contentType, body: text, headers: { "cache-control": `public, max-age=${openIdCacheSecondsMax}` } });
    return [path, route];
  }));
}
