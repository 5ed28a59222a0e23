import { forbidden, invalid, notSupported, required, tooLong, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, labelSelectorErrors } from "../../../apimachinery/validation.ts";
import type { ClusterTrustBundleProjection, PodCertificateProjection, ProjectedVolumeSource, ServiceAccountTokenProjection } from "../../generated/core-v1.ts";
import { absent, fileMode, invalidEach, localNonReservedPath } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";
import { utf8Length } from "../../../stdx/bytes.ts";
import { validateDownwardFile, validateKeyToPath } from "./validation-volume-parts.ts";

const domainBytesMax = 253;
/** A domain, a slash, and what is signed: a domain, a dot and a label. */
const signerNameBytesMax = domainBytesMax + 1 + domainBytesMax + 1 + 63;
const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;
const keyTypes: readonly string[] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const certificateSecondsMin = 3600;
const certificateSecondsMax = 7_862_400;
const ownCertificateSecondsMax = 86_400;

function validateToken({ expirationSeconds = 0, path: file = "" }: ServiceAccountTokenProjection, path: string, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (expirationSeconds < tokenSecondsMin) errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes"));
  if (expirationSeconds > tokenSecondsMax) errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  if (file === "") errors.push(required(`${path}.path`));
  else addAll(errors, localNonReservedPath(`${path}.path`, file));
  return errors;
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, at: string): readonly FieldError[] {
  const { name, signerName, labelSelector } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined) {
    errors.push(invalid(at, bundle, "only one of name and signerName may be used"));
  } else if (name !== undefined) {
    if (name === "") errors.push(required(`${at}.name`, "must be a valid object name"));
    const plain = name.includes(":") ? name.slice(name.lastIndexOf(":") + 1) : name;
    for (const message of dns1123SubdomainErrors(plain)) errors.push(invalid(`${at}.name`, name, `not a valid clustertrustbundlename: ${message}`));
    if (labelSelector !== undefined) errors.push(invalid(`${at}.labelSelector`, labelSelector, "labelSelector must be unset if name is specified"));
  } else if (signerName !== undefined) {
    if (signerName === "") errors.push(required(`${at}.signerName`, "must be a valid signer name"));
    addAll(errors, validateSignerName(signerName, `${at}.signerName`));
    addAll(errors, labelSelectorErrors(`${at}.labelSelector`, labelSelector));
  } else {
    errors.push(required(at, "either name or signerName must be specified"));
  }
  if (absent(bundle.path)) errors.push(required(`${at}.path`));
  addAll(errors, localNonReservedPath(`${at}.path`, bundle.path ?? ""));
  return errors;
}

/** "example.com/signer": a domain of at least two labels, and what it signs. */
export function validateSignerName(name: string, path: string): readonly FieldError[] {
  if (name === "") return [required(path)];
  const segments = name.split("/");
  if (segments.length !== 2) return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain = "", part = ""] = segments;
  const errors: FieldError[] = [];
  const badLabel = domain.split(".").find((label) => dns1123LabelErrors(label).length > 0);
  if (utf8Length(domain) > domainBytesMax) errors.push(tooLong(path, domainBytesMax));
  if (badLabel !== undefined) addAll(errors, invalidEach(path, domain, dns1123LabelErrors(badLabel).map((message) => `validating label ${JSON.stringify(badLabel)}: ${message}`)));
  if (domain.split(".").length < 2) errors.push(invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  const badPart = part.split(".").find((label) => dns1123SubdomainErrors(label).length > 0);
  if (badPart !== undefined) addAll(errors, invalidEach(path, part, dns1123SubdomainErrors(badPart).map((message) => `validating label ${JSON.stringify(badPart)}: ${message}`)));
  if (utf8Length(name) > signerNameBytesMax) errors.push(tooLong(path, signerNameBytesMax));
  return errors;
}

function validateCertificate(certificate: PodCertificateProjection, at: string): readonly FieldError[] {
  const { signerName, keyType, maxExpirationSeconds } = certificate;
  const errors: FieldError[] = [];
  addAll(errors, validateSignerName(signerName ?? "", `${at}.signerName`));
  if (!keyTypes.includes(keyType)) errors.push(notSupported(`${at}.keyType`, keyType ?? "", keyTypes));
  if (maxExpirationSeconds !== undefined) {
    const max = (signerName ?? "").startsWith("kubernetes.io/") ? ownCertificateSecondsMax : certificateSecondsMax;
    if (maxExpirationSeconds < certificateSecondsMin) errors.push(invalid(`${at}.maxExpirationSeconds`, maxExpirationSeconds, "if provided, maxExpirationSeconds must be >= 3600"));
    if (maxExpirationSeconds > max) errors.push(invalid(`${at}.maxExpirationSeconds`, maxExpirationSeconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  }
  return errors;
}

/** Found to be without fault before. Nearly every pod has the same one, for its service account's token, and it is one object. */
const sound = new WeakSet<ProjectedVolumeSource>();

export function validateProjectedSource(source: ProjectedVolumeSource, path: string): readonly FieldError[] {
  if (sound.has(source)) return [];
  let faults = 0;
  const errors: FieldError[] = [];
  for (const error of projectedSourceErrors(source, path)) {
    faults++;
    errors.push(error);
  }
  if (faults === 0) sound.add(source);
  return errors;
}

/** Several sources in one volume; no two of them may write the same file. */
function projectedSourceErrors({ defaultMode, sources = [] }: ProjectedVolumeSource, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, fileMode(`${path}.defaultMode`, defaultMode));
  const files = new Set<string>();
  const claim = (file: string | undefined, value: unknown): readonly FieldError[] => {
    if (absent(file)) return [];
    const errors: FieldError[] = [];
    if (files.has(file)) errors.push(invalid(path, value, "conflicting duplicate paths"));
    files.add(file);
    return errors;
  };

  for (const [index, source] of sources.entries()) {
    const at = `${path}.sources[${index}]`;
    for (const kind of ["secret", "configMap"] as const) {
      const keyed = source[kind];
      if (!keyed) continue;
      if (absent(keyed.name)) errors.push(required(`${at}.${kind}.name`));
      for (const [itemIndex, item] of (keyed.items ?? []).entries()) {
        addAll(errors, validateKeyToPath(item, `${at}.${kind}.items[${itemIndex}]`));
        addAll(errors, claim(item.path, keyed.name));
      }
    }
    for (const file of source.downwardAPI?.items ?? []) {
      addAll(errors, validateDownwardFile(file, `${at}.downwardAPI`));
      addAll(errors, claim(file.path, file.path));
    }
    if (source.serviceAccountToken) addAll(errors, validateToken(source.serviceAccountToken, path, `${at}.serviceAccountToken`));
    if (source.clusterTrustBundle) {
      addAll(errors, validateTrustBundle(source.clusterTrustBundle, `${at}.clusterTrustBundle`));
      addAll(errors, claim(source.clusterTrustBundle.path, source.clusterTrustBundle.path));
    }
    if (source.podCertificate) {
      addAll(errors, validateCertificate(source.podCertificate, `${at}.podCertificate`));
      const paths = (["credentialBundlePath", "keyPath", "certificateChainPath"] as const).filter((field) => !absent(source.podCertificate?.[field]));
      for (const field of paths) {
        const file = source.podCertificate[field] ?? "";
        addAll(errors, localNonReservedPath(`${at}.podCertificate.${field}`, file));
        addAll(errors, claim(file, file));
      }
      if (paths.length === 0) errors.push(required(`${at}.podCertificate`, "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"));
    }
    const kinds = (["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"] as const).filter((kind) => source[kind]);
    if (kinds.length > 1) errors.push(forbidden(at, "may not specify more than 1 volume type per source"));
  }
  return errors;
}
