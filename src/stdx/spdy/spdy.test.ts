import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { test } from "node:test";
import { constants, createDeflate, createInflate } from "node:zlib";
import { SpdyConnection } from "./connection.ts";
import { headerDictionary } from "./dictionary.ts";
import { controlFrame, dataFrame, decodeHeaders, encodeHeaders, finFlag, FrameParser, frameTypes, words32, type Frame } from "./frames.ts";

test("frames survive any cutting of the bytes", () => {
  const bytes = Buffer.concat([dataFrame(1, Buffer.from("hello"), finFlag), controlFrame(frameTypes.ping, words32(2)), dataFrame(0x7fffffff, Buffer.alloc(0))]);
  const expected = [...new FrameParser().push(bytes)];
  assert.deepEqual(expected.map(({ kind, flags }) => [kind, flags]), [["data", finFlag], ["control", 0], ["data", 0]]);
  for (let size = 1; size < bytes.length; size++) {
    const parser = new FrameParser();
    const found: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...parser.push(bytes.subarray(at, at + size)));
    assert.deepEqual(found, expected, `in pieces of ${size}`);
  }
});

test("header blocks say what was put in, with names in lower case", () => {
  assert.deepEqual(decodeHeaders(encodeHeaders({ streamType: "error", port: "80" })), { streamtype: "error", port: "80" });
  assert.throws(() => decodeHeaders(Buffer.concat([words32(1, 100), Buffer.from("short")])), RangeError);
});

/** The runtime's end of a connection, by hand: it keeps what it hears and says what a test wants. */
class Peer {
  readonly socket: Duplex;
  readonly heard: Frame[] = [];
  readonly #inflate = createInflate({ dictionary: headerDictionary });
  readonly #deflate = createDeflate({ dictionary: headerDictionary });
  #more = Promise.withResolvers<void>();

  constructor(socket: Duplex) {
    this.socket = socket;
    const parser = new FrameParser();
    socket.on("data", (chunk: Buffer) => {
      this.heard.push(...parser.push(chunk));
      this.#more.resolve();
      this.#more = Promise.withResolvers<void>();
    });
    socket.on("error", () => {}); // The connection under test is what tells of it.
  }

  async hear(count: number): Promise<readonly Frame[]> {
    while (this.heard.length < count) await this.#more.promise;
    return this.heard;
  }

  async #block(zlib: ReturnType<typeof createInflate> | ReturnType<typeof createDeflate>, bytes: Uint8Array): Promise<Buffer> {
    const parts: Buffer[] = [];
    const collect = (part: Buffer) => parts.push(part);
    zlib.on("data", collect);
    zlib.write(bytes);
    await new Promise<void>((resolve) => zlib.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    zlib.off("data", collect);
    return Buffer.concat(parts);
  }

  async headersOf(frame: Frame | undefined): Promise<Readonly<Record<string, string>>> {
    assert.ok(frame?.kind === "control" && frame.type === frameTypes.synStream);
    return decodeHeaders(await this.#block(this.#inflate, frame.body.subarray(10)));
  }

  async reply(stream: number): Promise<void> {
    this.socket.write(controlFrame(frameTypes.synReply, Buffer.concat([words32(stream), await this.#block(this.#deflate, encodeHeaders({}))])));
  }

  say(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }
}

function connect(head: Buffer = Buffer.alloc(0)): { readonly connection: SpdyConnection; readonly peer: Peer; readonly socket: Duplex } {
  const [ours, theirs] = duplexPair();
  const peer = new Peer(theirs);
  return { connection: new SpdyConnection(ours, head), peer, socket: ours };
}

const textOf = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

test("streams are opened with odd ids, headers in one compression, and data behind them in order", async () => {
  const { connection, peer } = connect();
  using _ = connection;
  const first = connection.open({ streamType: "stdin" });
  const second = connection.open({ streamType: "stdout" });
  first.write("a");
  first.end("b");
  const frames = await peer.hear(5);
  assert.deepEqual(await peer.headersOf(frames[0]), { streamtype: "stdin" });
  assert.deepEqual(await peer.headersOf(frames[1]), { streamtype: "stdout" });
  assert.deepEqual(frames.slice(2).map((frame) => frame.kind === "data" && [frame.stream, frame.flags, frame.data.toString()]), [[1, 0, "a"], [1, 0, "b"], [1, finFlag, ""]]);
  assert.equal(second.id, 3);
  await peer.reply(3);
  await second.accepted;
});

test("data ends with FIN, with a reset, or with the connection, and none of it is lost", async () => {
  const ends: readonly (readonly [string, (peer: Peer) => void])[] = [
    ["FIN", (peer) => peer.say(dataFrame(1, Buffer.from("data"), finFlag))],
    ["reset", (peer) => peer.say(dataFrame(1, Buffer.from("data")), controlFrame(frameTypes.rstStream, words32(1, 5)))],
    ["FIN, then reset", (peer) => peer.say(dataFrame(1, Buffer.from("data"), finFlag), controlFrame(frameTypes.rstStream, words32(1, 5)))],
    ["end of the connection", (peer) => (peer.say(dataFrame(1, Buffer.from("data"))), peer.socket.end())],
  ];
  for (const [name, end] of ends) {
    const { connection, peer } = connect();
    using _ = connection;
    const stream = connection.open({});
    end(peer);
    assert.equal(await textOf(stream), "data", name);
  }
});

test("a finished stream is not reset: its peer may have left, and would answer with a reset of the connection", async () => {
  const { connection, peer } = connect();
  using _ = connection;
  const [status, output] = [connection.open({}), connection.open({})];
  peer.say(dataFrame(1, Buffer.from("{}"), finFlag));
  assert.equal(await textOf(status), "{}");
  peer.say(dataFrame(3, Buffer.from("late"), finFlag));
  assert.equal(await textOf(output), "late");
  const ping = connection.open({});
  ping.end();
  assert.deepEqual((await peer.hear(4)).map((frame) => (frame.kind === "control" ? frame.type : "data")), [1, 1, 1, "data"]);
});

test("a stream that is given up is reset, and what still comes for it is dropped", async () => {
  const { connection, peer } = connect();
  using _ = connection;
  const [gone, other] = [connection.open({}), connection.open({})];
  gone.destroy();
  const frames = await peer.hear(3);
  assert.ok(frames[2]?.kind === "control" && frames[2].type === frameTypes.rstStream && frames[2].body.readUInt32BE(0) === 1);
  peer.say(dataFrame(1, Buffer.alloc(1_000_000)), dataFrame(3, Buffer.from("x"), finFlag));
  assert.equal(await textOf(other), "x");
});

test("when a connection breaks, what came before is still read, and who waits for a stream's acceptance is told why", async () => {
  const { connection, peer, socket } = connect();
  using _ = connection;
  const [stream, waiting] = [connection.open({}), connection.open({})];
  peer.say(dataFrame(1, Buffer.from("all of it")));
  await once(stream, "readable");
  socket.destroy(new Error("read ECONNRESET"));
  await assert.rejects(waiting.accepted, /ECONNRESET/);
  assert.equal(await textOf(stream), "all of it");
});

test("a reader that does not read stops the peer, and no more than the buffers is held", async () => {
  const { connection, peer } = connect();
  using _ = connection;
  const stream = connection.open({});
  const piece = dataFrame(1, Buffer.alloc(32 * 1024));
  let sent = 0;
  // A pair of streams calls back when its other end has taken the piece.
  const send = (): void => void peer.socket.write(piece, () => {
    if (++sent < 100) send();
    else peer.say(dataFrame(1, Buffer.alloc(0), finFlag));
  });
  send();
  await once(stream, "readable");
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  assert.ok(sent < 20, `${sent} pieces were taken`);
  let bytes = 0;
  for await (const part of stream) bytes += (part as Buffer).length;
  assert.equal(bytes, 100 * 32 * 1024);
});

test("pings are answered, unknown frames and settings ignored, and bytes behind the upgrade read", async () => {
  const { connection, peer } = connect(Buffer.concat([controlFrame(frameTypes.settings, words32(0)), controlFrame(77, Buffer.from("?")), controlFrame(frameTypes.ping, words32(6)), controlFrame(frameTypes.ping, words32(7))]));
  using _ = connection;
  const [frame] = await peer.hear(1);
  assert.ok(frame?.kind === "control" && frame.type === frameTypes.ping && frame.body.readUInt32BE(0) === 6);
});

test("large data goes out in frames of bounded size", async () => {
  const { connection, peer } = connect();
  using _ = connection;
  const stream = connection.open({});
  stream.end(Buffer.alloc(100_000, "x"));
  const frames = await peer.hear(6);
  const sizes = frames.flatMap((frame) => (frame.kind === "data" ? [frame.data.length] : []));
  assert.deepEqual(sizes, [32_768, 32_768, 32_768, 1_696, 0]);
});
