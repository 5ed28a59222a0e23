import { createPublicKey, verify, X509Certificate } from "node:crypto";

interface Block { readonly type: string; readonly headers: boolean; readonly der: Buffer }
const blockPattern = /-----BEGIN ([^-\n]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

function blocksOf(pem: string): readonly Block[] {
  return [...pem.matchAll(blockPattern)].map(([, type = "", body = ""]) => ({ type, headers: body.includes(":"), der: Buffer.from(body.replace(/^.*:.*$/gm, ""), "base64") }));
}

/** One value of DER: where it starts, where its content does, and where it ends. */
interface Element { readonly tag: number; readonly start: number; readonly content: number; readonly end: number }

function elementAt(der: Buffer, start: number): Element {
  const tag = der.readUInt8(start);
  const short = der.readUInt8(start + 1);
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (lengthBytes > 4 || short === 0x80) throw new RangeError("asn1: structure error: length too large");
  const content = start + 2 + lengthBytes;
  const length = lengthBytes === 0 ? short : der.readUIntBE(start + 2, lengthBytes);
  if (content + length > der.length) throw new RangeError("asn1: syntax error: data truncated");
  return { tag, start, content, end: content + length };
}
function childrenOf(der: Buffer, { content, end }: Element): readonly Element[] {
  const children: Element[] = [];
  for (let at = content; at < end; ) {
    const child = elementAt(der, at);
    children.push(child);
    at = child.end;
  }
  return children;
}

/** Algorithms of signatures by their object identifiers in hexadecimal; null where the key says which hash. */
const hashes: Readonly<Record<string, { readonly hash: string | null; readonly failure: string }>> = {
  "2a864886f70d01010b": { hash: "sha256", failure: "crypto/rsa: verification error" },
  "2a864886f70d01010c": { hash: "sha384", failure: "crypto/rsa: verification error" },
  "2a864886f70d01010d": { hash: "sha512", failure: "crypto/rsa: verification error" },
  "2a8648ce3d040302": { hash: "sha256", failure: "x509: ECDSA verification failure" },
  "2a8648ce3d040303": { hash: "sha384", failure: "x509: ECDSA verification failure" },
  "2a8648ce3d040304": { hash: "sha512", failure: "x509: ECDSA verification failure" },
  "2b6570": { hash: null, failure: "x509: Ed25519 verification failure" },
};

function signatureProblem(der: Buffer): string | undefined {
  const whole = elementAt(der, 0);
  if (whole.end !== der.length) return "asn1: syntax error: trailing data";
  const [info, algorithm, signature] = childrenOf(der, whole);
  const [, , key] = info ? childrenOf(der, info) : [];
  const [identifier] = algorithm ? childrenOf(der, algorithm) : [];
  if (!info || !key || !identifier || !signature) return "asn1: structure error: sequence truncated";
  const known = hashes[der.subarray(identifier.content, identifier.end).toString("hex")];
  if (!known) return "x509: cannot verify signature: algorithm unimplemented";
  const publicKey = createPublicKey({ key: der.subarray(key.start, key.end), format: "der", type: "spki" });
  // The first byte of a bit string says how many bits of the last one are not used.
  const valid = verify(known.hash, der.subarray(info.start, info.end), publicKey, der.subarray(signature.content + 1, signature.end));
  return valid ? undefined : known.failure;
}

/** What is wrong with a PKCS#10 request in PEM (RFC 2986): its form, or its signature. */
export function requestProblem(pem: string): string | undefined {
  const [block] = blocksOf(pem);
  if (block?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  try {
    return signatureProblem(block.der);
  } catch (error) {
    return error instanceof RangeError && error.message.startsWith("asn1") ? error.message : "asn1: syntax error: data truncated";
  }
}

/** What is wrong with an issued chain of certificates; none at all is fine. */
export function certificatesProblem(pem: string): string | undefined {
  if (pem === "") return undefined;
  const blocks = blocksOf(pem);
  for (const { type, headers, der } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (headers) return "no PEM block headers are permitted";
    if (der.length === 0) return "found CERTIFICATE PEM block containing 0 certificates";
    try {
      new X509Certificate(der);
    } catch {
      return "x509: malformed certificate";
    }
  }
  return blocks.length === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}
