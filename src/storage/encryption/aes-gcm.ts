import { createCipheriv, createDecipheriv, type CipherGCMTypes } from "node:crypto";
import type { Random } from "../../stdx/random.ts";
import { asBytes, type Transformer } from "./transformer.ts";

const nonceBytes = 12;
const tagBytes = 16;

export const cipherOf = (key: Uint8Array): CipherGCMTypes => `aes-${(key.length * 8) as 128 | 192 | 256}-gcm`;

/** Nonce, ciphertext, tag; the key under which the value lies is authenticated with it. `secret` has 16, 24 or 32 bytes. */
export function aesGcm(secret: Uint8Array, random: Random): Transformer {
  const cipher = cipherOf(secret);
  return {
    encode(value, key) {
      const nonce = random.bytes(nonceBytes);
      const sealing = createCipheriv(cipher, secret, nonce);
      sealing.setAAD(Buffer.from(key));
      const sealed = sealing.update(value);
      return Buffer.concat([nonce, sealed, sealing.final(), sealing.getAuthTag()]);
    },
    decode(stored, key) {
      if (stored.length < nonceBytes) throw new Error("the stored data was shorter than the required size");
      if (stored.length < nonceBytes + tagBytes) throw new Error(notAuthentic);
      const end = stored.length - tagBytes;
      const opening = createDecipheriv(cipher, secret, stored.subarray(0, nonceBytes), { authTagLength: tagBytes });
      opening.setAAD(Buffer.from(key));
      opening.setAuthTag(stored.subarray(end));
      const value = opening.update(stored.subarray(nonceBytes, end));
      try {
        opening.final();
      } catch (error) {
        throw new Error(notAuthentic, { cause: error });
      }
      return { value: asBytes(value), stale: false };
    },
  };
}

/** Go's words: another key, another place, or damage. */
const notAuthentic = "cipher: message authentication failed";
