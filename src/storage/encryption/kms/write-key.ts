import type { Clock } from "../../../stdx/clock.ts";
import type { Log } from "../../../stdx/log.ts";
import { randomUuid, type Random } from "../../../stdx/random.ts";
import { extendedNonceGcm, seedBytes } from "../extended-nonce.ts";
import { aggregate } from "../prefixes.ts";
import type { Transformer } from "../transformer.ts";
import { checkEncryptedObject, checkKeyId, keyIdHash, sourceName, sourceTypes, type EncryptedObject } from "./encrypted-object.ts";
import type { KmsPlugin, KmsStatus } from "./plugin.ts";

// Upstream's times (its encryptionconfig package says why they belong together): writes fail when the plugin was not well for longer than the last.
const checkEveryMs = 60_000;
const checkAgainMs = 10_000;
const wellForMs = 20_000;
const unwellForMs = 3_000;
export const writableForMs = 3 * 60_000;

const versions: readonly string[] = ["v2", "v2beta1"];

/** What this process encrypts with: a seed of its own, and the same encrypted by the plugin, which goes with every value. */
export interface WriteKey {
  readonly transformer: Transformer;
  readonly source: Omit<EncryptedObject, "encryptedData">;
  readonly sourceName: string;
  readonly expiresAtMs: number;
}

export interface WriteKeyOptions {
  /** Of the provider. */
  readonly name: string;
  readonly plugin: KmsPlugin;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Keeps a seed to write with, encrypted with the key that the plugin names in its status: another key there means another seed. While the plugin is
 * not well the last seed serves on, for some minutes. What was written can be read as long as the plugin knows the keys.
 */
export class WriteKeyKeeper {
  readonly #options: WriteKeyOptions;
  #key: WriteKey | undefined;
  #version = "";
  #checked: { readonly error: Error | undefined; readonly atMs: number } | undefined;
  /** One check after the other. */
  #checking: Promise<void> = Promise.resolve();

  constructor(options: WriteKeyOptions) {
    this.#options = options;
  }

  /** For reads: also one that has expired tells what is stale. @throws {Error} before the plugin was well for the first time. */
  get current(): WriteKey {
    if (!this.#key) throw new Error("got unexpected nil transformer");
    return this.#key;
  }

  /** @throws {Error} when it has expired. */
  get forWriting(): WriteKey {
    const key = this.current;
    const nowMs = this.#options.clock.now();
    if (nowMs > key.expiresAtMs) throw new Error(`encryptedDEKSource with keyID hash ${JSON.stringify(keyIdHash(key.source.keyId))} expired at ${rfc3339(key.expiresAtMs)} (current time is ${rfc3339(nowMs)})`);
    return key;
  }

  /** What `/healthz/kms-providers` tells. The plugin is not asked more often than every few seconds. @throws {Error} what is wrong. */
  check(): Promise<void> {
    const next = this.#checking.then(() => this.#check());
    this.#checking = next.catch(() => undefined);
    return next;
  }

  async #check(): Promise<void> {
    const { clock, name, plugin } = this.#options;
    if (this.#checked && clock.now() - this.#checked.atMs < (this.#checked.error ? unwellForMs : wellForMs)) {
      if (this.#checked.error) throw this.#checked.error;
      return;
    }
    const note = (error?: Error): void => void (this.#checked = { error, atMs: clock.now() });
    let status: KmsStatus;
    try {
      status = await plugin.status();
    } catch (error) {
      note(asError(error));
      throw new Error(`failed to perform status section of the healthz check for KMS Provider ${name}, error: ${asError(error).message}`, { cause: error });
    }
    const errors = await this.#judge(status);
    const failed = errors.length > 0 ? new Error(`kmsv2 Provider ${name} is not healthy, error: ${aggregate(errors).message}`) : undefined;
    note(failed);
    if (failed) throw failed;
  }

  async #judge({ healthz, version, keyId }: KmsStatus): Promise<readonly Error[]> {
    const errors: Error[] = [];
    if (healthz !== "ok") errors.push(new Error(`got unexpected healthz status: ${healthz}`));
    if (!versions.includes(version)) errors.push(new Error(`expected KMSv2 API version v2, got ${version}`));
    else {
      if (this.#version === "") this.#version = version;
      if (this.#version !== version) errors.push(new Error(`KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`));
    }
    try {
      checkKeyId(keyId);
    } catch (error) {
      return [...errors, new Error(`got invalid KMSv2 KeyID hash ${JSON.stringify(keyIdHash(keyId))}: ${asError(error).message}`, { cause: error })];
    }
    try {
      await this.#follow(keyId);
    } catch (error) {
      errors.push(asError(error));
    }
    return errors;
  }

  /** Takes a new seed when the plugin has another key than the one that the present seed is encrypted with, and makes the present one last longer otherwise. */
  async #follow(keyId: string): Promise<void> {
    const { clock } = this.#options;
    // Counted from before the plugin is asked: it is the longest time.
    const expiresAtMs = clock.now() + writableForMs;
    const key = this.#key;
    if (key?.source.keyId === keyId) {
      this.#key = { ...key, expiresAtMs };
      return;
    }
    const uid = randomUuid(this.#options.random);
    let failure: Error | undefined;
    let made: Omit<WriteKey, "expiresAtMs"> | undefined;
    try {
      made = await this.#generate(uid);
    } catch (error) {
      failure = asError(error);
    }
    if (made?.source.keyId === keyId) {
      this.#key = { ...made, expiresAtMs };
      return;
    }
    const state = key ? "<nil>" : "got unexpected nil transformer";
    throw new Error(`failed to rotate DEK uid=${JSON.stringify(uid)}, useSeed=true, errState=${state}, errGen=${failure?.message ?? "<nil>"}, statusKeyIDHash=${JSON.stringify(keyIdHash(keyId))}, `
      + `encryptKeyIDHash=${JSON.stringify(keyIdHash(made?.source.keyId ?? ""))}, stateKeyIDHash=${JSON.stringify(keyIdHash(key?.source.keyId ?? ""))}, expirationTimestamp=${key ? rfc3339(key.expiresAtMs) : "0001-01-01T00:00:00Z"}`, { cause: failure });
  }

  async #generate(uid: string): Promise<Omit<WriteKey, "expiresAtMs">> {
    const { random, plugin } = this.#options;
    const seed = random.bytes(seedBytes);
    let encrypted;
    try {
      encrypted = await plugin.encrypt(seed, uid);
    } catch (error) {
      throw new Error(`failed to encrypt DEK, error: ${asError(error).message}`, { cause: error });
    }
    const source = { keyId: encrypted.keyId, encryptedSource: encrypted.ciphertext, annotations: encrypted.annotations, sourceType: sourceTypes.hkdfSeed };
    checkEncryptedObject({ ...source, encryptedData: Uint8Array.of(0) });
    return { transformer: extendedNonceGcm(seed, random), source, sourceName: sourceName(source) };
  }

  /** Asks the plugin again and again, sooner while it is not well. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, name } = this.#options;
    let well = this.#checked !== undefined && this.#checked.error === undefined;
    while (!signal.aborted) {
      try {
        await clock.sleep(well ? checkEveryMs : checkAgainMs, { signal });
      } catch {
        return;
      }
      try {
        await this.check();
        well = true;
      } catch (error) {
        well = false;
        if (!signal.aborted) log.warn("the KMS plugin is not well", { name, error });
      }
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
