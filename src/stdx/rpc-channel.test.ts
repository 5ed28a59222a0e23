import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { framed, FrameReader } from "./grpc-frames.ts";
import { codecs, isRpcError, type RpcError } from "./grpc.ts";
import { RpcChannel } from "./rpc-channel.ts";

const codec = codecs(JSON.stringify({ nested: { Text: { fields: { text: { type: "string", id: 1 } } } } }))("Text");
const method = { path: "/test.Service/Method", request: codec, response: codec };
const message = (text: string): Buffer => framed(codec.encode({ text }));
const ok = { "grpc-status": "0" };

/** Ends a stream as servers of gRPC do: what is to be sent, then the trailers. */
function answer(stream: ServerHttp2Stream, frames: readonly Buffer[], trailers: Readonly<Record<string, string>> = ok): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ ...trailers }));
  for (const frame of frames) stream.write(frame);
  stream.end();
}

class Other implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly headers: Record<string, unknown>[] = [];
  connections = 0;

  private constructor(onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void) {
    this.#server = createServer();
    this.#server.on("session", (session) => {
      this.connections++;
      this.#sessions.add(session);
      session.on("error", () => undefined);
    });
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => {
      stream.on("error", () => undefined);
      this.headers.push(headers);
      onStream(stream, headers);
    });
  }

  static async start(onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void, port = 0): Promise<Other> {
    const other = new Other(onStream);
    other.#server.listen(port, "127.0.0.1");
    await once(other.#server, "listening");
    return other;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  channel(options: { readonly receiveBytesMax?: number } = {}): RpcChannel {
    return new RpcChannel({ address: `127.0.0.1:${this.port}`, headers: { "my-header": "mine" }, ...options });
  }

  /** As a process that dies. */
  drop(): void {
    for (const session of this.#sessions) session.destroy();
    this.#sessions.clear();
  }

  goAway(): void {
    for (const session of this.#sessions) session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const failureOf = async (promise: Promise<unknown>): Promise<RpcError> => await promise.then(() => assert.fail("it did not fail"), (error: unknown) => {
  assert.ok(isRpcError(error), String(error));
  return error;
});

test("gRPC: a call sends its message with the headers of gRPC and its deadline, and gets the answer", async () => {
  const asked: string[] = [];
  await using other = await Other.start((stream) => {
    const reader = new FrameReader(1000);
    stream.on("data", (chunk: Buffer) => asked.push(...reader.push(chunk).map((each) => (codec.decode(each) as { text: string }).text)));
    stream.on("end", () => answer(stream, [message("world")]));
  });
  using channel = other.channel();
  assert.deepEqual(await channel.unary(method, { text: "hello" }, { deadlineMs: 5_000 }), { text: "world" });
  const { ":path": path, te, "content-type": type, "grpc-timeout": timeout, "my-header": mine } = other.headers[0] ?? {};
  assert.deepEqual({ asked, path, te, type, timeout, mine }, { asked: ["hello"], path: method.path, te: "trailers", type: "application/grpc", timeout: "5000m", mine: "mine" });
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => channel.unary(method, {}))), [{ text: "world" }, { text: "world" }, { text: "world" }]);
  assert.equal(other.connections, 1);
});

test("gRPC: what went wrong is told by its status, wherever it stands", async () => {
  const cases: readonly (readonly [string, (stream: ServerHttp2Stream) => void, string, string | RegExp, boolean])[] = [
    ["in the trailers", (stream) => answer(stream, [], { "grpc-status": "5", "grpc-message": "no such%20thing%2C 100%" }), "NOT_FOUND", "no such%20thing%2C 100%", false],
    ["encoded", (stream) => answer(stream, [], { "grpc-status": "11", "grpc-message": "etcdserver: %22compacted%22" }), "OUT_OF_RANGE", 'etcdserver: "compacted"', false],
    ["in the headers alone", (stream) => stream.respond({ ":status": 200, "grpc-status": "12", "grpc-message": "unknown method" }, { endStream: true }), "UNIMPLEMENTED", "unknown method", false],
    ["a status of HTTP", (stream) => stream.respond({ ":status": 503 }, { endStream: true }), "UNAVAILABLE", /503/, false],
    ["a number that nobody knows", (stream) => answer(stream, [], { "grpc-status": "99" }), "UNKNOWN", "", false],
    ["no answer", (stream) => answer(stream, []), "INTERNAL", /without an answer/, false],
    ["no status", (stream) => answer(stream, [message("x")], { other: "trailer" }), "UNKNOWN", /without a status/, false],
    ["refused", (stream) => stream.close(7), "UNAVAILABLE", /REFUSED_STREAM|7/, true],
    ["cancelled", (stream) => stream.close(8), "CANCELLED", /CANCEL|8/, false],
    ["too long", (stream) => answer(stream, [message("x".repeat(200))]), "RESOURCE_EXHAUSTED", /larger than max \(203 vs 100\)/, false],
    ["compressed", (stream) => answer(stream, [Buffer.from([1, 0, 0, 0, 0])]), "INTERNAL", /compressed/, false],
    ["never", () => undefined, "DEADLINE_EXCEEDED", "Deadline exceeded", false],
  ];
  let serve: (stream: ServerHttp2Stream) => void = () => undefined;
  await using other = await Other.start((stream) => serve(stream));
  using channel = other.channel({ receiveBytesMax: 100 });
  for (const [name, how, code, text, isUndone] of cases) {
    serve = how;
    const error = await failureOf(channel.unary(method, {}, { deadlineMs: name === "never" ? 50 : 20_000 }));
    assert.equal(error.code, code, name);
    if (typeof text === "string") assert.equal(error.message, text, name);
    else assert.match(error.message, text, name);
    assert.equal(error.isUndone, isUndone, name);
  }
  assert.equal(other.connections, 1, "none of these ends the connection");
});

test("gRPC: a call that is aborted throws the signal's reason, and the other end hears of it", async () => {
  const closed = Promise.withResolvers<number>();
  await using other = await Other.start((stream) => stream.on("close", () => closed.resolve(stream.rstCode)));
  using channel = other.channel();
  const controller = new AbortController();
  const call = channel.unary(method, {}, { signal: controller.signal });
  const reason = new Error("enough");
  while (other.headers.length === 0) await new Promise(setImmediate);
  controller.abort(reason);
  await assert.rejects(call, reason);
  assert.equal(await closed.promise, 8);
});

test("gRPC: a server that comes back is found again; what was never sent is said to be undone, what was sent is not", async () => {
  let other = await Other.start(() => undefined);
  const { port } = other;
  using channel = other.channel();
  try {
    const lost = failureOf(channel.unary(method, {}));
    while (other.headers.length === 0) await new Promise(setImmediate);
    await other[Symbol.asyncDispose]();
    const dropped = await lost;
    assert.deepEqual([dropped.code, dropped.isUndone], ["UNAVAILABLE", false], dropped.message);
    const refused = await failureOf(channel.unary(method, {}));
    assert.deepEqual([refused.code, refused.isUndone], ["UNAVAILABLE", true]);
    assert.match(refused.message, /^No connection established\. Last error: connect ECONNREFUSED/);
    other = await Other.start((stream) => answer(stream, [message("back")]), port);
    for (;;) {
      const text = await channel.unary(method, {}).catch((error: unknown) => assert.ok(isRpcError(error, "UNAVAILABLE")));
      if (text === undefined) continue;
      assert.deepEqual(text, { text: "back" });
      break;
    }
  } finally {
    await other[Symbol.asyncDispose]();
  }
});

test("gRPC: after a server has said that it goes, its calls end well and the next ones have a connection of their own", async () => {
  const streams: ServerHttp2Stream[] = [];
  await using other = await Other.start((stream) => streams.push(stream));
  using channel = other.channel();
  const first = channel.unary(method, {});
  while (streams.length < 1) await new Promise(setImmediate);
  other.goAway();
  const second = (async () => {
    while (other.connections < 2) {
      const controller = new AbortController();
      const trying = channel.unary(method, {}, { signal: controller.signal }).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      if (other.connections < 2) controller.abort();
      await new Promise(setImmediate);
      if (other.connections >= 2) return await trying;
    }
    return undefined;
  })();
  while (other.connections < 2) await new Promise(setImmediate);
  for (const stream of streams) if (!stream.destroyed) answer(stream, [message("late")]);
  assert.deepEqual(await first, { text: "late" });
  while (streams.length < 2) await new Promise(setImmediate);
  for (const stream of streams) if (!stream.destroyed && !stream.headersSent) answer(stream, [message("late")]);
  await second;
});

test("gRPC: messages in pieces and many in one are put together; streams in both directions are heard in order", async () => {
  await using other = await Other.start((stream) => {
    const frames = Buffer.concat(["a".repeat(500), "", "b", "c".repeat(70_000)].map(message));
    answer(stream, Array.from({ length: Math.ceil(frames.length / 333) }, (_, index) => frames.subarray(index * 333, (index + 1) * 333)));
  });
  using channel = other.channel();
  const { signal } = new AbortController();
  const lengths = (messages: readonly unknown[]): number[] => messages.map((each) => (each as { text: string }).text.length);
  assert.deepEqual(lengths(await channel.exchange(method, [{ text: "x" }, { text: "y" }], { signal })), [500, 0, 1, 70_000]);
  const seen: unknown[] = [];
  for await (const each of channel.serverStream(method, {}, { signal })) seen.push(each);
  assert.deepEqual(lengths(seen), [500, 0, 1, 70_000]);
  const heard: unknown[] = [];
  const end = await new Promise<RpcError | undefined>((resolve) => {
    channel.duplex(method, { onMessage: (each) => heard.push(each), onEnd: resolve }).write({ text: "x" });
  });
  assert.equal(end, undefined);
  assert.deepEqual(lengths(heard), [500, 0, 1, 70_000]);
});

test("gRPC: a stream that nobody reads holds the server back", async () => {
  let [sent, held]: [number, boolean] = [0, false];
  await using other = await Other.start((stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    const frame = message("x".repeat(1_000_000));
    const more = (): void => {
      for (let room = true; room && sent < 100; sent++) room = stream.write(frame);
      held = sent < 100;
      if (held) stream.once("drain", more);
      else stream.end();
    };
    more();
  });
  using channel = other.channel();
  for await (const _ of channel.serverStream(method, {}, { signal: new AbortController().signal })) break;
  assert.ok(held && sent < 60, `${sent} of 100 MB`);
});
