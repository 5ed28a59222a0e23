import { nodes, pods, secrets, serviceaccounts, type Pod } from "../../api/generated/core-v1.ts";
import type { BoundObjectReference, TokenRequest } from "../../api/generated/authentication-v1.ts";
import { invalid } from "../../apimachinery/field-error.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { badRequest, conflict, invalidError, notFoundError } from "../../apimachinery/status-error.ts";
import type { Clock } from "../../stdx/clock.ts";
import { randomUuid, type Random } from "../../stdx/random.ts";
import type { ClusterReader, TokenIssuer, UserInfo } from "../access.ts";
import { credentialIdKey, serviceAccountGroups, serviceAccountName } from "./identity.ts";
import { isSignedBy, privateJwtKey, publicJwtKey, readJwt, signJwt, type JwtKey } from "./jwt.ts";

const defaultExpirationSeconds = 3_600;
const expirationSecondsMin = 600;
const expirationSecondsMax = 2 ** 32;
/** Tokens that are asked for with this lifetime come from the volume that every pod gets; old clients read those only once, so they live longer. */
const warnOnlySeconds = 3_607;
const extendedSeconds = 365 * 24 * 3_600;
/** How far clocks may be apart. */
const leewaySeconds = 60;
/** Tokens whose signature was found good, so that it is not computed for every request. */
const verifiedTokensMax = 5_000;

const kind = { group: "authentication.k8s.io", kind: "TokenRequest" } as const;

interface Reference { readonly name: string; readonly uid?: string }
interface PrivateClaims {
  readonly namespace: string;
  readonly serviceaccount: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
  readonly warnafter?: number;
}
interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly iss: string;
  readonly jti?: string;
  readonly sub: string;
  readonly "kubernetes.io": PrivateClaims;
}

export interface ServiceAccountTokensOptions {
  readonly cluster: ClusterReader;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly privateKeyPem: string;
  /** Keys whose tokens are accepted; the one that signs is always among them. */
  readonly publicKeysPem: readonly string[];
  /** "https://kubernetes.default.svc.cluster.local" */
  readonly issuer: string;
  /** What a token must be meant for to be accepted here, and what it is meant for when nobody says: by default the issuer. */
  readonly audiences?: readonly string[];
}

/** Makes and checks the tokens of service accounts: JWTs bound to an account and, mostly, to the pod that uses them. */
export class ServiceAccountTokens implements TokenIssuer {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly keys: readonly JwtKey[];
  readonly #cluster: ClusterReader;
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #signingKey: JwtKey;
  readonly #verified = new Map<string, Claims>();

  constructor({ cluster, clock, random, privateKeyPem, publicKeysPem, issuer, audiences = [issuer] }: ServiceAccountTokensOptions) {
    this.issuer = issuer;
    this.audiences = audiences;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#random = random;
    this.#signingKey = privateJwtKey(privateKeyPem);
    this.keys = publicKeysPem.map(publicJwtKey);
  }

  async issue({ namespace, serviceAccount, request: given }: { readonly namespace: string; readonly serviceAccount: string; readonly request: KubeObject; readonly user: UserInfo }): Promise<KubeObject> {
    const request = given as TokenRequest;
    const { metadata, spec = {} } = request;
    checkMetadata(request, namespace, serviceAccount);
    const account = this.#cluster.get(serviceaccounts, namespace, serviceAccount);
    if (!account) throw notFoundError({ group: "", resource: "serviceaccounts" }, serviceAccount);
    const uid = account.metadata.uid ?? "";
    if ((metadata.uid ?? uid) !== uid) {
      throw conflict({ group: kind.group, resource: kind.kind }, serviceAccount, `the UID in the token request (${metadata.uid ?? ""}) does not match the UID of the service account (${uid})`);
    }
    const audiences = (spec.audiences?.length ?? 0) === 0 ? this.audiences : spec.audiences ?? [];
    const expirationSeconds = spec.expirationSeconds ?? defaultExpirationSeconds;
    checkExpiration(expirationSeconds);
    const bound = spec.boundObjectRef && this.#boundTo(spec.boundObjectRef, namespace, serviceAccount);

    const nowSeconds = Math.floor(this.#clock.now() / 1_000);
    const extended = bound?.pod !== undefined && expirationSeconds === warnOnlySeconds && audiences.every((audience) => this.audiences.includes(audience));
    const claims: Claims = {
      aud: audiences, exp: nowSeconds + (extended ? extendedSeconds : expirationSeconds), iat: nowSeconds, iss: this.issuer, jti: randomUuid(this.#random),
      "kubernetes.io": { namespace, ...bound, serviceaccount: { name: serviceAccount, uid }, ...(extended && { warnafter: nowSeconds + expirationSeconds }) },
      nbf: nowSeconds, sub: serviceAccountName(namespace, serviceAccount),
    };
    const timeOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
    return {
      apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: { ...metadata, name: serviceAccount, namespace, uid, creationTimestamp: timeOf(nowSeconds) },
      spec: { ...spec, audiences, expirationSeconds }, status: { token: signJwt({ ...claims }, this.#signingKey), expirationTimestamp: timeOf(nowSeconds + expirationSeconds) },
    } as TokenRequest;
  }

  /**
   * Who a token stands for, and for which of the given audiences; undefined when it is not a token of this issuer.
   *
   * @throws {Error} saying what is wrong with it: forged, expired, for others, or bound to what is gone.
   */
  verify(token: string, audiences: readonly string[] = this.audiences): { readonly user: UserInfo; readonly audiences: readonly string[] } | undefined {
    const claims = this.#claimsOf(token);
    if (!claims) return undefined;
    const meantFor = claims.aud.filter((audience) => audiences.includes(audience));
    if (meantFor.length === 0) throw new Error(`token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(audiences)}`);
    checkDates(claims, this.#clock.now() / 1_000);
    return { user: this.#userOf(claims), audiences: meantFor };
  }

  #claimsOf(token: string): Claims | undefined {
    const known = this.#verified.get(token);
    if (known) return known;
    const read = readJwt(token);
    if (read?.claims["iss"] !== this.issuer) return undefined;
    if (!isSignedBy(token, read.header, this.keys)) throw new Error("invalid signature");
    const claims = wellFormed(read.claims);
    if (this.#verified.size >= verifiedTokensMax) this.#verified.delete(this.#verified.keys().next().value ?? "");
    this.#verified.set(token, claims);
    return claims;
  }

  /** What the token is bound to must still be there: a token ends with its pod, and with its account. */
  #userOf({ jti, "kubernetes.io": { namespace, serviceaccount, pod, secret, node } }: Claims): UserInfo {
    const account = this.#cluster.get(serviceaccounts, namespace, serviceaccount.name);
    if (!account) throw notFoundError({ group: "", resource: "serviceaccounts" }, serviceaccount.name);
    if (account.metadata.uid !== serviceaccount.uid) throw new Error(`service account UID (${account.metadata.uid ?? ""}) does not match claim (${serviceaccount.uid ?? ""})`);
    if (this.#isDeleted(account)) throw new Error(`service account ${namespace}/${serviceaccount.name} has been deleted`);
    if (secret) this.#checkBound("secret", secrets, namespace, secret);
    if (pod) this.#checkBound("pod", pods, namespace, pod);
    else if (node) this.#checkBound("node", nodes, "", node);
    const extra: Readonly<Record<string, readonly string[]>> = {
      ...(jti !== undefined && { [credentialIdKey]: [`JTI=${jti}`] }),
      ...(node && { "authentication.kubernetes.io/node-name": [node.name], ...(node.uid !== undefined && { "authentication.kubernetes.io/node-uid": [node.uid] }) }),
      ...(pod && { "authentication.kubernetes.io/pod-name": [pod.name], "authentication.kubernetes.io/pod-uid": [pod.uid ?? ""] }),
    };
    return { name: serviceAccountName(namespace, serviceaccount.name), ...(serviceaccount.uid !== undefined && { uid: serviceaccount.uid }), groups: serviceAccountGroups(namespace), ...(Object.keys(extra).length > 0 && { extra }) };
  }

  #checkBound(what: string, type: ResourceType, namespace: string, { name, uid }: Reference): void {
    const found = this.#cluster.get(type, namespace, name);
    if (!found || this.#isDeleted(found)) throw new Error("service account token has been invalidated");
    if (found.metadata.uid !== uid) throw new Error(`${what} UID (${found.metadata.uid ?? ""}) does not match service account ${what} ref claim (${uid ?? ""})`);
  }

  #isDeleted({ metadata: { deletionTimestamp } }: KubeObject): boolean {
    return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < this.#clock.now() - leewaySeconds * 1_000;
  }

  #boundTo({ apiVersion = "", kind: boundKind = "", name = "", uid: wanted = "" }: BoundObjectReference, namespace: string, serviceAccount: string): Pick<PrivateClaims, "pod" | "node" | "secret"> {
    const core = apiVersion === "v1" || apiVersion === "";
    const type: ResourceType | undefined = core ? [pods, nodes, secrets].find((each) => each.kind === boundKind) : undefined;
    if (!type) throw badRequest(`cannot bind token to object of type ${apiVersion === "" ? "/" : apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${boundKind}`);
    const found = this.#cluster.get(type, type.namespaced ? namespace : "", name);
    if (!found) throw notFoundError({ group: "", resource: type.plural }, name);
    if (boundKind === "Pod" && (found as Pod).spec?.serviceAccountName !== serviceAccount) {
      throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(serviceAccount)} to pod running with different serviceaccount name.`);
    }
    const uid = found.metadata.uid ?? "";
    if (wanted !== "" && wanted !== uid) {
      throw conflict({ group: "", resource: boundKind }, name, `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`);
    }
    const reference: Reference = { name, uid };
    if (boundKind === "Secret") return { secret: reference };
    if (boundKind === "Node") return { node: reference };
    const nodeName = (found as Pod).spec?.nodeName ?? "";
    const nodeUid = this.#cluster.get(nodes, "", nodeName)?.metadata.uid;
    return { ...(nodeName !== "" && { node: { name: nodeName, ...(nodeUid !== undefined && { uid: nodeUid }) } }), pod: reference };
  }
}

const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;

function checkMetadata({ metadata }: TokenRequest, namespace: string, name: string): void {
  if ((metadata.name ?? "") !== "" && metadata.name !== name) {
    throw invalidError(kind, name, [invalid("metadata.name", metadata.name, "must match the service account name if specified")]);
  }
  if ((metadata.namespace ?? "") !== "" && metadata.namespace !== namespace) {
    throw invalidError(kind, name, [invalid("metadata.namespace", metadata.namespace, "must match the service account namespace if specified")]);
  }
}

function checkExpiration(seconds: number): void {
  if (seconds < expirationSecondsMin) throw invalidError(kind, "", [invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")]);
  if (seconds > expirationSecondsMax) throw invalidError(kind, "", [invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")]);
}

function checkDates({ exp, nbf, iat }: Claims, nowSeconds: number): void {
  if (nowSeconds > exp + leewaySeconds) throw new Error("service account token has expired");
  if (nowSeconds < nbf - leewaySeconds) throw new Error("service account token is not valid yet");
  if (nowSeconds < iat - leewaySeconds) throw new Error("service account token is issued in the future");
}

/** We signed it, so it is what we make; the check is for keys that somebody else uses too. */
function wellFormed(claims: Readonly<Record<string, unknown>>): Claims {
  const { aud, exp, iat, nbf, "kubernetes.io": own } = claims;
  const bound = own as Partial<PrivateClaims> | undefined;
  const numbers = [exp, iat, nbf].every((value) => typeof value === "number");
  const list = typeof aud === "string" ? [aud] : aud;
  if (!numbers || !Array.isArray(list) || typeof bound?.namespace !== "string" || typeof bound.serviceaccount?.name !== "string") {
    throw new Error("service account token claims could not be validated due to unexpected validation error");
  }
  return { ...claims, aud: list } as unknown as Claims;
}
