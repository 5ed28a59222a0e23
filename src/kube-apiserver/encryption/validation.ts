import { fieldErrorText, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { parseDurationMs } from "../../apimachinery/time.ts";
import { keyBytesOf, type KeyedProvider } from "../../storage/encryption/providers.ts";
import type { EncryptionConfiguration, KeysConfiguration, KmsConfiguration, ProviderConfiguration } from "./configuration.ts";
import { parseGroupResource } from "./group-resource.ts";

export const keyedProviders = ["aesgcm", "aescbc", "secretbox"] as const satisfies readonly KeyedProvider[];

/** What is wrong with a configuration, in upstream's words and order (apiserver/validation/validation_encryption.go). With `reload` the names of KMS providers are unique whatever their version. */
export function encryptionConfigurationErrors({ resources }: EncryptionConfiguration, { reload }: { readonly reload: boolean }): readonly FieldError[] {
  if (resources.length === 0) return [required("resources", "at least one resources is required")];
  const kmsNames = new Set<string>();
  return resources.flatMap((rule, i) => {
    const [r, p] = [`resources[${i}].resources`, `resources[${i}].providers`];
    return [
      ...(rule.resources.length === 0 ? [required(r, `at least one ${r} is required`)] : []),
      ...overlapErrors(rule.resources, r),
      ...rule.resources.flatMap((name, j) => nameErrors(name, `${r}[${j}]`)),
      ...(rule.providers.length === 0 ? [required(p, `at least one ${p} is required`)] : []),
      ...rule.providers.flatMap((provider, j) => providerErrors(provider, `${p}[${j}]`, kmsNames, reload)),
    ];
  });
}

/** One line with all that is wrong. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}

function overlapErrors(resources: readonly string[], field: string): readonly FieldError[] {
  const parsed = resources.map(parseGroupResource);
  let [overlap, duplicate] = [false, false];
  for (const [i, a] of parsed.entries()) {
    for (const [j, b] of parsed.entries()) {
      if (i === j) continue;
      // The first pair of equals is told as such; others overlap as well, as upstream has it.
      if (a.resource === b.resource && a.group === b.group && !duplicate) duplicate = true;
      else if (a.resource === "*" && a.group === "*") overlap = true;
      else if (a.group === b.group && (a.resource === "*" || b.resource === "*")) overlap = true;
    }
  }
  return [
    ...(duplicate ? [invalid(field, resources, "the same resource cannot be specified multiple times")] : []),
    ...(overlap ? [invalid(field, resources, "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked")] : []),
  ];
}

const withoutApi: ReadonlySet<string> = new Set(["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"]);

function nameErrors(name: string, field: string): readonly FieldError[] {
  const wrong = (detail: string) => [invalid(field, name, detail)];
  const { resource, group } = parseGroupResource(name);
  if (name.toLowerCase() !== name) return wrong("resource name should not contain capital letters");
  if (name === "*") return wrong("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources");
  if (withoutApi.has(name)) return wrong("resources which do not have REST API/s cannot be encrypted");
  if (group === "events.k8s.io") return wrong("'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file");
  if (group === "extensions") return wrong("'extensions' group has been removed and cannot be used for encryption");
  return group === "*" && resource !== "*" ? wrong("encrypting the same resource across groups is not supported") : [];
}

function providerErrors(provider: ProviderConfiguration, field: string, kmsNames: Set<string>, reload: boolean): readonly FieldError[] {
  const count = Object.keys(provider).length;
  const errors: FieldError[] = [];
  if (count === 0) errors.push(invalid(field, shown(provider), "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"));
  if (count > 1) errors.push(invalid(field, shown(provider), "more than one provider specified in a single element, should split into different list elements"));
  if (provider.kms) {
    errors.push(...kmsErrors(provider.kms, `${field}.kms`, kmsNames, reload));
    kmsNames.add(provider.kms.name);
    return errors;
  }
  const keyed = keyedProviders.find((each) => provider[each] !== undefined);
  return keyed ? [...errors, ...keysErrors(provider[keyed] ?? { keys: [] }, `${field}.${keyed}.keys`, keyBytesOf(keyed))] : errors;
}

/** A provider as Go prints its own form of it. Upstream shows the keys here; they stay out of our messages, which end in logs. */
function shown({ aesgcm, aescbc, secretbox, identity, kms }: ProviderConfiguration): unknown {
  const keys = (configuration: KeysConfiguration | undefined) => configuration ? { Keys: configuration.keys.map(({ name }) => ({ Name: name, Secret: "REDACTED" })) } : null;
  return {
    AESGCM: keys(aesgcm), AESCBC: keys(aescbc), Secretbox: keys(secretbox), Identity: identity ?? null,
    KMS: kms ? { APIVersion: kms.apiVersion, Name: kms.name, CacheSize: kms.cachesize ?? null, Endpoint: kms.endpoint, Timeout: kms.timeout } : null,
  };
}

function keysErrors({ keys }: KeysConfiguration, field: string, bytes: readonly number[]): readonly FieldError[] {
  if (keys.length === 0) return [required(field, "at least one keys is required")];
  return keys.flatMap(({ name, secret }, i) => [
    ...(name === "" ? [required(`${field}[${i}].name`, "name is a mandatory field for a key")] : []),
    ...secretErrors(secret, `${field}[${i}].secret`, bytes),
  ]);
}

function secretErrors(secret: string, field: string, bytes: readonly number[]): readonly FieldError[] {
  if (secret === "") return [required(field, "secret is a mandatory field for a key")];
  const decoded = decodeSecret(secret);
  if (!decoded) return [invalid(field, "REDACTED", "secrets must be base64 encoded")];
  return bytes.includes(decoded.length) ? [] : [invalid(field, "REDACTED", `secret is not of the expected length, got ${decoded.length}, expected one of [${bytes.join(" ")}]`)];
}

/** Base64 in its standard alphabet, padded; line ends do not count. */
export function decodeSecret(secret: string): Uint8Array | undefined {
  const plain = secret.replaceAll(/[\r\n]/g, "");
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain) ? Buffer.from(plain, "base64") : undefined;
}

function kmsErrors({ apiVersion, name, cachesize, endpoint, timeout }: KmsConfiguration, field: string, names: ReadonlySet<string>, reload: boolean): readonly FieldError[] {
  const v1 = apiVersion === "v1";
  return [
    ...(name === "" ? [required(`${field}.name`, "name is a mandatory field for a provider")] : []),
    ...(!v1 && name.includes(":") ? [invalid(`${field}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`)] : []),
    ...((reload || !v1) && names.has(name) ? [invalid(`${field}.name`, name, `duplicate KMS provider name ${name}, names must be unique`)] : []),
    ...(parseDurationMs(timeout) <= 0 ? [invalid(`${field}.timeout`, timeout, "timeout should be a positive value")] : []),
    ...endpointErrors(endpoint, `${field}.endpoint`),
    ...(!v1 && cachesize !== undefined ? [invalid(`${field}.cachesize`, cachesize, "cachesize is not supported in v2")] : []),
    ...(v1 && cachesize === 0 ? [invalid(`${field}.cachesize`, cachesize, "cachesize should be a positive value, or negative to disable")] : []),
    ...(v1 || apiVersion === "v2" ? [] : [invalid(`${field}.apiVersion`, apiVersion, "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported")]),
  ];
}


function endpointErrors(endpoint: string, field: string): readonly FieldError[] {
  if (endpoint === "") return [invalid(field, "", "endpoint is a mandatory field for a kms")];
  const unparsable = endpoint.startsWith(":") ? "missing protocol scheme" : /\p{Cc}/u.test(endpoint) ? "net/url: invalid control character in URL" : undefined;
  if (unparsable !== undefined) return [invalid(field, endpoint, `invalid endpoint for kms provider, error: parse ${JSON.stringify(endpoint)}: ${unparsable}`)];
  const scheme = /^([A-Za-z][-A-Za-z0-9+.]*):/.exec(endpoint)?.[1]?.toLowerCase() ?? "";
  return scheme === "unix" ? [] : [invalid(field, endpoint, `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`)];
}
