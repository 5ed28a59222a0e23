import type { OutgoingHttpHeaders } from "node:http2";
import { Call, type CallHandlers } from "./grpc-call.ts";
import { GrpcConnection, type ConnectionOptions } from "./grpc-connection.ts";
import { RpcError, type RpcMethod, type RpcOptions } from "./grpc.ts";

export interface RpcChannelOptions extends ConnectionOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** How large a message may be that is received; 16 MiB unless told. */
  readonly receiveBytesMax?: number;
}

const messageBytesMax = 16 * 1024 * 1024;

/** Calls to one server over one connection, which comes back by itself when the other end restarts. */
export class RpcChannel implements Disposable {
  readonly #connection: GrpcConnection;
  readonly #headers: OutgoingHttpHeaders;
  readonly #receiveBytesMax: number;

  constructor({ headers = {}, receiveBytesMax = messageBytesMax, ...connection }: RpcChannelOptions) {
    this.#connection = new GrpcConnection(connection);
    this.#headers = { ...headers, ":method": "POST", "content-type": "application/grpc", te: "trailers", "user-agent": "keelson" };
    this.#receiveBytesMax = receiveBytesMax;
  }

  unary(method: RpcMethod, request: unknown, { signal, deadlineMs = 120_000 }: RpcOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      let [answer, hasAnswer]: [unknown, boolean] = [undefined, false];
      const call = this.#call(method, deadlineMs, {
        onMessage: (message) => {
          [answer, hasAnswer] = [message, true];
        },
        onEnd: (error) => {
          signal?.removeEventListener("abort", abort);
          if (signal?.aborted === true) reject(signal.reason as Error);
          else if (error) reject(error);
          else if (hasAnswer) resolve(answer);
          else reject(new RpcError("INTERNAL", "the call ended without an answer"));
        },
      });
      const abort = (): void => call.cancel();
      signal?.addEventListener("abort", abort, { once: true });
      call.endWith(method.request.encode(request));
    });
  }

  /** Yields what the server sends until it ends the stream; throws `RpcError` when it breaks. What is not read waits: the server is held back by HTTP/2's flow control. */
  async *serverStream(method: RpcMethod, request: unknown, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<unknown, void> {
    signal.throwIfAborted();
    const waiting: unknown[] = [];
    let [ended, failure, wake]: [boolean, RpcError | undefined, () => void] = [false, undefined, () => undefined];
    const call = this.#call(method, 0, {
      onMessage: (message) => {
        waiting.push(message);
        call.pause();
        wake();
      },
      onEnd: (error) => {
        [ended, failure] = [true, error];
        wake();
      },
    });
    const abort = (): void => call.cancel();
    signal.addEventListener("abort", abort, { once: true });
    try {
      call.endWith(method.request.encode(request));
      for (;;) {
        signal.throwIfAborted();
        if (waiting.length > 0) yield waiting.shift();
        else if (failure) throw failure;
        else if (ended) return;
        else {
          const woken = new Promise<void>((resolve) => (wake = resolve));
          call.resume();
          await woken;
        }
      }
    } finally {
      signal.removeEventListener("abort", abort);
      call.cancel();
    }
  }

  /** A stream in both directions that stays open: `write` sends, and `onMessage` hears each answer in the turn in which it comes. `onEnd` is called once, unless it is disposed first. */
  duplex(method: RpcMethod, { onMessage, onEnd }: CallHandlers): RpcStream {
    let disposed = false;
    const call = this.#call(method, 0, {
      onMessage: (message) => {
        if (!disposed) onMessage(message);
      },
      onEnd: (error) => {
        if (!disposed) onEnd(error);
      },
    });
    return {
      write: (request) => call.write(method.request.encode(request)),
      [Symbol.dispose]: () => {
        disposed = true;
        call.cancel();
      },
    };
  }

  /** Sends all of `requests`, then resolves with everything that was answered. */
  exchange(method: RpcMethod, requests: readonly unknown[], { signal }: { readonly signal: AbortSignal }): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const answers: unknown[] = [];
      const call = this.#call(method, 0, {
        onMessage: (message) => void answers.push(message),
        onEnd: (error) => {
          signal.removeEventListener("abort", abort);
          if (error) reject(signal.aborted ? (signal.reason as Error) : error);
          else resolve(answers);
        },
      });
      const abort = (): void => call.cancel();
      signal.addEventListener("abort", abort, { once: true });
      for (const request of requests) call.write(method.request.encode(request));
      call.end();
    });
  }

  #call(method: RpcMethod, deadlineMs: number, handlers: CallHandlers): Call {
    const headers = { ...this.#headers, ":path": method.path, ...(deadlineMs > 0 && { "grpc-timeout": `${Math.ceil(deadlineMs)}m` }) };
    return new Call({ connection: this.#connection, headers, decode: method.response.decode, receiveBytesMax: this.#receiveBytesMax, deadlineMs }, handlers);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

export interface RpcStream extends Disposable {
  write(request: unknown): void;
}
