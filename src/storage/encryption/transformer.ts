/** What was made of a stored value. */
export interface Decoded {
  readonly value: Uint8Array;
  /** Another key or another way would be taken today: the value should be written again, although it has not changed. */
  readonly stale: boolean;
}

/**
 * Turns values into what is stored and back. `key` is where the value lies; ways of encryption that can bind a value to its place do so, so that
 * nobody can put the value of one key under another. Both throw (or reject) with a message for the client of the API.
 */
export interface Transformer {
  encode(value: Uint8Array, key: string): Uint8Array;
  /** Answers at once, except when somebody else must be asked for a key first. */
  decode(stored: Uint8Array, key: string): Decoded | Promise<Decoded>;
}

/** What all encrypted values begin with. Values of the API begin with `{` or `k8s\0`. */
export const encryptedPrefix = Buffer.from("k8s:enc:");

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let at = prefix.length - 1; at >= 0; at--) if (bytes[at] !== prefix[at]) return false;
  return true;
}

export const isEncrypted = (stored: Uint8Array): boolean => startsWith(stored, encryptedPrefix);

/** The same bytes, as stores give them out: without the methods of Buffer, in which some of Node's functions answer. */
export const asBytes = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, length);

/** Values are stored as they are. What is encrypted is refused, so that a lost configuration shows as an error and not as strange objects. */
export const identity: Transformer = {
  encode: (value) => value,
  decode(stored) {
    if (isEncrypted(stored)) throw new Error("identity transformer tried to read encrypted data");
    return { value: stored, stale: false };
  },
};
