import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { Server, ServerCredentials, status, type handleUnaryCall } from "@grpc/grpc-js";
import { codecs } from "../../../stdx/grpc.ts";
import { kmsMessages, type KmsEncrypted } from "./plugin.ts";

export interface FakePluginOptions {
  readonly socket: string;
  /** Keys by their ids; the plugin knows them all, and encrypts with the one that `use` names. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** For tests: a key management service as real ones are, over gRPC on a socket, with keys in memory instead of a safe. */
export class FakePlugin implements AsyncDisposable {
  readonly #server = new Server();
  readonly #keys: Record<string, Uint8Array>;
  #keyId: string;
  healthz = "ok";
  version = "v2";
  /** What it was asked, in order. */
  readonly calls: string[] = [];

  private constructor({ keys }: FakePluginOptions) {
    this.#keys = { ...keys };
    this.#keyId = Object.keys(keys)[0] ?? "";
    const codec = codecs(kmsMessages);
    const method = (name: string, answer: (request: never) => unknown): [string, unknown, handleUnaryCall<never, unknown>] => {
      const [request, response] = [codec(`v2.${name}Request`), codec(`v2.${name}Response`)];
      const definition = {
        path: `/v2.KeyManagementService/${name}`, requestStream: false, responseStream: false,
        requestSerialize: request.encode, requestDeserialize: request.decode, responseSerialize: response.encode, responseDeserialize: response.decode,
      };
      return [name, definition, (call, callback) => {
        this.calls.push(name);
        try {
          callback(null, answer(call.request));
        } catch (error) {
          callback({ code: status.INTERNAL, details: error instanceof Error ? error.message : String(error) });
        }
      }];
    };
    const methods = [
      method("Status", () => ({ version: this.version, healthz: this.healthz, keyId: this.#keyId })),
      method("Encrypt", ({ plaintext }: { readonly plaintext: Uint8Array }) => this.#encrypt(plaintext)),
      method("Decrypt", (encrypted: KmsEncrypted) => ({ plaintext: this.#decrypt(encrypted) })),
    ];
    this.#server.addService(
      Object.fromEntries(methods.map(([name, definition]) => [name, definition])) as Parameters<Server["addService"]>[0],
      Object.fromEntries(methods.map(([name, , handler]) => [name, handler])) as Parameters<Server["addService"]>[1],
    );
  }

  static async start(options: FakePluginOptions): Promise<FakePlugin> {
    const plugin = new FakePlugin(options);
    await new Promise<void>((resolve, reject) => plugin.#server.bindAsync(`unix://${options.socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
    return plugin;
  }

  /** Encrypts with this key from now on. */
  use(keyId: string): void {
    this.#keyId = keyId;
  }

  forget(keyId: string): void {
    delete this.#keys[keyId];
  }

  #encrypt(plaintext: Uint8Array): KmsEncrypted {
    const nonce = randomBytes(12);
    const sealing = createCipheriv("aes-256-gcm", this.#key(this.#keyId), nonce);
    const sealed = Buffer.concat([sealing.update(plaintext), sealing.final(), sealing.getAuthTag()]);
    return { ciphertext: sealed, keyId: this.#keyId, annotations: { "nonce.fake.kms.example": nonce } };
  }

  #decrypt({ ciphertext, keyId, annotations }: KmsEncrypted): Uint8Array {
    const opening = createDecipheriv("aes-256-gcm", this.#key(keyId), annotations["nonce.fake.kms.example"] ?? Buffer.alloc(12), { authTagLength: 16 });
    opening.setAuthTag(ciphertext.subarray(-16));
    return Buffer.concat([opening.update(ciphertext.subarray(0, -16)), opening.final()]);
  }

  #key(keyId: string): Uint8Array {
    const key = this.#keys[keyId];
    if (!key) throw new Error(`no key ${keyId}`);
    return key;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    await Promise.resolve();
  }
}
