import { constants, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { afterMs } from "./clock.ts";
import { ConnectError, type GrpcConnection } from "./grpc-connection.ts";
import { framed, FrameError, FrameReader } from "./grpc-frames.ts";
import { statusIn, statusOfHttp, statusOfReset, type RpcStatus } from "./grpc-status.ts";
import { RpcError } from "./grpc.ts";

export interface CallOptions {
  readonly connection: GrpcConnection;
  readonly headers: OutgoingHttpHeaders;
  readonly decode: (bytes: Buffer) => unknown;
  readonly receiveBytesMax: number;
  /** 0 waits for ever. */
  readonly deadlineMs: number;
}

export interface CallHandlers {
  readonly onMessage: (message: unknown) => void;
  /** Called once, after the last message. */
  readonly onEnd: (error: RpcError | undefined) => void;
}

/** One call, from the connection that it may have to wait for to the status in its trailers. */
export class Call {
  readonly #options: CallOptions;
  readonly #handlers: CallHandlers;
  readonly #reader: FrameReader;
  readonly #deadline: Disposable | undefined;
  #stream: ClientHttp2Stream | undefined;
  /** What was written before there was a stream. */
  #early: Buffer[] = [];
  #isWhole = false;
  #isPaused = false;
  #hasEnded = false;
  #status: RpcStatus | undefined;
  #isAnswered = false;

  constructor(options: CallOptions, handlers: CallHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#reader = new FrameReader(options.receiveBytesMax);
    const { connection, deadlineMs } = options;
    if (deadlineMs > 0) this.#deadline = afterMs(deadlineMs, () => this.#fail(new RpcError("DEADLINE_EXCEEDED", "Deadline exceeded", { isUndone: !this.#stream })));
    const { ready } = connection;
    if (ready) this.#begin(ready);
    else connection.connected().then((session) => this.#begin(session), (error: unknown) => this.#fail(new RpcError("UNAVAILABLE", error instanceof Error ? error.message : String(error), { cause: error, isUndone: error instanceof ConnectError })));
  }

  write(message: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#stream) this.#stream.write(framed(message));
    else this.#early.push(framed(message));
  }

  /** Nothing more is written. */
  end(): void {
    this.#isWhole = true;
    this.#stream?.end();
  }

  /** The one message of a call that sends no other. */
  endWith(message: Uint8Array): void {
    if (this.#stream) {
      this.#isWhole = true;
      this.#stream.end(framed(message));
    } else {
      this.write(message);
      this.end();
    }
  }

  /** No more messages come, except those that have come, until it goes on. */
  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }

  cancel(): void {
    this.#fail(new RpcError("CANCELLED", "Cancelled on client", { isUndone: !this.#stream }));
  }

  #begin(session: ClientHttp2Session): void {
    if (this.#hasEnded) return;
    const { connection, headers } = this.#options;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (error) {
      // The connection is being closed. Nobody is called back before he has the call.
      const failure = new RpcError("UNAVAILABLE", `No connection established. Last error: ${error instanceof Error ? error.message : String(error)}`, { cause: error, isUndone: true });
      queueMicrotask(() => this.#fail(failure));
      return;
    }
    connection.callBegins(session);
    this.#stream = stream;
    let lastError: Error | undefined;
    stream.on("response", (answered) => this.#answered(answered));
    stream.on("trailers", (trailers: IncomingHttpHeaders) => {
      this.#status ??= statusIn(trailers);
      // With what was read so far it may be whole; otherwise the rest comes before the end.
      if (!this.#isPaused && !this.#reader.isPartial && stream.readableLength === 0) this.#finish();
    });
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (error: Error) => (lastError = error));
    stream.once("close", () => {
      connection.callEnds(session);
      this.#closed(stream.rstCode, session.destroyed, lastError);
    });
    if (this.#isPaused) stream.pause();
    const [first, ...others] = this.#early;
    this.#early = [];
    if (first && others.length === 0 && this.#isWhole) stream.end(first);
    else {
      for (const frame of first ? [first, ...others] : []) stream.write(frame);
      if (this.#isWhole) stream.end();
    }
  }

  #answered(headers: IncomingHttpHeaders): void {
    this.#isAnswered = true;
    this.#status = statusIn(headers) ?? statusOfHttp(headers);
    // Nobody reads what an answer that is none of gRPC says.
    if (this.#status && this.#status.code !== "OK") this.#finish();
  }

  #receive(chunk: Buffer): void {
    if (this.#hasEnded) return;
    try {
      for (const message of this.#reader.push(chunk)) {
        if (!this.#hasEnded) this.#handlers.onMessage(this.#options.decode(message));
      }
    } catch (error) {
      this.#fail(new RpcError(error instanceof FrameError ? error.code : "INTERNAL", error instanceof Error ? error.message : String(error), { cause: error }));
    }
  }

  #finish(): void {
    const { code, message } = this.#status ?? { code: "UNKNOWN", message: "the call ended without a status" };
    this.#end(code === "OK" ? undefined : new RpcError(code, message));
  }

  /** Where the trailers have not told already. */
  #closed(rstCode: number, isConnectionLost: boolean, error: Error | undefined): void {
    if (this.#hasEnded) return;
    if (this.#status) return this.#finish();
    const isRefused = rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const [code, message] = isConnectionLost ? ["UNAVAILABLE", `Connection dropped${error ? `: ${error.message}` : ""}`] as const
      : [statusOfReset(rstCode), error?.message ?? `Received RST_STREAM with code ${rstCode}`] as const;
    this.#end(new RpcError(code, message, { ...(error && { cause: error }), isUndone: isRefused && !this.#isAnswered }));
  }

  /** Ends it from this side. */
  #fail(error: RpcError): void {
    if (this.#hasEnded) return;
    this.#end(error);
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #end(error: RpcError | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#early = [];
    this.#deadline?.[Symbol.dispose]();
    if (!this.#isWhole) this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.#handlers.onEnd(error);
  }
}
