/** Of each message: whether it is compressed, and its length in four bytes. */
const headBytes = 5;

/** A message as gRPC sends it, not compressed (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, headBytes);
  return frame;
}

/** What came is no message that may come; `code` is the name of the gRPC status. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly code: "INTERNAL" | "RESOURCE_EXHAUSTED";

  constructor(code: FrameError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Puts messages together again from what a stream brings in. A message that came whole is a view into what came. */
export class FrameReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of the frame that has begun, its head included; 0 until its head is there. */
  #frameBytes = 0;

  /** @param bytesMax of one message */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether a message has begun that has not ended. */
  get isPartial(): boolean {
    return this.#bytes > 0;
  }

  /** The messages that `chunk` completes. @throws {FrameError} for one that is compressed or too long. */
  push(chunk: Buffer): readonly Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: Buffer[] = [];
    while (this.#bytes >= headBytes) {
      if (this.#frameBytes === 0) this.#frameBytes = headBytes + this.#lengthOf(this.#joined());
      if (this.#bytes < this.#frameBytes) break;
      const all = this.#joined();
      messages.push(all.subarray(headBytes, this.#frameBytes));
      this.#chunks = all.length > this.#frameBytes ? [all.subarray(this.#frameBytes)] : [];
      this.#bytes -= this.#frameBytes;
      this.#frameBytes = 0;
    }
    return messages;
  }

  /** Only where something is read from it: a long message would be copied again with each of its parts. */
  #joined(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (this.#chunks.length <= 1) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #lengthOf(head: Buffer): number {
    if (head[0] !== 0) throw new FrameError("INTERNAL", "the message is compressed, which was not offered");
    const length = head.readUInt32BE(1);
    if (length > this.#bytesMax) throw new FrameError("RESOURCE_EXHAUSTED", `Received message larger than max (${length} vs ${this.#bytesMax})`);
    return length;
  }
}
