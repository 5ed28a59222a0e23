import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from "node:crypto";

const blockPattern = /-----BEGIN ([^-]+)-----[\s\S]*?-----END \1-----/g;
interface Block { readonly type: string; readonly text: string }
const blocksOf = (text: string): readonly Block[] => [...text.matchAll(blockPattern)].map(([whole, type = ""]) => ({ type, text: whole }));
const typesOf = (blocks: readonly Block[]): string => `[${blocks.map(({ type }) => type).join(" ")}]`;

function certificateProblem(blocks: readonly Block[]): string | undefined {
  if (blocks.some(({ type }) => type === "CERTIFICATE")) return undefined;
  const [first] = blocks;
  if (first === undefined) return "tls: failed to find any PEM data in certificate input";
  return blocks.length === 1 && first.type.endsWith("PRIVATE KEY")
    ? "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
    : `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function keyProblem(blocks: readonly Block[]): string | undefined {
  if (blocks.some(({ type }) => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY"))) return undefined;
  const [first] = blocks;
  if (first === undefined) return "tls: failed to find any PEM data in key input";
  return blocks.length === 1 && first.type === "CERTIFICATE"
    ? "tls: found a certificate rather than a key in the PEM for the private key"
    : `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${typesOf(blocks)}`;
}

function publicKeyOf(text: string): KeyObject | undefined {
  try {
    return new X509Certificate(text).publicKey;
  } catch {
    return undefined;
  }
}
function privateKeyOf(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

/** Why a certificate and a key do not make a server's identity, in the words of Go's crypto/tls; nothing when they do. */
export function keyPairWarnings(certificatePem: string, keyPem: string): readonly string[] {
  const [certificates, keys] = [blocksOf(certificatePem), blocksOf(keyPem)];
  const problem = certificateProblem(certificates) ?? keyProblem(keys);
  if (problem !== undefined) return [problem];
  const certified = publicKeyOf(certificates.find(({ type }) => type === "CERTIFICATE")?.text ?? "");
  if (!certified) return ["x509: malformed certificate"];
  const key = privateKeyOf(keys.find(({ type }) => type.endsWith("PRIVATE KEY"))?.text ?? "");
  if (!key) return ["tls: failed to parse private key"];
  if (key.asymmetricKeyType !== certified.asymmetricKeyType) return ["tls: private key type does not match public key type"];
  return createPublicKey(key).equals(certified) ? [] : ["tls: private key does not match public key"];
}
