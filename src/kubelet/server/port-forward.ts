import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { joinStreams } from "../../stdx/join-streams.ts";
import { SpdyConnection, type SpdyStream } from "../../stdx/spdy/connection.ts";
import { acceptWebSocket, openChannelSocket } from "./channel-socket.ts";
import { upgradeToSpdy } from "./upgrade.ts";

export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";
export const portForwardChannelProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io", ""] as const;
const spdyProtocol = "portforward.k8s.io";

interface Forwarding {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Where the runtime speaks SPDY for this pod's ports. */
  readonly url: string;
  readonly signal: AbortSignal;
}

/** The bytes in the binary messages of a WebSocket, as a stream. */
function bytesOf(webSocket: WebSocket): Duplex {
  const stream = new Duplex({
    read: () => webSocket.resume(),
    write: (chunk: Buffer, _, done) => (webSocket.readyState === webSocket.OPEN ? webSocket.send(chunk, { binary: true }, (error) => done(error)) : done()),
    final: (done) => {
      webSocket.close(1000);
      done();
    },
    destroy: (error, done) => {
      webSocket.terminate();
      done(error);
    },
  });
  webSocket.on("message", (data: Buffer) => void (stream.push(data) || webSocket.pause()));
  webSocket.on("close", () => stream.push(null));
  webSocket.on("error", (error) => stream.destroy(error));
  return stream;
}

/** kubectl's way: SPDY inside of WebSocket messages. The runtime speaks the same SPDY, so the bytes are only carried over. */
export async function serveTunnel({ request, socket, head, url, signal }: Forwarding): Promise<void> {
  const upgraded = await upgradeToSpdy(url, { protocols: [spdyProtocol], signal });
  const webSocket = await acceptWebSocket(request, socket, head, tunnelProtocol);
  const client = bytesOf(webSocket);
  if (upgraded.head.length > 0) client.write(upgraded.head);
  await joinStreams(client, upgraded.socket);
}

/**
 * The way of clients that do not speak SPDY: the ports are named in the query, and each has two channels, for data and for an error text. Each begins
 * with the number of its port, in two bytes, low one first.
 */
export async function servePortChannels(options: Forwarding & { readonly protocol: string; readonly ports: readonly number[] }): Promise<void> {
  const { request, socket, head, url, signal, protocol, ports } = options;
  const upgraded = await upgradeToSpdy(url, { protocols: [spdyProtocol], signal });
  using connection = new SpdyConnection(upgraded.socket, upgraded.head);
  const open = (streamtype: string, port: number, index: number): SpdyStream => {
    const stream = connection.open({ streamtype, port: String(port), requestID: String(index) });
    stream.on("error", () => {}); // The client sees its channel end.
    return stream;
  };
  const pairs = ports.map((port, index) => {
    const error = open("error", port, index);
    error.end();
    return { port, error, data: open("data", port, index) };
  });
  const gone = Promise.withResolvers<void>();
  const client = await openChannelSocket(request, socket, head, protocol, {
    onMessage: (channel, data) => void (channel % 2 === 0 && data.length > 0 && pairs[channel / 2]?.data.write(data)),
    onChannelClosed: (channel) => void (channel % 2 === 0 && pairs[channel / 2]?.data.end()),
    onClosed: () => gone.resolve(),
  });
  const copy = async (stream: SpdyStream, channel: number, port: number): Promise<void> => {
    await client.send(channel, Buffer.from([port & 0xff, port >> 8]));
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) await client.send(channel, chunk as Buffer);
  };
  await Promise.race([gone.promise, Promise.allSettled(pairs.flatMap(({ data, error, port }, index) => [copy(data, index * 2, port), copy(error, index * 2 + 1, port)]))]);
  client.close();
}
