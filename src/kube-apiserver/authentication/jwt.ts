import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";

export type JwtAlgorithm = "ES256" | "ES384" | "ES512" | "RS256";

const hashOf: Readonly<Record<JwtAlgorithm, string>> = { ES256: "sha256", ES384: "sha384", ES512: "sha512", RS256: "sha256" };
const algorithmOfCurve: Readonly<Record<string, JwtAlgorithm>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };

/** Longer texts are not tokens of ours. */
const tokenLengthMax = 64 * 1_024;

/** One key with what a JWT says of it: the algorithm follows from the key, so that a token cannot choose a weaker one. */
export interface JwtKey {
  readonly key: KeyObject;
  readonly algorithm: JwtAlgorithm;
  readonly id: string;
}

function algorithmOf(key: KeyObject): JwtAlgorithm {
  if (key.asymmetricKeyType === "rsa") return "RS256";
  const algorithm = algorithmOfCurve[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (key.asymmetricKeyType !== "ec" || !algorithm) throw new Error(`keys of type ${key.asymmetricKeyType ?? "secret"} cannot sign service-account tokens`);
  return algorithm;
}

/** Upstream's key id: the hash of the public key's DER form. */
const idOf = (publicKey: KeyObject): string => createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64url");

export function publicJwtKey(pem: string): JwtKey {
  const key = createPublicKey(pem);
  return { key, algorithm: algorithmOf(key), id: idOf(key) };
}
export function privateJwtKey(pem: string): JwtKey {
  const key = createPrivateKey(pem);
  return { key, algorithm: algorithmOf(key), id: idOf(createPublicKey(key)) };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Readonly<Record<string, unknown>> : undefined;
  } catch {
    // Not JSON: then it is no token, whatever else it may be.
    return undefined;
  }
}

export function signJwt(claims: Readonly<Record<string, unknown>>, { key, algorithm, id }: JwtKey): string {
  const signed = `${encode({ alg: algorithm, kid: id })}.${encode(claims)}`;
  return `${signed}.${sign(hashOf[algorithm], Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/** The claims as they are written, with nothing proved; undefined when the text is not a JWT. */
export function readJwt(token: string): { readonly header: Readonly<Record<string, unknown>>; readonly claims: Readonly<Record<string, unknown>> } | undefined {
  if (token.length > tokenLengthMax) return undefined;
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  const [header, claims] = [decode(parts[0] ?? ""), decode(parts[1] ?? "")];
  return header && claims && { header, claims };
}

/** Whether one of the keys signed the token; keys are chosen by the id in its header where it has one. */
export function isSignedBy(token: string, header: Readonly<Record<string, unknown>>, keys: readonly JwtKey[]): boolean {
  const end = token.lastIndexOf(".");
  const [signed, signature] = [Buffer.from(token.slice(0, end)), Buffer.from(token.slice(end + 1), "base64url")];
  return keys.some(({ key, algorithm, id }) =>
    header["alg"] === algorithm && (header["kid"] === undefined || header["kid"] === id) && verify(hashOf[algorithm], signed, { key, dsaEncoding: "ieee-p1363" }, signature));
}
