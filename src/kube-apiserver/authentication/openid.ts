import { createPublicKey } from "node:crypto";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

export interface OpenIdDocument {
  readonly path: "/.well-known/openid-configuration" | "/openid/v1/jwks";
  readonly contentType: "application/json" | "application/jwk-set+json";
  readonly body: unknown;
}
/** How long clients may keep them; upstream's figure. */
export const openIdCacheSecondsMax = 3_600;

/** With these, others can check our service accounts' tokens without asking us: OpenID Connect Discovery 1.0. */
export function openIdDocuments({ issuer, keys }: Pick<ServiceAccountTokens, "issuer" | "keys">, { jwksUri }: { readonly jwksUri: string }): readonly OpenIdDocument[] {
  const jwks = keys.map(({ key, algorithm, id }) => ({ use: "sig", ...createPublicKey(key.export({ type: "spki", format: "pem" })).export({ format: "jwk" }), kid: id, alg: algorithm }));
  return [
    {
      path: "/.well-known/openid-configuration", contentType: "application/json",
      body: {
        issuer, jwks_uri: jwksUri, response_types_supported: ["id_token"], subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: [...new Set(keys.map(({ algorithm }) => algorithm))].toSorted(),
      },
    },
    { path: "/openid/v1/jwks", contentType: "application/jwk-set+json", body: { keys: jwks } },
  ];
}
