import { createSocket } from "node:dgram";
import { connect } from "node:net";

/** Asks another name server and hands its answer on as it is. */
export interface Forwarder {
  /** Undefined when nobody answers in time. */
  ask(query: Buffer, options: { readonly tcp: boolean; readonly signal: AbortSignal }): Promise<Buffer | undefined>;
}

const answerMsMax = 2_000;
const forwardsMax = 500;

/** Tries the servers in order. */
export function forwarderTo(servers: readonly string[]): Forwarder {
  let under = 0;
  return {
    async ask(query, { tcp, signal }) {
      if (under >= forwardsMax) return undefined;
      under++;
      try {
        for (const server of servers) {
          const answer = await (tcp ? askTcp(server, query, signal) : askUdp(server, query, signal));
          if (answer) return answer;
        }
        return undefined;
      } finally {
        under--;
      }
    },
  };
}

function askUdp(server: string, query: Buffer, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
    const late = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]);
    const done = (answer: Buffer | undefined) => {
      late.removeEventListener("abort", give);
      socket.close();
      resolve(answer);
    };
    const give = () => done(undefined);
    late.addEventListener("abort", give, { once: true });
    socket.once("error", give);
    // A socket of its own with a port of the kernel's choice per question, and connected, so that only the server can answer; the id is checked as well.
    socket.connect(53, server, () => socket.send(query, (error) => error && give()));
    socket.on("message", (answer) => answer.length >= 12 && answer.readUInt16BE(0) === query.readUInt16BE(0) && done(answer));
  });
}

function askTcp(server: string, query: Buffer, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port: 53, signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]) });
    const parts: Buffer[] = [];
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.on("connect", () => socket.write(Buffer.concat([length, query])));
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      const all = Buffer.concat(parts);
      if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return;
      resolve(all.subarray(2, 2 + all.readUInt16BE(0)));
      socket.destroy();
    });
    socket.on("error", () => resolve(undefined));
    socket.on("close", () => resolve(undefined));
  });
}

/** The name servers of a resolv.conf; loopback ones are left out, since they answer only in the machine's own namespace. */
export const nameServersOf = (text: string): readonly string[] =>
  text.split("\n").flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []).filter((server) => !server.startsWith("127.") && server !== "::1").slice(0, 3);
