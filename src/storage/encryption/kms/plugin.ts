import { codecs, rpcErrorText, type Codec } from "../../../stdx/grpc.ts";
import { RpcChannel } from "../../../stdx/rpc-channel.ts";

/** What the plugin says of itself. `keyId` names the key that it would encrypt with now. */
export interface KmsStatus {
  readonly version: string;
  /** "ok", or what is wrong. */
  readonly healthz: string;
  readonly keyId: string;
}

export type Annotations = Readonly<Record<string, Uint8Array>>;

export interface KmsEncrypted {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Annotations;
}

/** A key management service as Kubernetes speaks with it (KMS v2): it encrypts and decrypts seeds of keys, never values. `uid` is for the logs of both sides. */
export interface KmsPlugin extends Disposable {
  status(): Promise<KmsStatus>;
  encrypt(plaintext: Uint8Array, uid: string): Promise<KmsEncrypted>;
  decrypt(encrypted: KmsEncrypted, uid: string): Promise<Uint8Array>;
}

/** Field numbers of k8s.io/kms/apis/v2. */
const field = (id: number, type: string) => ({ id, type });
const annotations = (id: number) => ({ id, keyType: "string", type: "bytes" });
export const kmsMessages = JSON.stringify({ nested: { v2: { nested: {
  StatusRequest: { fields: {} },
  StatusResponse: { fields: { version: field(1, "string"), healthz: field(2, "string"), keyId: field(3, "string") } },
  DecryptRequest: { fields: { ciphertext: field(1, "bytes"), uid: field(2, "string"), keyId: field(3, "string"), annotations: annotations(4) } },
  DecryptResponse: { fields: { plaintext: field(1, "bytes") } },
  EncryptRequest: { fields: { plaintext: field(1, "bytes"), uid: field(2, "string") } },
  EncryptResponse: { fields: { ciphertext: field(1, "bytes"), keyId: field(2, "string"), annotations: annotations(3) } },
} } } });

/** @throws {TypeError} for anything but `unix:///path` (`unix:///@name` is a socket without a file, in Linux' abstract namespace). */
export function socketAddress(endpoint: string): string {
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint)?.[1];
  if (path === undefined) throw new TypeError(`unsupported scheme ${JSON.stringify(/^([a-z]+):/.exec(endpoint)?.[1] ?? "")} for remote KMS provider`);
  return path.startsWith("/@") ? `unix:\0${path.slice(2)}` : `unix://${path}`;
}

export function connectKmsPlugin({ endpoint, timeoutMs }: { readonly endpoint: string; readonly timeoutMs: number }): KmsPlugin {
  const codec: (message: string) => Codec = codecs(kmsMessages);
  const channel = new RpcChannel({ address: socketAddress(endpoint) });
  const call = async (method: string, request: unknown): Promise<unknown> => {
    try {
      return await channel.unary({ path: `/v2.KeyManagementService/${method}`, request: codec(`v2.${method}Request`), response: codec(`v2.${method}Response`) }, request, { deadlineMs: timeoutMs });
    } catch (error) {
      throw new Error(rpcErrorText(error), { cause: error });
    }
  };
  return {
    status: async () => (await call("Status", {})) as KmsStatus,
    encrypt: async (plaintext, uid) => (await call("Encrypt", { plaintext, uid })) as KmsEncrypted,
    decrypt: async (encrypted, uid) => ((await call("Decrypt", { ...encrypted, uid })) as { readonly plaintext: Uint8Array }).plaintext,
    [Symbol.dispose]: () => channel[Symbol.dispose](),
  };
}
