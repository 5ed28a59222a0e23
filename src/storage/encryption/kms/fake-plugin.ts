import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { framed, FrameReader } from "../../../stdx/grpc-frames.ts";
import { codecs } from "../../../stdx/grpc.ts";
import { kmsMessages, type KmsEncrypted } from "./plugin.ts";

export interface FakePluginOptions {
  readonly socket: string;
  /** Keys by their ids; the plugin knows them all, and encrypts with the one that `use` names. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

const messageBytesMax = 1024 * 1024;
/** INTERNAL of gRPC. */
const internalStatus = 13;

/** For tests: a key management service as real ones are, over gRPC on a socket, with keys in memory instead of a safe. */
export class FakePlugin implements AsyncDisposable {
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #keys: Record<string, Uint8Array>;
  #keyId: string;
  healthz = "ok";
  version = "v2";
  /** What it was asked, in order. */
  readonly calls: string[] = [];

  private constructor({ keys }: FakePluginOptions) {
    this.#keys = { ...keys };
    this.#keyId = Object.keys(keys)[0] ?? "";
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => {
      const reader = new FrameReader(messageBytesMax);
      stream.on("data", (chunk: Buffer) => {
        for (const message of reader.push(chunk)) this.#answer(stream, String(headers[":path"]).replace("/v2.KeyManagementService/", ""), message);
      });
    });
  }

  #answer(stream: ServerHttp2Stream, name: string, request: Buffer): void {
    this.calls.push(name);
    const codec = codecs(kmsMessages);
    let [frame, trailers]: [Buffer | undefined, Record<string, string>] = [undefined, { "grpc-status": "0" }];
    try {
      frame = framed(codec(`v2.${name}Response`).encode(this.#asked(name, codec(`v2.${name}Request`).decode(request))));
    } catch (error) {
      trailers = { "grpc-status": String(internalStatus), "grpc-message": encodeURIComponent(error instanceof Error ? error.message : String(error)) };
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(frame);
  }

  #asked(name: string, request: unknown): unknown {
    if (name === "Status") return { version: this.version, healthz: this.healthz, keyId: this.#keyId };
    if (name === "Encrypt") return this.#encrypt((request as { readonly plaintext: Uint8Array }).plaintext);
    return { plaintext: this.#decrypt(request as KmsEncrypted) };
  }

  static async start(options: FakePluginOptions): Promise<FakePlugin> {
    const plugin = new FakePlugin(options);
    await new Promise<void>((resolve, reject) => plugin.#server.once("error", reject).listen(options.socket, resolve));
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
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const session of this.#sessions) session.destroy();
    await closed;
  }
}
