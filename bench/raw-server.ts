import { readFileSync } from "node:fs";
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** What a bare node:http2 server can do with the same bytes over the same TLS: the ceiling of what any server on it can. */
export interface RawServerInput {
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string;
  /** Method and path (without what follows "?") to the file that holds the answer; anything else is answered with the last. */
  readonly answers: Readonly<Record<string, string>>;
  /** A file whose content goes to all who watch, each time that somebody posts. */
  readonly event?: string;
}

if (import.meta.main) {
  const input = (await json(process.stdin)) as RawServerInput;
  const bodies = new Map(Object.entries(input.answers).map(([what, file]) => [what, readFileSync(file)]));
  const server = createSecureServer({
    cert: input.certificate, key: input.key, ca: input.clientCa, requestCert: true, rejectUnauthorized: false, settings: { maxConcurrentStreams: 250 },
  });
  const event = input.event === undefined ? undefined : readFileSync(input.event);
  const watching = new Set<ServerHttp2Stream>();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {}); // The client ends in the middle of a request when its time is over.
    if (event && (headers[":path"] ?? "").includes("watch=true")) {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      watching.add(stream);
      stream.on("close", () => watching.delete(stream));
      return;
    }
    const answer = () => {
      if (event) for (const each of watching) each.write(event);
      const body = bodies.get(`${headers[":method"]} ${headers[":path"]?.split("?")[0]}`);
      if (stream.destroyed) return;
      stream.respond({ ":status": body || event ? 200 : 404, "content-type": "application/json", "content-length": body?.length ?? 0 });
      stream.end(body);
    };
    if (headers[":method"] === "GET") return answer();
    stream.on("data", () => {});
    stream.on("end", answer);
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
}
