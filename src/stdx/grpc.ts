import protobuf from "protobufjs";

/** A call failed; `code` is the name of the gRPC status ("NOT_FOUND", "DEADLINE_EXCEEDED", …), the message what the other end said. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: string;
  /** The other end has certainly not begun to do what was asked. */
  readonly isUndone: boolean;

  constructor(code: string, message: string, options?: ErrorOptions & { readonly isUndone?: boolean }) {
    super(message, options);
    this.code = code;
    this.isUndone = options?.isUndone ?? false;
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

export interface RpcMethod {
  readonly path: string;
  readonly request: Codec;
  readonly response: Codec;
}
