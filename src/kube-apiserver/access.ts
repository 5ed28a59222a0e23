import type { X509Certificate } from "node:crypto";
import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import type { Soon } from "../stdx/soon.ts";

/** Who makes a request, as proved by an authenticator. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What of a request may prove an identity. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly peerCertificate?: X509Certificate | undefined;
}

export interface Authenticator {
  /**
   * Undefined when no credentials were given: whether that is an anonymous user is decided where authenticators are composed.
   * @throws {StatusError} Unauthorized for bad credentials, at once where nothing is waited for.
   */
  authenticate(request: Credentials): Soon<UserInfo | undefined>;
}

/** What somebody wants to do, in the words that authorizers know. Fields that do not apply are "". */
export interface Attributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly path: string;
  readonly isResourceRequest: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  readonly decision: "allow" | "deny" | "noOpinion";
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Soon<Decision>;
}

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly type: ResourceType;
  /** "" for the resource itself. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** What would be stored (or the options of a CONNECT, or the body of a create-only subresource such as a Binding); absent on DELETE. */
  readonly object?: KubeObject;
  /** What is stored now; absent on CREATE and CONNECT. */
  readonly oldObject?: KubeObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly options?: unknown;
  /** Tells the client something in a `Warning` header; the request goes on. */
  readonly warn?: (text: string) => void;
}

/** Changes or refuses what is about to be stored. Plugins run in the order in which they are given: all that mutate, then all that validate. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Depends on nothing but these: it is asked once for each combination, and the answer is kept. */
  handles(operation: AdmissionOperation, type: ResourceType, subresource: string): boolean;
  /** The object to go on with; the same one when nothing is to change. Called only when the request has an object. */
  mutate?(request: AdmissionRequest): Promise<KubeObject> | KubeObject;
  /** @throws {StatusError} when the request is refused. */
  validate?(request: AdmissionRequest): Promise<void> | void;
}

/** Views on the server's own watch cache, at hand without waiting: for plugins and authorizers. */
export interface ClusterReader {
  get<T extends KubeObject>(type: ResourceType<T>, namespace: string, name: string): T | undefined;
  list<T extends KubeObject>(type: ResourceType<T>, namespace?: string): readonly T[];
  /** A number that is another one when any object of this type has changed: who keeps what was made of a list need not look at the list again. Absent: that cannot be told. */
  lastChange?(type: ResourceType): number;
}

/** Answers TokenRequests (`serviceaccounts/token`). */
export interface TokenIssuer {
  /** `request` is the TokenRequest that the client sent; the answer is the same with its status. @throws {StatusError} */
  issue(options: { readonly namespace: string; readonly serviceAccount: string; readonly request: KubeObject; readonly user: UserInfo }): Promise<KubeObject>;
}

/** A kind that is only ever answered, never stored: TokenReview, SubjectAccessReview and their family. */
export interface VirtualResource {
  readonly type: ResourceType;
  /** @throws {StatusError} */
  create(options: { readonly object: KubeObject; readonly user: UserInfo; readonly namespace: string; readonly dryRun: boolean }): Promise<KubeObject> | KubeObject;
}
