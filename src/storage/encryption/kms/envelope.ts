import { randomUuid, type Random } from "../../../stdx/random.ts";
import { aesGcm } from "../aes-gcm.ts";
import { extendedNonceGcm } from "../extended-nonce.ts";
import type { Decoded, Transformer } from "../transformer.ts";
import { decodeEncryptedObject, encodeEncryptedObject, sourceName, sourceTypes, type EncryptedObject } from "./encrypted-object.ts";
import type { KmsPlugin } from "./plugin.ts";
import type { WriteKey } from "./write-key.ts";

/** How many decrypted seeds are remembered: one for each start of a server and each key of the plugin. The oldest go first. */
const sourcesMax = 5_000;

export interface EnvelopeOptions {
  readonly plugin: Pick<KmsPlugin, "decrypt">;
  readonly keys: { readonly current: WriteKey; readonly forWriting: WriteKey };
  readonly random: Random;
}

/** Values are encrypted here, with seeds that the plugin has encrypted: it is asked once for each seed, not for each value. */
export class KmsEnvelope implements Transformer {
  readonly #options: EnvelopeOptions;
  readonly #readers = new Map<string, Transformer>();
  readonly #asking = new Map<string, Promise<Transformer>>();

  constructor(options: EnvelopeOptions) {
    this.#options = options;
  }

  encode(value: Uint8Array, key: string): Uint8Array {
    const { transformer, source, sourceName: name } = this.#options.keys.forWriting;
    this.#remember(name, transformer);
    return encodeEncryptedObject({ ...source, encryptedData: transformer.encode(value, key) });
  }

  decode(stored: Uint8Array, key: string): Decoded | Promise<Decoded> {
    const object = decodeEncryptedObject(stored);
    const { source } = this.#options.keys.current;
    const name = sourceName(object);
    const opened = async (reader: Transformer): Promise<Decoded> => withStaleness(await reader.decode(object.encryptedData, key), object, source);
    const reader = this.#readers.get(name);
    if (!reader) return this.#reader(name, object).then(opened);
    const decoded = reader.decode(object.encryptedData, key);
    return decoded instanceof Promise ? decoded.then((each) => withStaleness(each, object, source)) : withStaleness(decoded, object, source);
  }

  #reader(name: string, object: EncryptedObject): Promise<Transformer> {
    let asking = this.#asking.get(name);
    if (!asking) {
      asking = this.#ask(name, object).finally(() => this.#asking.delete(name));
      this.#asking.set(name, asking);
    }
    return asking;
  }

  async #ask(name: string, { encryptedSource, keyId, annotations, sourceType }: EncryptedObject): Promise<Transformer> {
    const { plugin, random } = this.#options;
    let source: Uint8Array;
    try {
      source = await plugin.decrypt({ ciphertext: encryptedSource, keyId, annotations }, randomUuid(random));
    } catch (error) {
      throw new Error(`failed to decrypt DEK, error: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const reader = sourceType === sourceTypes.hkdfSeed ? extendedNonceGcm(source, random) : aesGcm(source, random);
    this.#remember(name, reader);
    return reader;
  }

  #remember(name: string, reader: Transformer): void {
    if (this.#readers.has(name)) return;
    this.#readers.set(name, reader);
    const [oldest] = this.#readers.keys();
    if (this.#readers.size > sourcesMax && oldest !== undefined) this.#readers.delete(oldest);
  }
}

const withStaleness = (decoded: Decoded, { keyId, sourceType }: EncryptedObject, now: WriteKey["source"]): Decoded => ({
  ...decoded, stale: decoded.stale || keyId !== now.keyId || sourceType !== now.sourceType,
});
