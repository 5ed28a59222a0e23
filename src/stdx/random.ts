import { randomFillSync } from "node:crypto";

/** Chance as a parameter: programs get `cryptoRandom`, tests and simulations a seeded one whose seed they print. */
export interface Random {
  /** At least 0 and below 1. */
  next(): number;
  /** A whole number, at least 0 and below `bound`. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
}

/** Bytes drawn from the kernel at once; most callers need only a few. */
const poolBytes = 4096;

function makeCryptoRandom(): Random {
  const pool = new Uint8Array(poolBytes);
  const view = new DataView(pool.buffer);
  let used = poolBytes;

  const word = (): number => {
    if (used + 4 > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const value = view.getUint32(used);
    used += 4;
    return value;
  };
  return fromWords(word);
}

/** Sfc32, seeded through splitmix so that neighbouring seeds give unrelated sequences. Not for secrets. */
export function seededRandom(seed: number): Random {
  let mixed = seed >>> 0;
  const split = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, counter] = [split(), split(), split(), 1];
  return fromWords(() => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  });
}

function fromWords(word: () => number): Random {
  const next = (): number => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000;
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    bytes(length) {
      const result = new Uint8Array(length);
      for (let at = 0; at < length; at += 4) {
        const value = word();
        for (let byte = 0; byte < 4 && at + byte < length; byte++) result[at + byte] = (value >>> (byte * 8)) & 0xff;
      }
      return result;
    },
  };
}

export const cryptoRandom: Random = makeCryptoRandom();

/** A UUID of version 4 (RFC 9562), as `metadata.uid` is. */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes.buffer).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
