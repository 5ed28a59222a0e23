import { createHash } from "node:crypto";
import { codecs } from "../../../stdx/grpc.ts";
import { aggregate } from "../prefixes.ts";
import type { Annotations } from "./plugin.ts";

/** What the plaintext of the key source is: the key itself (written before 1.29 only), or the seed from which each value's key is derived. */
export const sourceTypes = { aesGcmKey: 0, hkdfSeed: 1 } as const;

/** How a value lies in the store behind `k8s:enc:kms:v2:<provider>:` (upstream's EncryptedObject, in protobuf). */
export interface EncryptedObject {
  readonly encryptedData: Uint8Array;
  /** The plugin's key that has encrypted the source. */
  readonly keyId: string;
  readonly encryptedSource: Uint8Array;
  /** Of the plugin's own, handed back to it for decryption. */
  readonly annotations: Annotations;
  readonly sourceType: number;
}

const annotationsBytesMax = 32 * 1024;
const keyIdBytesMax = 1024;
const encryptedSourceBytesMax = 1024;

// The last one is an enumeration, which on the wire is a number; unknown ones must be told, not dropped.
const { encode, decode } = codecs(JSON.stringify({ nested: { EncryptedObject: { fields: {
  encryptedData: { id: 1, type: "bytes" }, keyId: { id: 2, type: "string" }, encryptedSource: { id: 3, type: "bytes" },
  annotations: { id: 4, keyType: "string", type: "bytes" }, sourceType: { id: 5, type: "int32" },
} } } }))("EncryptedObject");

export function encodeEncryptedObject(object: EncryptedObject): Buffer {
  checkEncryptedObject(object);
  const { sourceType, ...fields } = object;
  // What is zero is left out, as everybody else's encoder does.
  return encode(sourceType === 0 ? fields : object);
}

export function decodeEncryptedObject(stored: Uint8Array): EncryptedObject {
  let object: EncryptedObject;
  try {
    object = decode(Buffer.from(stored.buffer, stored.byteOffset, stored.length)) as EncryptedObject;
  } catch (error) {
    throw new Error("proto: cannot parse invalid wire-format data", { cause: error });
  }
  checkEncryptedObject(object);
  return object;
}

export function checkEncryptedObject({ encryptedData, keyId, encryptedSource, annotations, sourceType }: EncryptedObject): void {
  if (sourceType !== sourceTypes.aesGcmKey && sourceType !== sourceTypes.hkdfSeed) throw new Error(`unknown encryptedDEKSourceType: ${sourceType}`);
  if (encryptedData.length === 0) throw new Error("encrypted data is empty");
  const within = (what: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      throw new Error(`failed to validate ${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };
  within("encrypted DEK source", () => checkSource(encryptedSource));
  within("key id", () => checkKeyId(keyId));
  within("annotations", () => checkAnnotations(annotations));
}

function checkSource({ length }: Uint8Array): void {
  if (length === 0) throw new Error("encrypted DEK source is empty");
  if (length > encryptedSourceBytesMax) throw new Error(`encrypted DEK source is ${length} bytes, which exceeds the max size of ${encryptedSourceBytesMax}`);
}

export function checkKeyId(keyId: string): void {
  const length = Buffer.byteLength(keyId);
  if (length === 0) throw new Error("keyID is empty");
  if (length > keyIdBytesMax) throw new Error(`keyID is ${length} bytes, which exceeds the max size of ${keyIdBytesMax}`);
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function checkAnnotations(annotations: Annotations): void {
  const errors: Error[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(annotations)) {
    if (name === "") errors.push(new Error("annotations: Required value"));
    else if (!subdomain.test(name.replace(/\.$/, "")) || name.length > 253) {
      errors.push(new Error(`annotations: Invalid value: ${JSON.stringify(name)}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character `
        + "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
    } else if (name.replace(/\.$/, "").split(".").length < 2) errors.push(new Error(`annotations: Invalid value: ${JSON.stringify(name)}: should be a domain with at least two segments separated by dots`));
    total += Buffer.byteLength(name) + value.length;
  }
  if (total > annotationsBytesMax) errors.push(new Error(`total size of annotations is ${total}, which exceeds the max size of ${annotationsBytesMax}`));
  if (errors.length > 0) throw aggregate(errors);
}

/** Names the key source of an object: objects with the same name are decrypted with the same key or seed. Lengths go in front, so that no two differ in where a part ends only. */
export function sourceName({ sourceType, encryptedSource, keyId, annotations }: Omit<EncryptedObject, "encryptedData">): string {
  const hash = createHash("sha256");
  const add = (part: Uint8Array | string): void => void hash.update(`${Buffer.byteLength(part)}:`).update(part);
  add(String(sourceType));
  add(encryptedSource);
  add(keyId);
  for (const name of Object.keys(annotations).toSorted()) {
    add(name);
    add(annotations[name] ?? "");
  }
  return hash.digest("base64");
}

/** Key ids may say more than everybody should read: messages have their hash. */
export const keyIdHash = (keyId: string): string => (keyId === "" ? "" : `sha256:${createHash("sha256").update(keyId).digest("hex")}`);
