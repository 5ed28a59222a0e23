import { Duplex } from "node:stream";
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { controlFrame, dataFrame, decodeHeaders, encodeHeaders, finFlag, FrameParser, frameTypes, words32, type Frame } from "./frames.ts";
import { headerDictionary } from "./dictionary.ts";

/** Data goes out in frames of at most this size, so that streams take turns. */
const dataBytesMax = 32 * 1024;
const headerBytesMax = 64 * 1024;

/** One direction of header compression. Blocks are flushed one by one and depend on all before them, so they are worked through in order. */
class Zlib {
  readonly #zlib: Deflate | Inflate;
  #last: Promise<unknown> = Promise.resolve();

  constructor(zlib: Deflate | Inflate) {
    this.#zlib = zlib;
  }

  run(block: Uint8Array): Promise<Buffer> {
    const result = this.#last.then(() => new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      let size = 0;
      const onData = (part: Buffer) => {
        size += part.length;
        if (size > headerBytesMax) this.#zlib.destroy(new RangeError("a header block is too large"));
        else parts.push(part);
      };
      this.#zlib.on("data", onData).once("error", reject);
      this.#zlib.write(block);
      this.#zlib.flush(constants.Z_SYNC_FLUSH, () => {
        this.#zlib.off("data", onData).off("error", reject);
        resolve(Buffer.concat(parts));
      });
    }));
    this.#last = result.catch(() => {});
    return result;
  }

  close(): void {
    this.#zlib.destroy();
  }
}

/** One stream of a connection: what is written goes to the peer, `end` closes our half, reading ends when the peer closes its own. */
export interface SpdyStream extends Duplex {
  readonly id: number;
  /** Resolves when the peer has accepted the stream. */
  readonly accepted: Promise<void>;
}

class Stream extends Duplex implements SpdyStream {
  readonly id: number;
  readonly #send: (frame: Buffer, sent: (error?: Error | null) => void) => void;
  readonly #abort: (stream: Stream) => void;
  readonly #accepted = Promise.withResolvers<void>();
  readonly accepted = this.#accepted.promise;
  #remoteEnded = false;
  #gone = false;
  #wanted: PromiseWithResolvers<void> | undefined;

  constructor(id: number, send: (frame: Buffer, sent: (error?: Error | null) => void) => void, abort: (stream: Stream) => void) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.#send = send;
    this.#abort = abort;
    this.#accepted.promise.catch(() => {}); // Told to whoever waits for it.
  }

  accept(): void {
    this.#accepted.resolve();
  }

  /** What is returned, if anything, resolves when there is room for more. */
  receive(data: Buffer, fin: boolean): Promise<void> | undefined {
    if (this.#remoteEnded || this.destroyed) return undefined;
    const room = data.length === 0 || this.push(data);
    if (fin) {
      this.#remoteEnded = true;
      this.push(null);
    }
    if (room || fin) return undefined;
    this.#wanted ??= Promise.withResolvers<void>();
    return this.#wanted.promise;
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /** The peer takes and sends nothing any more; what it sent can still be read. */
  reset(error = new Error("the peer reset the stream")): void {
    this.#gone = true;
    this.#accepted.reject(error); // Without effect on a stream that was accepted.
    void this.receive(Buffer.alloc(0), true);
  }

  override _read(): void {
    this.#wanted?.resolve();
    this.#wanted = undefined;
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    if (this.#gone) return done(); // As into a pipe that nobody reads, but without the signal.
    if (chunk.length <= dataBytesMax) return this.#send(dataFrame(this.id, chunk), done);
    this.#send(dataFrame(this.id, chunk.subarray(0, dataBytesMax)), (error) => (error ? done(error) : this._write(chunk.subarray(dataBytesMax), "buffer", done)));
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#gone) return done();
    this.#send(dataFrame(this.id, Buffer.alloc(0), finFlag), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read(); // Nobody waits for room any more.
    this.#accepted.reject(error ?? new Error("the stream was closed"));
    this.#abort(this);
    done(error);
  }
}

/**
 * The client's end of a SPDY/3.1 connection over a socket that has been upgraded to it. As the peers that we speak with, it does not take part in
 * SPDY's flow control: the socket's own is what slows a sender down. Reading stops while one stream is full, so every stream has to be read or destroyed.
 */
export class SpdyConnection implements Disposable {
  readonly #socket: Duplex;
  readonly #deflate = new Zlib(createDeflate({ dictionary: headerDictionary }));
  readonly #inflate = new Zlib(createInflate({ dictionary: headerDictionary }));
  readonly #streams = new Map<number, Stream>();
  readonly #parser = new FrameParser();
  #nextId = 1;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    let reading: Promise<unknown> = Promise.resolve();
    let failure: Error | undefined;
    // Chunks are taken as they come: an iterator would lose those that a peer sent right before it reset the connection.
    const take = (chunk: Buffer) => {
      socket.pause();
      reading = reading.then(() => this.#take(chunk)).then(() => socket.resume(), (error: unknown) => socket.destroy(error instanceof Error ? error : new Error(String(error))));
    };
    if (head.length > 0) take(head);
    socket.on("data", take);
    socket.on("error", (error) => void (failure = error));
    socket.once("end", () => void reading.then(() => this.#end(undefined)));
    socket.once("close", () => void reading.then(() => this.#end(failure)));
  }

  /** Opens a stream. Order of frames is kept, so data may be written at once. */
  open(headers: Readonly<Record<string, string>>): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new Stream(id, (frame, sent) => this.#write(Promise.resolve(frame), sent), (ended) => this.#forget(ended));
    this.#streams.set(id, stream);
    const frame = this.#deflate.run(encodeHeaders(headers)).then((block) => controlFrame(frameTypes.synStream, Buffer.concat([words32(id, 0), Buffer.from([0, 0]), block])));
    this.#write(frame, (error) => error && stream.destroy(error));
    return stream;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    for (const stream of this.#streams.values()) stream.destroy();
    this.#end(undefined);
  }

  /** Frames leave in the order in which they were asked for, also where one has to wait for its compression. */
  #write(frame: Promise<Buffer>, sent: (error?: Error | null) => void): void {
    this.#writes = this.#writes.then(async () => {
      const bytes = await frame;
      await new Promise<void>((resolve, reject) => this.#socket.write(bytes, (error) => (error ? reject(error) : resolve())));
    }).then(() => sent(), (error: unknown) => sent(error instanceof Error ? error : new Error(String(error))));
  }

  async #take(chunk: Buffer): Promise<void> {
    for (const frame of this.#parser.push(chunk)) await this.#handle(frame);
  }

  async #handle(frame: Frame): Promise<void> {
    if (frame.kind === "data") {
      await this.#streams.get(frame.stream)?.receive(frame.data, (frame.flags & finFlag) !== 0);
      return;
    }
    const { type, body, flags } = frame;
    switch (type) {
      case frameTypes.synReply: {
        const stream = this.#streams.get(body.readUInt32BE(0) & 0x7fffffff);
        // Every block has to pass through the decompressor, wanted or not.
        decodeHeaders(await this.#inflate.run(body.subarray(4)));
        stream?.accept();
        void stream?.receive(Buffer.alloc(0), (flags & finFlag) !== 0);
        return;
      }
      case frameTypes.headers:
        await this.#inflate.run(body.subarray(4));
        return;
      case frameTypes.rstStream: {
        // Peers reset a stream to say that they are done with it, often right behind its last data, which a reader must still get.
        this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.reset();
        return;
      }
      case frameTypes.ping:
        if (body.readUInt32BE(0) % 2 === 0) this.#write(Promise.resolve(controlFrame(frameTypes.ping, body)), () => {});
        return;
      case frameTypes.goAway:
      case frameTypes.settings:
      case frameTypes.windowUpdate:
        return; // Streams that are open go on to their ends; windows are not used.
      default:
        return; // The specification has unknown frames ignored.
    }
  }

  #forget(stream: Stream): void {
    if (!this.#streams.delete(stream.id) || this.#socket.destroyed) return;
    // A peer that has said its last word may have left already, and writing to it would lose what it sent before.
    if (!stream.remoteEnded) this.#write(Promise.resolve(controlFrame(frameTypes.rstStream, words32(stream.id, 5))), () => {});
  }

  #end(error: Error | undefined): void {
    // A peer that is done may cut the connection so hard that we read an error; what it sent before that must still reach its readers.
    for (const stream of this.#streams.values()) stream.reset(error);
    this.#deflate.close();
    this.#inflate.close();
  }
}
