import { connect, type ClientHttp2Session } from "node:http2";
import { json } from "node:stream/consumers";
import { p99 } from "./table.ts";

/** Load from a process of its own: so many requests in flight over so many connections, for so long. */
export interface LoadInput {
  readonly origin: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** application/json by default. */
  readonly accept?: string;
  /** JSON to send; each "%d" in it is replaced by a number that no other request has. */
  readonly body?: string;
  readonly firstNumber: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Ends sooner when so many were sent. */
  readonly requestsMax?: number;
  /** The answer counts as complete when this came in it: for watches, which do not end. */
  readonly untilText?: string;
  /** Asks, and takes nothing of the answers. */
  readonly unread?: boolean;
}
export interface LoadFigure {
  readonly perSecond: number;
  /** How long one request took, of a hundred only one took longer; in milliseconds. */
  readonly p99Ms: number;
  readonly requests: number;
  readonly bytes: number;
  readonly firstAnswer: string;
}

function one(session: ClientHttp2Session, { method, path, accept = "application/json", untilText, unread, durationMs }: LoadInput, body: string | undefined, keep: boolean): Promise<{ readonly bytes: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, accept, ...(body !== undefined && { "content-type": "application/json" }) }, { endStream: body === undefined });
    let status = 0;
    let bytes = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => (status = Number(headers[":status"])));
    if (unread === true) {
      setTimeout(() => {
        stream.close();
        resolve({ bytes, text: "" });
      }, durationMs);
      return;
    }
    let tail = "";
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (untilText !== undefined) {
        tail = tail.slice(-untilText.length) + chunk.toString("latin1");
        if (tail.includes(untilText)) {
          stream.close();
          resolve({ bytes, text: "" });
        }
      }
      if (keep || status >= 300) chunks.push(chunk);
    });
    stream.on("end", () => (status < 300 ? resolve({ bytes, text: Buffer.concat(chunks).toString() }) : reject(new Error(`${method} ${path}: ${status} ${Buffer.concat(chunks).toString().slice(0, 500)}`))));
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
  });
}

async function load(input: LoadInput): Promise<LoadFigure> {
  const sessions = Array.from({ length: input.connections }, () => connect(input.origin, { ca: input.ca, cert: input.certificate, key: input.key, servername: "localhost", settings: { initialWindowSize: 1 << 24 } }));
  await Promise.all(sessions.map((session) => new Promise<void>((resolve, reject) => {
    session.once("connect", () => {
      session.setLocalWindowSize(1 << 26);
      resolve();
    });
    session.once("error", reject);
  })));
  let number = input.firstNumber;
  let [requests, bytes, firstAnswer] = [0, 0, ""];
  const taken: number[] = [];
  const began = performance.now();
  const end = began + input.durationMs;
  const max = input.firstNumber + (input.requestsMax ?? Number.MAX_SAFE_INTEGER);
  await Promise.all(Array.from({ length: input.inFlight }, async (_, i) => {
    const session = sessions[i % sessions.length];
    if (!session) return;
    while (performance.now() < end && number < max) {
      const own = number++;
      const asked = performance.now();
      const answer = await one(session, input, input.body?.replaceAll("%d", String(own)), input.requestsMax === 1);
      requests++;
      taken.push(performance.now() - asked);
      bytes += answer.bytes;
      if (own === input.firstNumber) firstAnswer = answer.text;
    }
  }));
  const seconds = (performance.now() - began) / 1000;
  for (const session of sessions) session[input.unread === true ? "destroy" : "close"]();
  return { perSecond: requests / seconds, p99Ms: p99(taken), requests, bytes, firstAnswer };
}

if (import.meta.main) console.log(JSON.stringify(await load((await json(process.stdin)) as LoadInput)));
