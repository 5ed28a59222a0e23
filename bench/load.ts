import { connect, type ClientHttp2Session } from "node:http2";
import { json } from "node:stream/consumers";

/** Load from a process of its own: so many requests in flight over so many connections, for so long. */
export interface LoadInput {
  readonly origin: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON to send; each "%d" in it is replaced by a number that no other request has. */
  readonly body?: string;
  readonly firstNumber: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Ends sooner when so many were sent. */
  readonly requestsMax?: number;
}
export interface LoadFigure {
  readonly perSecond: number;
  readonly requests: number;
  readonly bytes: number;
  readonly firstAnswer: string;
}

function one(session: ClientHttp2Session, { method, path }: LoadInput, body: string | undefined, keep: boolean): Promise<{ readonly bytes: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, "accept": "application/json", ...(body !== undefined && { "content-type": "application/json" }) }, { endStream: body === undefined });
    let status = 0;
    let bytes = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => (status = Number(headers[":status"])));
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
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
  const began = performance.now();
  const end = began + input.durationMs;
  const max = input.firstNumber + (input.requestsMax ?? Number.MAX_SAFE_INTEGER);
  await Promise.all(Array.from({ length: input.inFlight }, async (_, i) => {
    const session = sessions[i % sessions.length];
    if (!session) return;
    while (performance.now() < end && number < max) {
      const own = number++;
      const answer = await one(session, input, input.body?.replaceAll("%d", String(own)), own === input.firstNumber);
      requests++;
      bytes += answer.bytes;
      if (own === input.firstNumber) firstAnswer = answer.text;
    }
  }));
  const seconds = (performance.now() - began) / 1000;
  for (const session of sessions) session.close();
  return { perSecond: requests / seconds, requests, bytes, firstAnswer };
}

if (import.meta.main) console.log(JSON.stringify(await load((await json(process.stdin)) as LoadInput)));
