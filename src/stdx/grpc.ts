import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { Client, credentials, Metadata, status, type ChannelCredentials, type ChannelOptions, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** A call failed; `code` is the name of the gRPC status ("NOT_FOUND", "DEADLINE_EXCEEDED", …), the message what the other end said. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
export const isRpcError = (error: unknown, ...codes: readonly string[]): error is RpcError => error instanceof RpcError && (codes.length === 0 || codes.includes(error.code));

/** As Go programs write an error of gRPC: "rpc error: code = NotFound desc = …". */
export const rpcErrorText = (error: unknown): string =>
  error instanceof RpcError ? `rpc error: code = ${error.code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())} desc = ${error.message}` : error instanceof Error ? error.message : String(error);

/** What a request may leave out: everything; protobuf fills in zeros. */
export type Input<T> = T extends Uint8Array ? Uint8Array
  : T extends readonly (infer Item)[] ? readonly Input<Item>[]
  : T extends object ? (string extends keyof T ? T : { readonly [K in keyof T]?: Input<NonNullable<T[K]>> | undefined })
  : T;

export interface RpcOptions {
  readonly signal?: AbortSignal;
  /** The call fails with DEADLINE_EXCEEDED after this; 0 waits for ever. */
  readonly deadlineMs?: number;
}

/** One way of writing one message to bytes and back. */
export interface Codec {
  readonly encode: (message: unknown) => Buffer;
  readonly decode: (bytes: Buffer) => unknown;
}

const decodeOptions: protobuf.IConversionOptions = { longs: Number, enums: String, defaults: true, arrays: true, objects: true };

/** Reads descriptors in protobufjs' JSON form. 64-bit integers become numbers: nothing here counts beyond 2^53 except times in nanoseconds, which need no last digits. */
export function codecs(descriptors: string): (message: string) => Codec {
  const root = protobuf.Root.fromJSON(JSON.parse(descriptors) as protobuf.INamespace);
  const known = new Map<string, Codec>();
  return (name) => {
    const found = known.get(name);
    if (found) return found;
    const type = root.lookupType(name);
    const codec: Codec = {
      encode: (message) => Buffer.from(type.encode(type.fromObject(message as Record<string, unknown>)).finish()),
      decode: (bytes) => type.toObject(type.decode(bytes), decodeOptions),
    };
    known.set(name, codec);
    return codec;
  };
}

const rpcError = (error: ServiceError): RpcError => new RpcError(status[error.code] ?? "UNKNOWN", error.details, { cause: error });

const metadataOf = (headers: Readonly<Record<string, string>>): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
};

export interface RpcMethod {
  readonly path: string;
  readonly request: Codec;
  readonly response: Codec;
}

/** PEM; without a certificate authority of its own, the system's are trusted. */
export interface RpcTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface RpcChannelOptions {
  /** What gRPC calls a target: "unix:///run/x.sock", "10.0.0.1:8080". */
  readonly address: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Plain text when absent. */
  readonly tls?: RpcTls;
  /** How large a message may be that is received; 16 MiB unless told. */
  readonly receiveBytesMax?: number;
  /** How often a connection with calls is asked whether it is alive; never unless told. */
  readonly keepaliveMs?: number;
}

/** A certificate may be for an address; but TLS has no way to ask a server for one by address, and the library no way to leave that out. */
function addressedTls(address: string, { ca, key, certificate }: RpcTls): { readonly credentials: ChannelCredentials; readonly options: ChannelOptions } {
  const host = address.slice(0, address.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
  const byAddress = isIP(host) !== 0;
  const verify = byAddress ? { checkServerIdentity: (_: string, presented: PeerCertificate) => checkServerIdentity(host, presented) } : {};
  return { credentials: credentials.createSsl(pem(ca), pem(key), pem(certificate), verify), options: byAddress ? { "grpc.ssl_target_name_override": "localhost" } : {} };
}

const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));

/** One connection to one server, which comes back by itself when the other end restarts. */
export class RpcChannel implements Disposable {
  readonly #client: Client;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ address, headers = {}, tls, receiveBytesMax = messageBytesMax, keepaliveMs }: RpcChannelOptions) {
    this.#headers = headers;
    const options: ChannelOptions = {
      "grpc.max_receive_message_length": receiveBytesMax, "grpc.max_send_message_length": messageBytesMax, "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 50, "grpc.min_reconnect_backoff_ms": 50, "grpc.max_reconnect_backoff_ms": 1000,
      ...(keepaliveMs !== undefined && { "grpc.keepalive_time_ms": keepaliveMs, "grpc.keepalive_timeout_ms": keepaliveMs / 2 }),
    };
    const secure = tls && addressedTls(address, tls);
    this.#client = new Client(address, secure?.credentials ?? credentials.createInsecure(), { ...options, ...secure?.options });
  }

  unary(method: RpcMethod, request: unknown, options: RpcOptions = {}): Promise<unknown> {
    const { signal, deadlineMs = 120_000 } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const deadline = deadlineMs === 0 ? Infinity : deadlineMs;
      const call = this.#client.makeUnaryRequest(
        method.path, method.request.encode, method.response.decode, request, metadataOf(this.#headers),
        deadline === Infinity ? {} : { deadline: new Date(performance.timeOrigin + performance.now() + deadline) },
        (error, response) => {
          signal?.removeEventListener("abort", abort);
          if (!error) resolve(response);
          else reject(signal?.aborted === true ? (signal.reason as Error) : rpcError(error));
        },
      );
      const abort = (): void => call.cancel();
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Yields what the server sends until it ends the stream; throws `RpcError` when it breaks. */
  async *serverStream(method: RpcMethod, request: unknown, options: { readonly signal: AbortSignal }): AsyncGenerator<unknown, void> {
    const { signal } = options;
    signal.throwIfAborted();
    const call = this.#client.makeServerStreamRequest(method.path, method.request.encode, method.response.decode, request, metadataOf(this.#headers), {});
    const abort = (): void => call.cancel();
    signal.addEventListener("abort", abort, { once: true });
    try {
      for await (const message of call) yield message;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof Error && "code" in error && "details" in error ? rpcError(error as ServiceError) : error;
    } finally {
      signal.removeEventListener("abort", abort);
      call.cancel();
    }
  }

  /** A stream in both directions that stays open: `call.write` sends, and `onMessage` hears each answer in the turn in which it comes. `onEnd` is called once. */
  duplex(method: RpcMethod, { onMessage, onEnd }: { readonly onMessage: (message: unknown) => void; readonly onEnd: (error: RpcError | undefined) => void }): RpcStream {
    const call: ClientDuplexStream<unknown, unknown> = this.#client.makeBidiStreamRequest(method.path, method.request.encode, method.response.decode, metadataOf(this.#headers), {});
    let ended = false;
    const end = (error?: RpcError): void => {
      if (ended) return;
      ended = true;
      onEnd(error);
    };
    call.on("data", (message: unknown) => {
      if (!ended) onMessage(message);
    });
    call.on("error", (error: ServiceError) => end(rpcError(error)));
    call.on("end", () => end());
    return {
      write: (request) => void call.write(request),
      [Symbol.dispose]: () => {
        ended = true;
        call.cancel();
      },
    };
  }

  /** Sends all of `requests`, then resolves with everything that was answered. */
  async exchange(method: RpcMethod, requests: readonly unknown[], options: { readonly signal: AbortSignal }): Promise<unknown[]> {
    const call = this.#client.makeBidiStreamRequest(method.path, method.request.encode, method.response.decode, metadataOf(this.#headers), {});
    const abort = (): void => call.cancel();
    options.signal.addEventListener("abort", abort, { once: true });
    const answers: unknown[] = [];
    try {
      for (const request of requests) call.write(request);
      call.end();
      for await (const message of call) answers.push(message);
      return answers;
    } catch (error) {
      throw error instanceof Error && "code" in error && "details" in error ? rpcError(error as ServiceError) : error;
    } finally {
      options.signal.removeEventListener("abort", abort);
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

export interface RpcStream extends Disposable {
  write(request: unknown): void;
}

const messageBytesMax = 16 * 1024 * 1024;
