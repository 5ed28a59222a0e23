/** More than the server can do, and clients that take their time: those who ask within reason are served all the same. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { startTestServer, type TestServer } from "./fixture.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";

function session({ url, ca, pki }: TestServer): ClientHttp2Session & Disposable {
  const made = connectHttp2(url, { ca, cert: pki.admin.certificatePem, key: pki.admin.privateKeyPem });
  made.on("error", () => undefined);
  return Object.assign(made, { [Symbol.dispose]: () => made.destroy() });
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ readonly code: number; readonly headers: Readonly<Record<string, unknown>>; readonly text: string }> {
  const [headers] = await once(stream, "response", { signal: AbortSignal.timeout(10_000) }) as [Record<string, unknown>];
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
  return { code: Number(headers[":status"]), headers, text };
}

const get = (from: ClientHttp2Session, path: string, headers: Readonly<Record<string, string>> = {}) => answerOf(from.request({ ":path": path, ...headers }));
const post = (from: ClientHttp2Session, path: string, headers: Readonly<Record<string, string>> = {}) => from.request({ ":method": "POST", ":path": path, "content-type": "application/json", ...headers });

/** A change of which the second half of the body is still to come; resolves when the server works on it. */
async function half(from: ClientHttp2Session, started: TestServer, name: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly stream: ClientHttp2Stream; finish(): Promise<number> }> {
  const text = JSON.stringify({ metadata: { name } });
  const stream = post(from, configMaps, headers);
  stream.write(text.slice(0, 5));
  // The server has taken it up when it answers a later request on the same connection.
  await get(from, "/version");
  assert.ok(started.complaints.length === 0);
  return { stream, finish: async () => {
    stream.end(text.slice(5));
    return (await answerOf(stream)).code;
  } };
}

async function makeEditor({ local }: TestServer): Promise<void> {
  await local.request({ verb: "create", group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterrolebindings", body: {
    metadata: { name: "bob" }, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" }, subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "bob" }],
  } });
}

test("who asks for more than there is room for is told to come back, and administrators are not", async () => {
  await using started = await startTestServer({ inFlight: { readsMax: 10, changesMax: 1 } });
  await makeEditor(started);
  using from = session(started);
  const bob = { "impersonate-user": "bob" };
  const first = await half(from, started, "first", bob);
  const refused = post(from, configMaps, bob);
  refused.end('{"metadata":{"name":"second"}}');
  const { code, headers, text } = await answerOf(refused);
  assert.deepEqual([code, headers["retry-after"], headers["content-type"], text], [429, "1", "text/plain; charset=utf-8", "Too many requests, please try again later.\n"]);
  assert.equal((await get(from, configMaps, bob)).code, 200, "reads have room of their own");
  const admins = await half(from, started, "admins");
  assert.equal(await admins.finish(), 201);
  assert.equal(await first.finish(), 201);
  const again = await half(from, started, "third", bob);
  assert.equal(await again.finish(), 201, "what was through made room");
  const watch = from.request({ ":path": `${configMaps}?watch=true`, ...bob });
  await once(watch, "response");
  const beside = await half(from, started, "fourth", bob);
  assert.equal(await beside.finish(), 201);
  watch.close();
});

test("a request has its time, or less if its client says so", async () => {
  await using started = await startTestServer({ limits: { requestMs: 1_500 } });
  using from = session(started);
  for (const query of ["?timeout=200ms", ""]) {
    const stream = post(from, `${configMaps}${query}`);
    stream.write('{"meta');
    const { code, text } = await answerOf(stream);
    const { reason, message, details } = JSON.parse(text) as { readonly reason: string; readonly message: string; readonly details: unknown };
    assert.deepEqual([code, reason, message, details], [504, "Timeout", "Timeout: request did not complete within the allotted timeout", {}]);
    if (!stream.closed) await once(stream, "close");
  }
  const { code, text } = await get(from, `${configMaps}?timeout=soon`);
  assert.deepEqual([code, (JSON.parse(text) as { readonly message: string }).message], [400, 'invalid timeout specified in the request URL - time: invalid duration "soon"']);
  assert.equal((await get(from, `${configMaps}?timeout=0s`)).code, 200);
  assert.equal((await get(from, `${configMaps}?timeout=1h`)).code, 200);
});

const closed = async (socket: TLSSocket): Promise<string> => {
  let text = "";
  socket.on("error", () => undefined);
  socket.setEncoding("utf8").on("data", (piece: string) => void (text += piece));
  if (!socket.closed) await once(socket, "close", { signal: AbortSignal.timeout(15_000) });
  return text;
};

test("heads and bodies that come a byte at a time, and connections that say nothing, are ended", async () => {
  await using started = await startTestServer({ limits: { requestMs: 400, headMs: 400, idleMs: 400 } });
  const { server: { addresses: [address] }, ca, pki } = started;
  const connect = (alpn: string): TLSSocket => connectTls({ port: address?.port ?? 0, host: "127.0.0.1", ca, ALPNProtocols: [alpn], cert: pki.admin.certificatePem, key: pki.admin.privateKeyPem });
  const [head, body, silent, silent2] = [connect("http/1.1"), connect("http/1.1"), connect("http/1.1"), connect("h2")];
  head.write("GET /version HTTP/1.1\r\nhost: x\r\nx-slow: ");
  body.write(`POST ${configMaps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"meta`);
  using idle = session(started);
  assert.equal((await get(idle, "/version")).code, 200);
  const texts = await Promise.all([head, body, silent, silent2].map(closed));
  assert.match(texts[1] ?? "", /^HTTP\/1\.1 504 [^]*"reason":"Timeout"/);
  if (!idle.closed) await once(idle, "close", { signal: AbortSignal.timeout(15_000) });
  assert.deepEqual(started.complaints, []);
});

test("streams have a limit, and whoever opens them to throw them away is shown the door", async () => {
  await using started = await startTestServer({ limits: { streamsMax: 50 } });
  using flood = session(started);
  await once(flood, "remoteSettings");
  assert.equal(flood.remoteSettings.maxConcurrentStreams, 50);
  let gone: number | undefined;
  flood.on("goaway", (code) => void (gone = code));
  for (let round = 0; round < 60 && !flood.closed && !flood.destroyed; round++) {
    for (let at = 0; at < 45 && !flood.closed && !flood.destroyed; at++) {
      const stream = flood.request({ ":path": "/api/v1/pods" });
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!flood.closed && !flood.destroyed) await once(flood, "close", { signal: AbortSignal.timeout(10_000) });
  assert.ok(gone === undefined || gone !== constants.NGHTTP2_NO_ERROR);
  using other = session(started);
  assert.equal((await get(other, "/readyz")).code, 200);
  assert.deepEqual(started.complaints, []);
});

test("a server that stops ends what lasts and finishes what it has begun", async () => {
  const started = await startTestServer();
  using from = session(started);
  const watch = from.request({ ":path": `${configMaps}?watch=true` });
  await once(watch, "response");
  watch.resume();
  const begun = await half(from, started, "begun");
  const stopped = started.server[Symbol.asyncDispose]();
  if (!watch.readableEnded) await once(watch, "end", { signal: AbortSignal.timeout(10_000) });
  assert.equal(await begun.finish(), 201);
  await stopped;
  assert.ok(await started.store.get("/registry/configmaps/default/begun"));
  using late = session(started);
  await assert.rejects(get(late, "/version"));
  await started[Symbol.asyncDispose]();
});
