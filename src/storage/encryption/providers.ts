import type { Random } from "../../stdx/random.ts";
import { aesCbc } from "./aes-cbc.ts";
import { aesGcm } from "./aes-gcm.ts";
import { prefixed, type Prefixed } from "./prefixes.ts";
import { secretbox } from "./secretbox.ts";
import type { Transformer } from "./transformer.ts";

/** Ways of encryption with keys that are given; each key is known by its name, which is stored with what it has encrypted. */
export type KeyedProvider = "aesgcm" | "aescbc" | "secretbox";

export interface NamedKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

const ciphers: Readonly<Record<KeyedProvider, { readonly make: (secret: Uint8Array, random: Random) => Transformer; readonly called: string; readonly keyBytes: readonly number[] }>> = {
  aesgcm: { make: aesGcm, called: "AES", keyBytes: [16, 24, 32] },
  aescbc: { make: aesCbc, called: "AES", keyBytes: [16, 24, 32] },
  secretbox: { make: secretbox, called: "Secretbox", keyBytes: [32] },
};

export const keyBytesOf = (provider: KeyedProvider): readonly number[] => ciphers[provider].keyBytes;

/** `k8s:enc:aesgcm:v1:<name of the key>:…`, as upstream stores it. The first key writes. */
export function keyedProvider(provider: KeyedProvider, keys: readonly [NamedKey, ...NamedKey[]], random: Random): Prefixed {
  const { make, called } = ciphers[provider];
  const way = ({ name, secret }: NamedKey): Prefixed => ({ prefix: `${name}:`, transformer: make(secret, random) });
  const [first, ...others] = keys;
  return { prefix: `k8s:enc:${provider}:v1:`, transformer: prefixed([way(first), ...others.map(way)], `no matching key was found for the provided ${called} transformer`) };
}

/** All providers for one kind of value, in the order of the configuration. */
export const providerList = (providers: readonly [Prefixed, ...Prefixed[]]): Transformer => prefixed(providers, "no matching prefix found");
