import { createHmac } from "node:crypto";
import type { Random } from "../../stdx/random.ts";
import { aesGcm } from "./aes-gcm.ts";
import type { Transformer } from "./transformer.ts";

export const seedBytes = 32;
const infoBytes = 32;

/**
 * AES-GCM with a key of its own for each value, so that its short nonce sets no bound to the number of writes: 32 random bytes, then what AES-GCM
 * makes with HKDF-Expand(seed, those bytes). Of HKDF (RFC 5869) only the second step is done, since the seed is random already, and 32 bytes are its first block.
 */
export function extendedNonceGcm(seed: Uint8Array, random: Random): Transformer {
  if (seed.length < seedBytes) throw new Error(`invalid seed length ${seed.length} used for key generation`);
  const derived = (info: Uint8Array): Transformer => aesGcm(createHmac("sha256", seed).update(info).update(Uint8Array.of(1)).digest(), random);
  return {
    encode(value, key) {
      const info = random.bytes(infoBytes);
      return Buffer.concat([info, derived(info).encode(value, key)]);
    },
    decode(stored, key) {
      if (stored.length < infoBytes) throw new Error("the stored data was shorter than the required size");
      return derived(stored.subarray(0, infoBytes)).decode(stored.subarray(infoBytes), key);
    },
  };
}
