import { readFile } from "node:fs/promises";
import { WebSocket, type RawData } from "ws";
import { ConnectionError } from "../../client/connection-error.ts";
import { statusErrorOf } from "../../client/http-answer.ts";
import type { Status } from "../../apimachinery/status-error.ts";
import { ExitError } from "../errors.ts";
import type { Session } from "../session.ts";

/** Channels of the protocol v5.channel.k8s.io: the first byte of every message. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const subprotocol = "v5.channel.k8s.io";
const handshakeTimeoutMs = 30_000;
/** What may wait to be sent before reading from the terminal pauses. */
const sendBufferBytesMax = 1 << 20;
const stdinChunkBytesMax = 32 * 1024;

export interface RemoteCommand {
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly stdin: NodeJS.ReadableStream | undefined;
  readonly tty: boolean;
  /** Ends the session, but not what runs there, when these bytes are typed. */
  readonly detachKeys?: Uint8Array;
  /** Told twice, a bit larger and then as it is, so that what is shown there is drawn again. */
  readonly redraw?: boolean;
}

interface Terminal {
  setRawMode?(raw: boolean): unknown;
  readonly isRaw?: boolean;
  readonly isTTY?: boolean;
}
/** Standard output, where it is a terminal. */
interface Screen {
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

interface Dialed {
  readonly socket: WebSocket;
  /** Settles when the server has answered; what it sends may arrive in the same instant, so listen before. */
  readonly opened: Promise<void>;
}

async function dial(session: Session, { path, query }: RemoteCommand): Promise<Dialed> {
  const { server, certificateAuthority, clientCertificate, clientKey, token, tokenFile, username, password, impersonate, tlsServerName, insecureSkipTlsVerify } = await session.connection();
  const bearer = token ?? (tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim());
  const url = new URL(server);
  const search = query.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join("&");
  const socket = new WebSocket(`${url.protocol === "http:" ? "ws" : "wss"}://${url.host}${url.pathname.replace(/\/$/, "")}${path}?${search}`, subprotocol, {
    headers: {
      ...(bearer !== undefined ? { authorization: `Bearer ${bearer}` } : username !== undefined ? { authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` } : {}),
      ...(impersonate && { "impersonate-user": impersonate.user, ...(impersonate.groups && impersonate.groups.length > 0 && { "impersonate-group": [...impersonate.groups] }) }),
    } as Record<string, string>,
    handshakeTimeout: handshakeTimeoutMs, perMessageDeflate: false,
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }), ...(clientCertificate !== undefined && { cert: clientCertificate }), ...(clientKey !== undefined && { key: clientKey }),
    ...(tlsServerName !== undefined && { servername: tlsServerName }), ...(insecureSkipTlsVerify === true && { rejectUnauthorized: false }),
  });
  const opened = Promise.withResolvers<void>();
  socket.once("open", () => opened.resolve());
  socket.once("error", (cause) => opened.reject(new ConnectionError(cause.message, { cause })));
  socket.once("unexpected-response", (_request, response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    response.once("end", () => opened.reject(statusErrorOf(text, response.statusCode ?? 500, { group: "", resource: "pods", verb: "get" })));
    response.once("error", (cause) => opened.reject(new ConnectionError(cause.message, { cause })));
  });
  return { socket, opened: opened.promise };
}

const bytesOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data));

/** What the server said at the end; 0 when all went well, otherwise throws what kubectl says. */
function verdict(text: string): void {
  const status = JSON.parse(text) as Status;
  if (status.status === "Success") return;
  if (status.reason === "NonZeroExitCode") {
    const code = Number(status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message ?? 1);
    throw new ExitError(code, `command terminated with exit code ${code}`);
  }
  throw new Error(status.message ?? "error executing remote command");
}

/** Runs a command in a container, or attaches to one, with this process's own streams, until it ends. */
export async function runRemote(session: Session, command: RemoteCommand): Promise<void> {
  const { socket, opened } = await dial(session, command);
  const terminal = command.tty ? (command.stdin as (NodeJS.ReadableStream & Terminal) | undefined) : undefined;
  const ended = Promise.withResolvers<void>();
  let told: string | undefined;
  const send = (to: number, data: Uint8Array | string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.concat([Buffer.of(to), Buffer.from(data as string)]));
  };
  socket.on("message", (data) => {
    const message = bytesOf(data);
    const rest = message.subarray(1);
    if (message[0] === channel.stdout) session.stdout.write(rest);
    else if (message[0] === channel.stderr) session.stderr.write(rest);
    else if (message[0] === channel.error) told = (told ?? "") + rest.toString("utf8");
  });
  socket.once("close", () => ended.resolve());
  socket.once("error", (cause) => ended.reject(new ConnectionError(cause.message, { cause })));
  ended.promise.catch(() => undefined); // Told by whoever waits for the answer, where there is none yet.
  const abort = (): void => socket.terminate();
  session.signal.addEventListener("abort", abort, { once: true });
  const screen = session.stdout as unknown as Screen;
  const resize = (): void => {
    if (screen.columns !== undefined && screen.rows !== undefined) send(channel.resize, JSON.stringify({ Width: screen.columns, Height: screen.rows }));
  };
  let detached = false;
  const input = command.stdin && new Input(command.stdin, {
    send: (data) => send(channel.stdin, data), end: () => send(channel.close, Buffer.of(channel.stdin)), waiting: () => socket.bufferedAmount,
    detach: () => {
      detached = true;
      socket.close();
    },
  }, command.tty ? command.detachKeys : undefined);
  try {
    await opened;
    if (terminal) {
      terminal.setRawMode?.(true);
      if (command.redraw === true && screen.columns !== undefined && screen.rows !== undefined) send(channel.resize, JSON.stringify({ Width: screen.columns + 1, Height: screen.rows + 1 }));
      resize();
      screen.on?.("resize", resize);
    }
    input?.start();
    await ended.promise;
    session.signal.throwIfAborted();
    if (told !== undefined && !detached) verdict(told);
  } finally {
    input?.stop();
    if (terminal) {
      terminal.setRawMode?.(false);
      screen.off?.("resize", resize);
    }
    session.signal.removeEventListener("abort", abort);
    socket.terminate();
  }
}

interface Sink {
  send(data: Uint8Array): void;
  end(): void;
  waiting(): number;
  detach(): void;
}

/** Passes what is typed or piped on, and looks out for the keys that detach. */
class Input {
  readonly #stream: NodeJS.ReadableStream;
  readonly #sink: Sink;
  readonly #keys: Uint8Array | undefined;
  #held = 0;

  constructor(stream: NodeJS.ReadableStream, sink: Sink, keys: Uint8Array | undefined) {
    this.#stream = stream;
    this.#sink = sink;
    this.#keys = keys !== undefined && keys.length > 0 ? keys : undefined;
  }

  start(): void {
    this.#stream.on("data", this.#onData);
    this.#stream.once("end", this.#onEnd);
    this.#stream.resume();
  }

  stop(): void {
    this.#stream.off("data", this.#onData);
    this.#stream.off("end", this.#onEnd);
    this.#stream.pause();
    // A terminal that is still read keeps the process from ending.
    (this.#stream as { unref?(): unknown }).unref?.();
  }

  readonly #onEnd = (): void => this.#sink.end();

  readonly #onData = (chunk: Uint8Array | string): void => {
    const { data, detach } = this.#withoutKeys(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    for (let at = 0; at < data.length; at += stdinChunkBytesMax) this.#sink.send(data.subarray(at, at + stdinChunkBytesMax));
    if (detach) return this.#sink.detach();
    if (this.#sink.waiting() > sendBufferBytesMax) {
      this.#stream.pause();
      setImmediate(this.#resume);
    }
  };

  readonly #resume = (): void => {
    if (this.#sink.waiting() > sendBufferBytesMax) setImmediate(this.#resume);
    else this.#stream.resume();
  };

  #withoutKeys(data: Uint8Array): { readonly data: Uint8Array; readonly detach: boolean } {
    const keys = this.#keys;
    if (!keys) return { data, detach: false };
    const out: number[] = [];
    for (const byte of data) {
      if (byte === keys[this.#held]) {
        if (++this.#held === keys.length) return { data: Uint8Array.from(out), detach: true };
        continue;
      }
      out.push(...keys.subarray(0, this.#held), byte);
      this.#held = 0;
    }
    return { data: Uint8Array.from(out), detach: false };
  }
}

/** "ctrl-p,ctrl-q" → the bytes that a terminal sends for them. */
export function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(",").map((key) => {
    const control = /^ctrl-(.)$/.exec(key)?.[1];
    if (control === undefined) {
      if (key.length !== 1) throw new Error(`could not bind detach keys: Unknown character: '${key}'`);
      return key.charCodeAt(0);
    }
    return control.toLowerCase().charCodeAt(0) & 0x1f;
  }));
}
