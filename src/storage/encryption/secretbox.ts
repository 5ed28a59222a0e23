import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import type { Random } from "../../stdx/random.ts";
import type { Transformer } from "./transformer.ts";

const nonceBytes = 24;
const tagBytes = 16;

/** NaCl's secretbox (XSalsa20 and Poly1305): nonce, tag, ciphertext. The place of the value is not part of it. `secret` has 32 bytes. */
export function secretbox(secret: Uint8Array, random: Random): Transformer {
  return {
    encode(value) {
      const nonce = random.bytes(nonceBytes);
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(value)]);
    },
    decode(stored) {
      if (stored.length < nonceBytes + tagBytes) throw new Error("the stored data was shorter than the required size");
      try {
        return { value: xsalsa20poly1305(secret, stored.subarray(0, nonceBytes)).decrypt(stored.subarray(nonceBytes)), stale: false };
      } catch (error) {
        // What upstream says of a wrong key or of damage, though no array was too small.
        throw new Error("output array was not large enough for encryption", { cause: error });
      }
    },
  };
}
