import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";

/**
 * Several byte streams over one WebSocket, as Kubernetes does it: the first byte of a message names the channel. Subprotocols differ in whether messages
 * are binary or base64 text, and (from v5 on) in whether a channel can be closed: message [255, channel].
 */
export interface ChannelSocketOptions {
  /** Subprotocols of the caller's choice, best first; "" stands for a client that asks for none. */
  readonly protocols: readonly string[];
  readonly onMessage: (channel: number, data: Buffer) => void;
  /** The client will send no more on this channel. */
  readonly onChannelClosed: (channel: number) => void;
  readonly onClosed: () => void;
}

export interface ChannelSocket {
  readonly protocol: string;
  /** Resolves when the message has left, so that a sender can wait for a slow client. */
  send(channel: number, data: Uint8Array): Promise<void>;
  pause(): void;
  resume(): void;
  close(): void;
  /** Hangs up without a closing message, which clients take for a failure. */
  abort(): void;
}

const closeChannel = 255;
/** A message of a terminal or a file copy is far smaller. */
const messageBytesMax = 32 * 1024 * 1024;
const closeNormal = 1000;

const isBase64 = (protocol: string): boolean => protocol.includes("base64");

const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: messageBytesMax, perMessageDeflate: false, handleProtocols: () => false });

/** ws checks subprotocols more strictly than kubectl words them ("SPDY/3.1+portforward.k8s.io"), so they are settled here. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string): Promise<WebSocket> {
  delete request.headers["sec-websocket-protocol"];
  return new Promise((resolve) => {
    const addProtocol = (headers: string[], of: IncomingMessage) => {
      if (of === request && protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    };
    server.on("headers", addProtocol);
    try {
      server.handleUpgrade(request, socket, head, (webSocket) => resolve(webSocket));
    } finally {
      server.off("headers", addProtocol);
    }
  });
}

/** What the client asks for, in its order. */
export const requestedProtocols = (request: IncomingMessage): readonly string[] => {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  return header.split(",").map((each) => each.trim()).filter((each) => each !== "");
};

/** The first of ours that the client offers; undefined when it offers only others. */
export function chooseProtocol(requested: readonly string[], supported: readonly string[]): string | undefined {
  if (requested.length === 0) return supported.includes("") ? "" : undefined;
  return requested.find((each) => supported.includes(each));
}

export async function openChannelSocket(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string, options: Omit<ChannelSocketOptions, "protocols">): Promise<ChannelSocket> {
  const webSocket = await acceptWebSocket(request, socket, head, protocol);
  const base64 = isBase64(protocol);
  webSocket.on("message", (raw: Buffer, binary: boolean) => {
    if (raw.length === 0) return;
    const first = raw[0] ?? 0;
    if (base64 && !binary) options.onMessage(first - 0x30, Buffer.from(raw.subarray(1).toString("latin1"), "base64"));
    else if (first === closeChannel && protocol.startsWith("v5.")) options.onChannelClosed(raw[1] ?? 0);
    else options.onMessage(first, raw.subarray(1));
  });
  webSocket.on("close", options.onClosed);
  webSocket.on("error", () => webSocket.terminate()); // A client that breaks the protocol is hung up on; `close` follows.
  return {
    protocol,
    send: (channel, data) => new Promise((resolve) => {
      if (webSocket.readyState !== webSocket.OPEN) return resolve();
      const message = base64 ? String.fromCharCode(0x30 + channel) + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") : Buffer.concat([Buffer.from([channel]), data]);
      webSocket.send(message, { binary: !base64 }, () => resolve());
    }),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    close: () => webSocket.close(closeNormal),
    abort: () => webSocket.terminate(),
  };
}
