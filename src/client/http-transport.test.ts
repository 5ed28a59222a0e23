import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { pods } from "../api/generated/core-v1.ts";
import { notFoundError, type StatusError } from "../apimachinery/status-error.ts";
import { systemClock } from "../stdx/clock.ts";
import { ConnectionError } from "./connection-error.ts";
import { HttpTransport } from "./http-transport.ts";
import { TypedClient } from "./typed-client.ts";

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

async function serve(handler: Handler) {
  const server: Http2Server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => void sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => undefined); // A client that goes away is part of the tests.
    handler(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const transport = new HttpTransport({ connection: { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`, token: "secret" }, clock: systemClock });
  return {
    transport, client: new TypedClient(transport), sessions,
    async [Symbol.asyncDispose]() {
      transport[Symbol.dispose]();
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
const answer = (stream: ServerHttp2Stream, status: number, body: unknown, headers: Record<string, string> = {}) => {
  stream.respond({ ":status": status, "content-type": "application/json", ...headers });
  stream.end(JSON.stringify(body));
};

test("sends what the HTTP API expects and gives back what it answers", async () => {
  const seen: string[] = [];
  await using world = await serve((stream, headers) => {
    let text = "";
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
    stream.on("end", () => {
      seen.push([headers[":method"], headers[":path"], headers.authorization, headers["content-type"], text].join(" "));
      answer(stream, 200, { kind: "Pod", metadata: { name: "é" } });
    });
  });
  const made = await world.client.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "é", namespace: "default" } }, { dryRun: true });
  assert.equal(made.metadata.name, "é");
  await world.client.patch(pods, { name: "a", namespace: "default" }, "application/merge-patch+json", { x: 1 }, { subresource: "status" });
  assert.deepEqual(seen, [
    'POST /prefix/api/v1/namespaces/default/pods?dryRun=All Bearer secret application/json {"apiVersion":"v1","kind":"Pod","metadata":{"name":"é","namespace":"default"}}',
    'PATCH /prefix/api/v1/namespaces/default/pods/a/status Bearer secret application/merge-patch+json {"x":1}',
  ]);
});

test("a Status becomes a StatusError, other text too", async () => {
  await using world = await serve((stream, headers) => {
    if (headers[":path"]?.includes("/pods/a")) answer(stream, 404, notFoundError({ group: "", resource: "pods" }, "a").toStatus());
    else {
      stream.respond({ ":status": 503 });
      stream.end("not now");
    }
  });
  await assert.rejects(world.client.get(pods, { name: "a", namespace: "default" }), (error: StatusError) => error.reason === "NotFound" && error.message === 'pods "a" not found');
  await assert.rejects(world.client.get(pods, { name: "b", namespace: "default" }), (error: StatusError) => error.reason === "ServiceUnavailable" && error.message === "not now");
});

test("a watch delivers lines however they are cut, and ends with an error when the connection breaks", async () => {
  await using world = await serve((stream) => {
    stream.respond({ ":status": 200 });
    const text = '{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":"DELETED","object":{"metadata":{"name":"é"}}}\n';
    const bytes = Buffer.from(text);
    stream.write(bytes.subarray(0, 30));
    stream.write(bytes.subarray(30, bytes.length - 12));
    stream.write(bytes.subarray(bytes.length - 12), () => setImmediate(() => stream.session?.destroy()));
  });
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const event of world.client.watch(pods, {})) seen.push(`${event.type} ${(event.object as { metadata: { name: string } }).metadata.name}`);
  }, ConnectionError);
  assert.deepEqual(seen, ["ADDED a", "DELETED é"]);
});

test("disposing a watch ends it quietly and tells the server", async () => {
  const closed = Promise.withResolvers<void>();
  await using world = await serve((stream) => {
    stream.on("close", () => closed.resolve());
    stream.respond({ ":status": 200 });
    stream.write('{"type":"ADDED","object":{}}\n');
  });
  const watch = world.client.watch(pods, {});
  for await (const _ of watch) watch[Symbol.dispose]();
  await closed.promise;
});

test("opens a new connection when the old one is gone; nobody listening is a ConnectionError", async () => {
  let requests = 0;
  const world = await serve((stream) => {
    requests++;
    answer(stream, 200, { kind: "Pod", metadata: {} });
  });
  await world.client.get(pods, { name: "a", namespace: "default" });
  for (const session of world.sessions) session.destroy();
  await world.client.get(pods, { name: "a", namespace: "default" });
  assert.equal(requests, 2);
  await world[Symbol.asyncDispose]();
  using gone = new HttpTransport({ connection: world.transport.connection, clock: systemClock });
  await assert.rejects(new TypedClient(gone).get(pods, { name: "a", namespace: "default" }), ConnectionError);
});

test("comes back later when asked to, and stops when told", async () => {
  let requests = 0;
  await using world = await serve((stream) => {
    if (requests++ === 0) answer(stream, 429, { kind: "Status", status: "Failure", code: 429 }, { "retry-after": "0" });
    else answer(stream, 200, {});
  });
  await world.client.get(pods, { name: "a", namespace: "default" });
  assert.equal(requests, 2);
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await assert.rejects(world.client.get(pods, { name: "a", namespace: "default" }, { signal: stop.signal }), /enough/);
});
