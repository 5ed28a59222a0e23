import { startsWith, type Decoded, type Transformer } from "./transformer.ts";

export interface Prefixed {
  /** "" takes everything. */
  readonly prefix: string;
  readonly transformer: Transformer;
}

/**
 * Several ways side by side, told apart by the prefix of what is stored: the first writes, each can read, and what another than the first has
 * written is stale. Prefixes may repeat (two lists of keys of one provider), so that a failure is only told when nobody else can read either.
 * `unknown` is the message for what nobody's prefix matches.
 */
export function prefixed(ways: readonly [Prefixed, ...Prefixed[]], unknown: string): Transformer {
  const [first] = ways;
  const writing = Buffer.from(first.prefix);
  const reading = ways.map(({ prefix, transformer }) => ({ prefix: Buffer.from(prefix), transformer }));

  const decodeFrom = (start: number, stored: Uint8Array, key: string, failures: readonly Error[]): Decoded | Promise<Decoded> => {
    const failed = [...failures];
    for (const [at, { prefix, transformer }] of reading.entries()) {
      if (at < start || !startsWith(stored, prefix)) continue;
      // That identity refuses encrypted data says nothing: it only was in the wrong place of the list.
      const note = (error: unknown): void => void (prefix.length > 0 && failed.push(error instanceof Error ? error : new Error(String(error))));
      const told = (decoded: Decoded): Decoded => (at === 0 || decoded.stale ? decoded : { ...decoded, stale: true });
      try {
        const decoded = transformer.decode(stored.subarray(prefix.length), key);
        if (!(decoded instanceof Promise)) return told(decoded);
        return decoded.then(told, (error: unknown) => {
          note(error);
          return decodeFrom(at + 1, stored, key, failed);
        });
      } catch (error) {
        note(error);
      }
    }
    throw failed.length > 0 ? aggregate(failed) : new Error(unknown);
  };

  return {
    encode: (value, key) => (writing.length === 0 ? first.transformer.encode(value, key) : Buffer.concat([writing, first.transformer.encode(value, key)])),
    decode: (stored, key) => decodeFrom(0, stored, key, []),
  };
}

/** One error as it is, several as "[a, b]", each message once. */
export function aggregate(errors: readonly Error[]): Error {
  const [first, ...others] = errors;
  if (first && others.length === 0) return first;
  const messages = [...new Set(errors.map(({ message }) => message))];
  return new Error(messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`, { cause: errors });
}
