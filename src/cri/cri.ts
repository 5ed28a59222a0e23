import { descriptors, methods, type Messages } from "./generated/cri-v1.ts";
import { codecs, type Input, type RpcOptions } from "../stdx/grpc.ts";
import { RpcChannel } from "../stdx/rpc-channel.ts";

type Methods = typeof methods;
type Unary = { readonly [M in keyof Methods]: Methods[M]["stream"] extends false ? M : never }[keyof Methods];
type Streaming = Exclude<keyof Methods, Unary>;

/** Every call of the runtime and image services, by the name of the interface: `cri.runPodSandbox({ config })`. Errors are `RpcError`. */
export type CriCalls = {
  readonly [M in Unary as Uncapitalize<M>]: (request: Input<Messages[Methods[M]["request"]]>, options?: RpcOptions) => Promise<Messages[Methods[M]["response"]]>;
} & {
  readonly [M in Streaming as Uncapitalize<M>]: (
    request: Input<Messages[Methods[M]["request"]]>, options: { readonly signal: AbortSignal },
  ) => AsyncGenerator<Messages[Methods[M]["response"]], void>;
};

/** A container runtime behind its socket. */
export type Cri = CriCalls & Disposable & { readonly socket: string };

const uncapitalize = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** Does not wait for the runtime: the first call connects. */
export function connectCri(options: { readonly socket: string }): Cri {
  const channel = new RpcChannel({ address: `unix://${options.socket}` });
  const codec = codecs(descriptors);
  const calls = Object.entries(methods).map(([name, { service, request, response, stream }]) => {
    const method = { path: `/runtime.v1.${service}/${name}`, get request() { return codec(request); }, get response() { return codec(response); } };
    const call = stream
      ? (message: unknown, callOptions: { readonly signal: AbortSignal }) => channel.serverStream(method, message, callOptions)
      : (message: unknown, callOptions?: RpcOptions) => channel.unary(method, message, callOptions);
    return [uncapitalize(name), call] as const;
  });
  return { ...Object.fromEntries(calls), socket: options.socket, [Symbol.dispose]: () => channel[Symbol.dispose]() } as unknown as Cri;
}
