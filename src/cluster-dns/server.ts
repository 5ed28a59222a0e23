import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import type { DecodedPacket } from "dns-packet";
import type { Log } from "../stdx/log.ts";
import type { Forwarder } from "./forward.ts";
import { answerQuestion, readMessage, responseCodes, udpLimit, writeResponse, type Zone } from "./message.ts";

export interface DnsServerOptions {
  readonly host: string;
  /** 53, or 0 for any free one (the same for UDP and TCP). */
  readonly port: number;
  readonly zone: Zone;
  /** Names outside of the cluster; undefined where there is nobody to ask. */
  readonly forwarder: Forwarder | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface DnsServer extends AsyncDisposable {
  readonly port: number;
}

const tcpBytesMax = 65_535;
const tcpIdleMsMax = 10_000;
const tcpConnectionsMax = 1_000;

/** Answers one query; undefined when it is not one. */
export async function respond(options: Pick<DnsServerOptions, "zone" | "forwarder" | "signal">, bytes: Buffer, tcp: boolean): Promise<Buffer | undefined> {
  const query = readMessage(bytes);
  if (!query || query.type !== "query") return undefined;
  const bytesMax = tcp ? tcpBytesMax : udpLimit(query);
  const [question] = query.questions ?? [];
  if (!question || query.questions?.length !== 1) return writeResponse(query, { code: responseCodes.formatError }, bytesMax);
  if ((((query.flags ?? 0) >> 11) & 0xf) !== 0) return writeResponse(query, { code: responseCodes.notImplemented }, bytesMax);

  const own = answerQuestion(options.zone, question);
  if (own) {
    const chased = own.cname === undefined ? [] : await chase(options, query, own.cname, question.type, tcp);
    return writeResponse(query, { ...own, answers: [...own.answers, ...chased], authoritative: true }, bytesMax);
  }
  const answer = await options.forwarder?.ask(bytes, { tcp, signal: options.signal });
  return answer ?? writeResponse(query, { code: responseCodes.serverFailure }, bytesMax);
}

/** An ExternalName leads somewhere: the addresses there come with the answer, as resolvers of libraries expect. */
async function chase(options: Pick<DnsServerOptions, "zone" | "forwarder" | "signal">, query: DecodedPacket, target: string, type: string, tcp: boolean) {
  const question = { name: target, type, class: "IN" as const };
  const own = answerQuestion(options.zone, question);
  if (own) return own.answers;
  const { encode } = await import("dns-packet");
  const answer = await options.forwarder?.ask(encode({ type: "query", id: query.id ?? 0, flags: query.flags ?? 0, questions: [question as never] }), { tcp, signal: options.signal });
  return (answer && readMessage(answer)?.answers) || [];
}

export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { host, log, signal } = options;
  const udp = createSocket("udp4");
  const tcp = createServer();
  tcp.maxConnections = tcpConnectionsMax;
  const open = new Set<Socket>();
  serveUdp(udp, options, log);
  serveTcp(tcp, options, log, open);
  const port = await listenTcp(tcp, host, options.port);
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind({ address: host, port }, () => {
      udp.off("error", reject);
      udp.on("error", (error) => log.warn("DNS over UDP", { error }));
      resolve();
    });
  });
  const close = async () => {
    udp.close();
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => tcp.close(resolve));
  };
  let closed: Promise<void> | undefined;
  const closeOnce = () => (closed ??= close());
  signal.addEventListener("abort", () => void closeOnce(), { once: true });
  return { port, [Symbol.asyncDispose]: closeOnce };
}

const listenTcp = (server: Server, host: string, port: number): Promise<number> => new Promise((resolve, reject) => {
  server.once("error", reject);
  server.listen({ host, port }, () => {
    const address = server.address();
    resolve(typeof address === "object" && address ? address.port : port);
  });
});

function serveUdp(udp: UdpSocket, options: DnsServerOptions, log: Log): void {
  udp.on("message", (bytes, from) => {
    respond(options, bytes, false).then((answer) => answer && udp.send(answer, from.port, from.address, () => {}), (error: unknown) => log.error("a DNS query failed", { error }));
  });
}

function serveTcp(tcp: Server, options: DnsServerOptions, log: Log, open: Set<Socket>): void {
  tcp.on("connection", (socket) => {
    open.add(socket);
    let pending: Buffer = Buffer.alloc(0);
    socket.setTimeout(tcpIdleMsMax, () => socket.destroy());
    socket.on("error", () => {}); // The client went.
    socket.on("close", () => open.delete(socket));
    socket.on("data", (part: Buffer) => {
      pending = Buffer.concat([pending, part]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const bytes = pending.subarray(2, 2 + pending.readUInt16BE(0));
        pending = pending.subarray(2 + bytes.length);
        respond(options, Buffer.from(bytes), true).then((answer) => {
          if (!answer || socket.destroyed) return;
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        }, (error: unknown) => log.error("a DNS query failed", { error }));
      }
    });
  });
}
