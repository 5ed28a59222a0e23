import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, type Extension, type JsonGeneralName, KeyUsageFlags,
  KeyUsagesExtension, Name, SubjectAlternativeNameExtension, SubjectKeyIdentifierExtension, X509CertificateGenerator, type JsonName,
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
/** An authority that is ready to sign. */
export interface Signer {
  readonly issuer: Name;
  readonly keys: CryptoKeyPair;
}
type CryptoKeyPair = Awaited<ReturnType<typeof generateKeys>>;

const generateKeys = () => webcrypto.subtle.generateKey(curve, true, ["sign", "verify"]);

function pem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
const derOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ""), "base64"));

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

/** An authority that signs itself; `keys` keeps the key of one that is renewed, so that everything it signed stays valid. */
export async function issueAuthority(commonName: string, { notBeforeMs, notAfterMs }: Validity, previousKeyPem?: string): Promise<PemPair> {
  const keys = previousKeyPem === undefined ? await generateKeys() : await keysOf(previousKeyPem);
  const subject = nameOf({ commonName, organizations: [] });
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject, issuer: subject, notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs), signingAlgorithm: signing,
    publicKey: keys.publicKey, signingKey: keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: await privateKeyPemOf(keys) };
}

async function keysOf(privateKeyPem: string): Promise<CryptoKeyPair> {
  const privateKey = await webcrypto.subtle.importKey("pkcs8", derOf(privateKeyPem), curve, true, ["sign"]);
  const { d: _secret, key_ops: _uses, ...jwk } = await webcrypto.subtle.exportKey("jwk", privateKey);
  return { privateKey, publicKey: await webcrypto.subtle.importKey("jwk", jwk, curve, true, ["verify"]) };
}

export const signerOf = async (commonName: string, authority: PemPair): Promise<Signer> => ({
  issuer: nameOf({ commonName, organizations: [] }), keys: await keysOf(authority.privateKeyPem),
});

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
    signingAlgorithm: signing, publicKey: keys.publicKey, signingKey: signer.keys.privateKey, extensions,
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: await privateKeyPemOf(keys) };
}

/** The key pair that signs service-account tokens (ES256). */
export async function generateKeyPair(): Promise<KeyPemPair> {
  const keys = await generateKeys();
  return { privateKeyPem: await privateKeyPemOf(keys), publicKeyPem: pem("PUBLIC KEY", await webcrypto.subtle.exportKey("spki", keys.publicKey)) };
}
