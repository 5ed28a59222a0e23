import { connect, type ClientHttp2Session } from "node:http2";
import { json } from "node:stream/consumers";
import { p99 } from "./table.ts";

/** Many watchers of one resource, and a writer beside them in the same process, so that both have one clock. */
export interface WatchersInput {
  readonly origin: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly watchPath: string;
  readonly watchers: number;
  readonly connections: number;
  readonly createPath: string;
  /** JSON; "%d" is replaced by the number of the object. */
  readonly body: string;
  readonly creates: number;
  readonly inFlight: number;
}
export interface WatchersFigure {
  readonly eventsPerSecond: number;
  /** From the answer to the writer, which leaves the server when the write is durable, to the event at the last watcher that gets it. */
  readonly lagP99Ms: number;
  /** From the sending of a create to its event at the last watcher. */
  readonly createToEventP99Ms: number;
}

const newline = 0x0a;
const patienceMs = 60_000;

async function run(input: WatchersInput): Promise<WatchersFigure> {
  const { watchers, creates } = input;
  const open = async (): Promise<ClientHttp2Session> => {
    const session = connect(input.origin, { ca: input.ca, cert: input.certificate, key: input.key, servername: "localhost", settings: { initialWindowSize: 1 << 20 }, peerMaxConcurrentStreams: 2000 });
    await new Promise<void>((resolve, reject) => void session.once("connect", () => resolve()).once("error", reject));
    session.setLocalWindowSize(1 << 26);
    return session;
  };
  const sessions = await Promise.all(Array.from({ length: input.connections }, open));
  const writer = await open();

  // Events come to each watcher in the order of the writes; the n-th event of the slowest watcher tells when all had the n-th.
  const counts = new Uint32Array(watchers);
  const reached = new Uint32Array(creates);
  const lastSeenMs = new Float64Array(creates);
  const all = Promise.withResolvers<void>();
  let missing = watchers * creates;
  await Promise.all(Array.from({ length: watchers }, (_, index) => new Promise<void>((resolve, reject) => {
    const stream = sessions[index % sessions.length]?.request({ ":method": "GET", ":path": input.watchPath, "accept": "application/json" });
    stream?.on("response", () => resolve());
    stream?.on("error", reject);
    stream?.on("data", (chunk: Buffer) => {
      const now = performance.now();
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) {
        const number = counts[index] ?? 0;
        counts[index] = number + 1;
        reached[number] = (reached[number] ?? 0) + 1;
        if (reached[number] === watchers) lastSeenMs[number] = now;
        if (--missing === 0) all.resolve();
      }
    });
  })));

  const [sentMs, answeredMs]: [number[], number[]] = [[], []];
  let next = 0;
  const began = performance.now();
  const late = setTimeout(() => all.reject(new Error(`${missing} events are missing after a minute`)), patienceMs);
  await Promise.all(Array.from({ length: input.inFlight }, async () => {
    while (next < creates) {
      const number = next++;
      const sent = performance.now();
      await create(writer, input, input.body.replaceAll("%d", String(number)));
      sentMs.push(sent);
      answeredMs.push(performance.now());
    }
  }));
  await all.promise;
  clearTimeout(late);
  const seconds = (performance.now() - began) / 1000;
  const inOrder = (times: readonly number[]) => times.toSorted((a, b) => a - b);
  const [sent, answered] = [inOrder(sentMs), inOrder(answeredMs)];
  const after = (from: readonly number[]) => [...lastSeenMs].map((seen, number) => Math.max(0, seen - (from[number] ?? seen)));
  for (const session of [...sessions, writer]) session.destroy();
  return { eventsPerSecond: (watchers * creates) / seconds, lagP99Ms: p99(after(answered)), createToEventP99Ms: p99(after(sent)) };
}

function create(session: ClientHttp2Session, { createPath }: WatchersInput, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": createPath, "content-type": "application/json" });
    let status = 0;
    stream.on("response", (headers) => (status = Number(headers[":status"])));
    stream.on("data", () => {});
    stream.on("end", () => (status < 300 ? resolve() : reject(new Error(`POST ${createPath}: ${status}`))));
    stream.on("error", reject);
    stream.end(body);
  });
}

if (import.meta.main) console.log(JSON.stringify(await run((await json(process.stdin)) as WatchersInput)));
