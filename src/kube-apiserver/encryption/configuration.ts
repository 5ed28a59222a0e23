import { parseJsonStrict } from "../../apimachinery/json.ts";
import type { FieldSchema, ObjectSchema, SchemaLookup } from "../../apimachinery/schema.ts";
import { decodeStrict } from "../../apimachinery/strict-decoding.ts";
import { parseYamlStrict } from "../../apimachinery/yaml.ts";

/** What is encrypted at rest, and how: upstream's EncryptionConfiguration (apiserver.config.k8s.io/v1). */
export interface EncryptionConfiguration {
  /** Earlier ones count before later ones. */
  readonly resources: readonly ResourceRule[];
}

export interface ResourceRule {
  /** "secrets", "deployments.apps", "*.apps", "*." (all of the core group), "*.*". */
  readonly resources: readonly string[];
  /** The first writes, all read. Exactly one field of each is set. */
  readonly providers: readonly ProviderConfiguration[];
}

export interface ProviderConfiguration {
  readonly aesgcm?: KeysConfiguration;
  readonly aescbc?: KeysConfiguration;
  readonly secretbox?: KeysConfiguration;
  readonly identity?: object;
  readonly kms?: KmsConfiguration;
}

export interface KeysConfiguration {
  readonly keys: readonly { readonly name: string; /** In base64. */ readonly secret: string }[];
}

export interface KmsConfiguration {
  readonly apiVersion: string;
  readonly name: string;
  readonly cachesize?: number;
  readonly endpoint: string;
  /** As Go writes durations: "3s". */
  readonly timeout: string;
}

const text: FieldSchema = { type: { is: "scalar", type: "string" } };
const listOf = (name: string): FieldSchema => ({ type: { is: "list", of: { is: "ref", name } } });
const ref = (name: string): FieldSchema => ({ type: { is: "ref", name } });
const types: Readonly<Record<string, ObjectSchema["fields"]>> = {
  "v1.EncryptionConfiguration": { kind: text, apiVersion: text, resources: listOf("v1.ResourceConfiguration") },
  "v1.ResourceConfiguration": { resources: { type: { is: "list", of: text.type } }, providers: listOf("v1.ProviderConfiguration") },
  "v1.ProviderConfiguration": {
    aesgcm: ref("v1.AESConfiguration"), aescbc: ref("v1.AESConfiguration"), secretbox: ref("v1.SecretboxConfiguration"), identity: ref("v1.IdentityConfiguration"), kms: ref("v1.KMSConfiguration"),
  },
  "v1.AESConfiguration": { keys: listOf("v1.Key") },
  "v1.SecretboxConfiguration": { keys: listOf("v1.Key") },
  "v1.Key": { name: text, secret: text },
  "v1.IdentityConfiguration": {},
  "v1.KMSConfiguration": {
    apiVersion: text, name: text, endpoint: text, cachesize: { type: { is: "scalar", type: "integer", format: "int32" }, pointer: true },
    timeout: { type: { is: "special", type: "Duration", name: "io.k8s.apimachinery.pkg.apis.meta.v1.Duration" } },
  },
};
const schemas: SchemaLookup = {
  type: (name) => (types[name] ? { name, fields: types[name] } : undefined),
  kind: () => undefined,
};

const group = "apiserver.config.k8s.io/v1";
/** Other files of API servers, which somebody may have taken for this one. */
const otherKinds: ReadonlySet<string> = new Set(["AdmissionConfiguration", "AuthenticationConfiguration", "AuthorizationConfiguration", "TracingConfiguration"]);
/** Where upstream registers its kinds, which its message names. */
const scheme = "k8s.io/apiserver/pkg/server/options/encryptionconfig/config.go:142";

type Raw<T> = { readonly [K in keyof T]?: T[K] extends readonly (infer Item)[] ? readonly Raw<Item>[] : T[K] extends object | undefined ? Raw<NonNullable<T[K]>> : T[K] };

/** Reads the text of a file, in YAML or JSON, strictly. Keys never show in messages. @throws {Error} in upstream's words. */
export function parseEncryptionConfiguration(content: string): EncryptionConfiguration {
  const asJson = /^\s*\{/.test(content) ? parseJsonStrict(content) : undefined;
  const asYaml = asJson ? undefined : parseYamlStrict(content);
  const value = asJson ? asJson.value : asYaml?.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct { APIVersion string; Kind string }");
  const { kind = "", apiVersion = "" } = value as { readonly kind?: unknown; readonly apiVersion?: unknown };
  if (typeof kind !== "string" || kind === "") throw new Error("Object 'Kind' is missing");
  if (typeof apiVersion !== "string" || apiVersion === "") throw new Error("Object 'apiVersion' is missing");
  // The second was in the documentation once.
  if (!(apiVersion === group && kind === "EncryptionConfiguration") && !(apiVersion === "v1" && kind === "EncryptionConfig")) {
    if (apiVersion === group && otherKinds.has(kind)) throw new WrongKindError(`got unexpected config type: ${group}, Kind=${kind}`);
    throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme ${JSON.stringify(scheme)}`);
  }
  const { object, strict } = decodeStrict(value, { name: "v1.EncryptionConfiguration", fields: types["v1.EncryptionConfiguration"] ?? {} }, { schemas, ...(asJson?.duplicates && { duplicates: asJson.duplicates }) });
  const complaints = [...(asYaml?.duplicates ?? []), ...strict];
  if (complaints.length > 0) throw new Error(`strict decoding error: ${complaints.join(", ")}`);
  return completed(object);
}

/** It is a configuration, of something else: said without the name of the file before it. */
export class WrongKindError extends Error {
  override readonly name = "WrongKindError";
}

/** What decoding leaves out because it is empty is put back, and upstream's defaults are filled in. */
function completed({ resources = [] }: Raw<EncryptionConfiguration>): EncryptionConfiguration {
  return { resources: resources.map((rule) => ({ resources: (rule.resources ?? []) as readonly string[], providers: (rule.providers ?? []).map(completedProvider) })) };
}

function completedProvider({ aesgcm, aescbc, secretbox, identity, kms }: Raw<ProviderConfiguration>): ProviderConfiguration {
  return {
    ...(aesgcm && { aesgcm: completedKeys(aesgcm) }), ...(aescbc && { aescbc: completedKeys(aescbc) }), ...(secretbox && { secretbox: completedKeys(secretbox) }), ...(identity && { identity }),
    ...(kms && { kms: {
      apiVersion: kms.apiVersion ?? "v1", name: kms.name ?? "", endpoint: kms.endpoint ?? "", timeout: kms.timeout ?? "3s",
      ...(kms.cachesize !== undefined ? { cachesize: kms.cachesize } : (kms.apiVersion ?? "v1") === "v1" && { cachesize: 1000 }),
    } }),
  };
}

const completedKeys = ({ keys = [] }: Raw<KeysConfiguration>): KeysConfiguration => ({ keys: keys.map(({ name = "", secret = "" }) => ({ name, secret })) });
