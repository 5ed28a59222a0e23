import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../../stdx/random.ts";
import { asBytes, type Transformer } from "./transformer.ts";

const blockBytes = 16;

/** Initialization vector, ciphertext with PKCS#7 padding. Nothing is authenticated: damage shows in the padding, or not at all. `secret` has 16, 24 or 32 bytes. */
export function aesCbc(secret: Uint8Array, random: Random): Transformer {
  const cipher = `aes-${secret.length * 8}-cbc`;
  return {
    encode(value) {
      const vector = random.bytes(blockBytes);
      const sealing = createCipheriv(cipher, secret, vector);
      return Buffer.concat([vector, sealing.update(value), sealing.final()]);
    },
    decode(stored) {
      if (stored.length < blockBytes) throw new Error("the stored data was shorter than the required size");
      if (stored.length % blockBytes !== 0) throw new Error("the stored data is not a multiple of the block size");
      // The padding is checked here, since the library has one word for all that can be wrong with it.
      const opening = createDecipheriv(cipher, secret, stored.subarray(0, blockBytes)).setAutoPadding(false);
      const padded = Buffer.concat([opening.update(stored.subarray(blockBytes)), opening.final()]);
      return { value: asBytes(padded.subarray(0, padded.length - paddingOf(padded))), stale: false };
    },
  };
}

function paddingOf(padded: Uint8Array): number {
  const padding = padded.at(-1) ?? 0;
  if (padding === 0 || padding > padded.length) throw new Error("invalid PKCS7 data (empty or not padded)");
  if (!padded.subarray(padded.length - padding).every((byte) => byte === padding)) throw new Error("invalid padding on input");
  return padding;
}
