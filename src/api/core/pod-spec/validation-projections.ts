import { forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, labelSelectorErrors } from "../../../apimachinery/validation.ts";
import type { ClusterTrustBundleProjection, PodCertificateProjection, ProjectedVolumeSource, ServiceAccountTokenProjection } from "../../generated/core-v1.ts";
import { absent, fileMode, invalidEach, localNonReservedPath } from "../../checks.ts";
import { validateDownwardFile, validateKeyToPath } from "./validation-volume-parts.ts";

const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;
const keyTypes: readonly string[] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const certificateSecondsMin = 3600;
const certificateSecondsMax = 7_862_400;
const ownCertificateSecondsMax = 86_400;

function* validateToken({ expirationSeconds = 0, path: file = "" }: ServiceAccountTokenProjection, path: string, at: string): Generator<FieldError> {
  if (expirationSeconds < tokenSecondsMin) yield invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes");
  if (expirationSeconds > tokenSecondsMax) yield invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration larger than 2^32 seconds");
  if (file === "") yield required(`${path}.path`);
  else yield* localNonReservedPath(`${path}.path`, file);
}

function* validateTrustBundle(bundle: ClusterTrustBundleProjection, at: string): Generator<FieldError> {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    yield invalid(at, bundle, "only one of name and signerName may be used");
  } else if (name !== undefined) {
    if (name === "") yield required(`${at}.name`, "must be a valid object name");
    const plain = name.includes(":") ? name.slice(name.lastIndexOf(":") + 1) : name;
    for (const message of dns1123SubdomainErrors(plain)) yield invalid(`${at}.name`, name, `not a valid clustertrustbundlename: ${message}`);
    if (labelSelector !== undefined) yield invalid(`${at}.labelSelector`, labelSelector, "labelSelector must be unset if name is specified");
  } else if (signerName !== undefined) {
    if (signerName === "") yield required(`${at}.signerName`, "must be a valid signer name");
    yield* validateSignerName(signerName, `${at}.signerName`);
    yield* labelSelectorErrors(`${at}.labelSelector`, labelSelector);
  } else {
    yield required(at, "either name or signerName must be specified");
  }
  if (absent(bundle.path)) yield required(`${at}.path`);
  yield* localNonReservedPath(`${at}.path`, bundle.path ?? "");
}

/** "example.com/signer": a domain of at least two labels, and what it signs. */
export function* validateSignerName(name: string, path: string): Generator<FieldError> {
  if (name === "") return yield required(path);
  const segments = name.split("/");
  if (segments.length !== 2) return yield invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  const [domain = "", part = ""] = segments;
  yield* invalidEach(path, domain, dns1123SubdomainErrors(domain).map((message) => `validating label ${JSON.stringify(domain)}: ${message}`));
  if (domain.split(".").length < 2) yield invalid(path, domain, "should be a domain with at least two segments separated by dots");
  yield* invalidEach(path, part, dns1123SubdomainErrors(part.replaceAll(/[A-Z_]/g, "a")).map((message) => `validating label ${JSON.stringify(part)}: ${message}`));
}

function* validateCertificate(certificate: PodCertificateProjection, at: string): Generator<FieldError> {
  const { signerName, keyType, maxExpirationSeconds } = certificate;
  yield* validateSignerName(signerName ?? "", `${at}.signerName`);
  if (!keyTypes.includes(keyType)) yield notSupported(`${at}.keyType`, keyType ?? "", keyTypes);
  if (maxExpirationSeconds !== undefined) {
    const max = (signerName ?? "").startsWith("kubernetes.io/") ? ownCertificateSecondsMax : certificateSecondsMax;
    if (maxExpirationSeconds < certificateSecondsMin) yield invalid(`${at}.maxExpirationSeconds`, maxExpirationSeconds, "if provided, maxExpirationSeconds must be >= 3600");
    if (maxExpirationSeconds > max) yield invalid(`${at}.maxExpirationSeconds`, maxExpirationSeconds, `if provided, maxExpirationSeconds must be <= ${max}`);
  }
}

/** Found to be without fault before. Nearly every pod has the same one, for its service account's token, and it is one object. */
const sound = new WeakSet<ProjectedVolumeSource>();

export function* validateProjectedSource(source: ProjectedVolumeSource, path: string): Generator<FieldError> {
  if (sound.has(source)) return;
  let faults = 0;
  for (const error of projectedSourceErrors(source, path)) {
    faults++;
    yield error;
  }
  if (faults === 0) sound.add(source);
}

/** Several sources in one volume; no two of them may write the same file. */
function* projectedSourceErrors({ defaultMode, sources = [] }: ProjectedVolumeSource, path: string): Generator<FieldError> {
  yield* fileMode(`${path}.defaultMode`, defaultMode);
  const files = new Set<string>();
  const claim = function* (file: string | undefined, value: unknown): Generator<FieldError> {
    if (absent(file)) return;
    if (files.has(file)) yield invalid(path, value, "conflicting duplicate paths");
    files.add(file);
  };

  for (const [index, source] of sources.entries()) {
    const at = `${path}.sources[${index}]`;
    for (const kind of ["secret", "configMap"] as const) {
      const keyed = source[kind];
      if (!keyed) continue;
      if (absent(keyed.name)) yield required(`${at}.${kind}.name`);
      for (const [itemIndex, item] of (keyed.items ?? []).entries()) {
        yield* validateKeyToPath(item, `${at}.${kind}.items[${itemIndex}]`);
        yield* claim(item.path, keyed.name);
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      yield* validateDownwardFile(file, `${at}.downwardAPI`);
      yield* claim(file.path, file.path);
    }
    if (source.serviceAccountToken) yield* validateToken(source.serviceAccountToken, path, `${at}.serviceAccountToken`);
    if (source.clusterTrustBundle) {
      yield* validateTrustBundle(source.clusterTrustBundle, `${at}.clusterTrustBundle`);
      yield* claim(source.clusterTrustBundle.path, source.clusterTrustBundle.path);
    }
    if (source.podCertificate) {
      yield* validateCertificate(source.podCertificate, `${at}.podCertificate`);
      const paths = (["credentialBundlePath", "keyPath", "certificateChainPath"] as const).filter((field) => !absent(source.podCertificate?.[field]));
      for (const field of paths) {
        const file = source.podCertificate[field] ?? "";
        yield* localNonReservedPath(`${at}.podCertificate.${field}`, file);
        yield* claim(file, file);
      }
      if (paths.length === 0) yield required(`${at}.podCertificate`, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath");
    }
    const kinds = (["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"] as const).filter((kind) => source[kind]);
    if (kinds.length > 1) yield forbidden(at, "may not specify more than 1 volume type per source");
  }
}
