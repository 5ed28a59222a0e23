import type { IncomingMessage } from "node:http";
import { finished } from "node:stream/promises";
import type { Duplex } from "node:stream";
import { SpdyConnection, type SpdyStream } from "../../stdx/spdy/connection.ts";
import { openChannelSocket, type ChannelSocket } from "./channel-socket.ts";
import { upgradeToSpdy } from "./upgrade.ts";

/** Which of the streams of a command the client wants. */
export interface RemoteCommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export const remoteCommandProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io", ""] as const;

/** Channels of the WebSocket, by number. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const spdyProtocol = "v4.channel.k8s.io";
const statusBytesMax = 1024 * 1024;

/** Before version 4 the error channel carried plain text, and nothing where all went well. */
function statusFor(protocol: string, status: Buffer): Buffer | undefined {
  if (protocol.startsWith("v4.") || protocol.startsWith("v5.")) return status;
  try {
    const { status: outcome, message = "" } = JSON.parse(status.toString()) as { readonly status?: string; readonly message?: string };
    return outcome === "Success" ? undefined : Buffer.from(message);
  } catch {
    return status; // The runtime said something that is no Status: pass on what it said.
  }
}

/**
 * Serves one exec or attach: the client speaks WebSocket channels, the runtime SPDY at `url`. Ends when the command has ended and all its output has
 * been sent, or when the client goes away, which ends the command's streams.
 */
export async function serveRemoteCommand(options: {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly protocol: string;
  readonly streams: RemoteCommandStreams;
  readonly url: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { request, socket, head, protocol, streams, url, signal } = options;
  const upgraded = await upgradeToSpdy(url, { protocols: [spdyProtocol], signal });
  using connection = new SpdyConnection(upgraded.socket, upgraded.head);
  const open = (wanted: boolean, streamtype: string): SpdyStream | undefined => {
    if (!wanted) return undefined;
    const stream = connection.open({ streamtype });
    stream.on("error", () => {}); // Seen where it matters: the status stream is awaited below.
    return stream;
  };
  const error = open(true, "error");
  const stdin = open(streams.stdin, "stdin");
  const stdout = open(streams.stdout, "stdout");
  const stderr = open(streams.stderr && !streams.tty, "stderr");
  const resize = open(streams.tty, "resize");

  const gone = Promise.withResolvers<void>();
  let client: ChannelSocket | undefined;
  const into = (stream: SpdyStream | undefined, data: Buffer) => {
    if (!stream || stream.writableEnded || stream.destroyed || data.length === 0) return;
    if (stream.write(data)) return;
    client?.pause();
    stream.once("drain", () => client?.resume());
  };
  client = await openChannelSocket(request, socket, head, protocol, {
    onMessage: (channel, data) => into(channel === channels.stdin ? stdin : channel === channels.resize ? resize : undefined, data),
    onChannelClosed: (channel) => void (channel === channels.stdin && stdin?.end()),
    onClosed: () => gone.resolve(),
  });
  const { send } = client;
  // Tells the client that the connection stands; some wait for it before they send.
  await send(stdout ? channels.stdout : stderr ? channels.stderr : channels.error, new Uint8Array());

  const copy = async (stream: SpdyStream | undefined, channel: number): Promise<void> => {
    if (!stream) return;
    for await (const chunk of stream) await send(channel, chunk as Buffer);
  };
  const status = async (): Promise<Buffer> => {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of error ?? []) if ((size += (chunk as Buffer).length) <= statusBytesMax) parts.push(chunk as Buffer);
    return Buffer.concat(parts);
  };
  const command = (async (): Promise<boolean> => {
    const [outcome] = await Promise.allSettled([status(), copy(stdout, channels.stdout), copy(stderr, channels.stderr)]);
    if (outcome.status === "rejected" || outcome.value.length === 0) return false;
    const message = statusFor(protocol, outcome.value);
    if (message) await send(channels.error, message);
    return true;
  })();
  const told = await Promise.race([command, gone.promise]);
  stdin?.destroy();
  // A runtime tells how every command ended; when it did not, its connection broke, which must not look like success.
  if (told === true) client.close();
  else client.abort();
  await Promise.race([gone.promise, finished(socket).catch(() => {})]);
}
