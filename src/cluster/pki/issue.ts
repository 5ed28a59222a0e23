import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, type Extension, type JsonGeneralName, KeyUsageFlags,
  KeyUsagesExtension, Name, SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509Certificate, X509CertificateGenerator, type JsonName,
} from "@peculiar/x509";
import type { Subject } from "./subject.ts";

/**
 * Makes keys and certificates. This is the one file that loads the X.509 library, which takes about 40 ms: it is imported only when there is
 * something to issue.
 */
const curve = { name: "ECDSA", namedCurve: "P-256" } as const;
const signing = { name: "ECDSA", hash: "SHA-256" } as const;

export interface PemPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}
export interface KeyPemPair {
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
type CryptoKeyPair = Awaited<ReturnType<typeof generateKeys>>;
interface SigningKeys {
  readonly keys: CryptoKeyPair;
  readonly signingAlgorithm: { readonly name: string; readonly hash: string };
}
/** An authority that is ready to sign. */
export interface Signer extends SigningKeys {
  readonly issuer: Name;
}

const generateKeys = () => webcrypto.subtle.generateKey(curve, true, ["sign", "verify"]);

function pem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

const privateKeyPemOf = async (keys: CryptoKeyPair): Promise<string> => pem("PRIVATE KEY", await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));

/** 128 random bits; the top bit is cleared, because serial numbers are positive. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

const nameOf = ({ commonName, organizations }: Pick<Subject, "commonName" | "organizations">): Name => {
  const parts: JsonName = [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
  return new Name(parts);
};

/** An authority that signs itself; one that is renewed keeps its key and its name, so that everything it signed stays valid. */
export async function issueAuthority(commonName: string, { notBeforeMs, notAfterMs }: Validity, previous?: PemPair): Promise<PemPair> {
  const { keys, signingAlgorithm } = previous === undefined ? { keys: await generateKeys(), signingAlgorithm: signing } : await keysOf(previous.privateKeyPem);
  const subject = previous === undefined ? nameOf({ commonName, organizations: [] }) : subjectOf(previous);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject, issuer: subject, notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs), signingAlgorithm,
    publicKey: keys.publicKey, signingKey: keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: await privateKeyPemOf(keys) };
}

/** By the curve's name in OpenSSL. */
const curves: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" }, secp384r1: { namedCurve: "P-384", hash: "SHA-384" }, secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

/** Authorities that others have made (kubeadm's have RSA keys, in the older form of PEM) sign as they are. @throws {TypeError} for a key of another sort. */
async function keysOf(privateKeyPem: string): Promise<SigningKeys> {
  const key = createPrivateKey(privateKeyPem);
  const known = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (key.asymmetricKeyType !== "rsa" && !known) throw new TypeError(`certificates are signed with keys of RSA or of a NIST curve, not of ${key.asymmetricKeyType}`);
  const kind = known ? { name: "ECDSA", namedCurve: known.namedCurve } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const [pkcs8, spki] = [key.export({ type: "pkcs8", format: "der" }), createPublicKey(key).export({ type: "spki", format: "der" })].map((der) => Uint8Array.from(der));
  const [privateKey, publicKey] = await Promise.all([webcrypto.subtle.importKey("pkcs8", pkcs8 ?? new Uint8Array(), kind, true, ["sign"]), webcrypto.subtle.importKey("spki", spki ?? new Uint8Array(), kind, true, ["verify"])]);
  return { keys: { privateKey, publicKey }, signingAlgorithm: { name: kind.name, hash: known?.hash ?? "SHA-256" } };
}

/** Byte for byte as it stands in the certificate: clients written in Go compare names so, and take "kubernetes" as UTF8String and as PrintableString for two. */
const subjectOf = ({ certificatePem }: Pick<PemPair, "certificatePem">): Name => new X509Certificate(certificatePem).subjectName;

export const signerOf = async (authority: PemPair): Promise<Signer> => ({ issuer: subjectOf(authority), ...await keysOf(authority.privateKeyPem) });

/** A certificate with a key of its own, signed by `signer`. */
export async function issueCertificate(subject: Subject, { notBeforeMs, notAfterMs }: Validity, signer: Signer): Promise<PemPair> {
  const keys = await generateKeys();
  const names: JsonGeneralName[] = [
    ...subject.dnsNames.map((value) => ({ type: "dns" as const, value })), ...subject.ips.map((value) => ({ type: "ip" as const, value })),
  ];
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new ExtendedKeyUsageExtension(subject.usages.map((usage) => (usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth))),
    await AuthorityKeyIdentifierExtension.create(signer.keys.publicKey),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
  ];
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject: nameOf(subject), issuer: signer.issuer, notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs),
    signingAlgorithm: signer.signingAlgorithm, publicKey: keys.publicKey, signingKey: signer.keys.privateKey, extensions,
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: await privateKeyPemOf(keys) };
}

/** The key pair that signs service-account tokens (ES256). */
export async function generateKeyPair(): Promise<KeyPemPair> {
  const keys = await generateKeys();
  return { privateKeyPem: await privateKeyPemOf(keys), publicKeyPem: pem("PUBLIC KEY", await webcrypto.subtle.exportKey("spki", keys.publicKey)) };
}
