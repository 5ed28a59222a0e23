/**
 * The protobuf wire format. The writer fills its buffer from the end: when the length of a message has to be written, the message is there already,
 * so nothing is measured first and nothing is copied.
 */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A message that does not end where it says, or uses what protobuf does not have. */
export class WireFormatError extends Error {
  override readonly name = "WireFormatError";
}

const initialBytes = 16 * 1024;
/** A writer that had to write something large does not keep the memory for the next. */
const keptBytesMax = 1024 * 1024;
const latin = 128;
/** Levels of embedded messages. Only schemas of custom resources nest in themselves; bytes that nest without end are refused before they exhaust the stack. */
const depthMax = 1000;

export class BackwardWriter {
  #buffer = Buffer.allocUnsafeSlow(initialBytes);
  #at = initialBytes;

  /** Bytes written so far; the difference of two values is the length of what was written between them. */
  get length(): number { return this.#buffer.length - this.#at; }

  /** A copy of everything written; the writer is empty afterwards. */
  finish(): Buffer {
    const result = Buffer.from(this.#buffer.subarray(this.#at));
    if (this.#buffer.length > keptBytesMax) this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.#at = this.#buffer.length;
    return result;
  }

  /** Forgets what was written, for a message that could not be finished. */
  reset(): void { this.#at = this.#buffer.length; }

  #reserve(bytes: number): void {
    if (this.#at >= bytes) return;
    const used = this.length;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + bytes));
    this.#buffer.copy(larger, larger.length - used, this.#at);
    this.#at = larger.length - used;
    this.#buffer = larger;
  }

  /** An unsigned number below 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    if (value < latin) {
      this.#buffer[--this.#at] = value;
      return;
    }
    let bytes = 1;
    for (let rest = Math.floor(value / latin); rest > 0; rest = Math.floor(rest / latin)) bytes++;
    this.#at -= bytes;
    let rest = value;
    for (let index = 0; index < bytes - 1; index++) {
      this.#buffer[this.#at + index] = (rest % latin) | latin;
      rest = Math.floor(rest / latin);
    }
    this.#buffer[this.#at + bytes - 1] = rest;
  }

  /** An int32 or int64: negative numbers take ten bytes. */
  integer(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    this.#at -= 10;
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let index = 0; index < 9; index++) {
      this.#buffer[this.#at + index] = Number(rest & 127n) | latin;
      rest >>= 7n;
    }
    this.#buffer[this.#at + 9] = Number(rest);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** Text with its length before it. */
  string(text: string): void {
    const { length } = text;
    if (length < 64) {
      // Short text is nearly always ASCII; a loop is then faster than two calls into native code.
      this.#reserve(length + 1);
      let at = this.#at;
      const buffer = this.#buffer;
      let index = length - 1;
      for (; index >= 0; index--) {
        const code = text.charCodeAt(index);
        if (code >= latin) break;
        buffer[--at] = code;
      }
      if (index < 0) {
        this.#at = at;
        this.varint(length);
        return;
      }
    }
    const bytes = Buffer.byteLength(text);
    this.#reserve(bytes);
    this.#at -= bytes;
    this.#buffer.write(text, this.#at);
    this.varint(bytes);
  }

  /** Bytes with their length before them. */
  bytes(bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.length);
  }

  tag(field: number, type: number): void { this.varint(field * 8 + type); }

  /** Turns everything written since `start` (an earlier `length`) into an embedded message. */
  embed(field: number, start: number): void {
    this.varint(this.length - start);
    this.tag(field, wireType.bytes);
  }
}

export class Reader {
  readonly #buffer: Buffer;
  #at: number;
  #end: number;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  get done(): boolean { return this.#at >= this.#end; }

  #byte(): number {
    if (this.#at >= this.#end) throw new WireFormatError("unexpected EOF");
    return this.#buffer[this.#at++] ?? 0;
  }

  /** Unsigned; beyond 2^53 it loses precision, as JSON does. */
  varint(): number {
    let byte = this.#byte();
    if (byte < latin) return byte;
    let result = byte & 127;
    let factor = latin;
    for (let count = 1; count < 10; count++) {
      byte = this.#byte();
      result += (byte & 127) * factor;
      if (byte < latin) return result;
      factor *= latin;
    }
    throw new WireFormatError("integer overflow");
  }

  /** int32 and int64, where negative numbers are 64 bits wide. */
  integer(): number {
    const start = this.#at;
    const value = this.varint();
    if (this.#at - start < 10) return value;
    let exact = 0n;
    for (let index = 9; index >= 0; index--) exact = (exact << 7n) | BigInt((this.#buffer[start + index] ?? 0) & 127);
    return Number(BigInt.asIntN(64, exact));
  }

  double(): number {
    if (this.#end - this.#at < 8) throw new WireFormatError("unexpected EOF");
    this.#at += 8;
    return this.#buffer.readDoubleLE(this.#at - 8);
  }

  #length(): number {
    const length = this.varint();
    if (length > this.#end - this.#at) throw new WireFormatError("unexpected EOF");
    return length;
  }

  string(): string {
    const length = this.#length();
    this.#at += length;
    return this.#buffer.toString("utf8", this.#at - length, this.#at);
  }

  bytes(): Buffer {
    const length = this.#length();
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  /** Narrows the reader to the embedded message that begins here; give the result to `leave` when it is done. */
  enter(): number {
    if (++this.#depth > depthMax) throw new WireFormatError("message nests too deep");
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }
  leave(outer: number): void {
    this.#depth--;
    this.#at = this.#end;
    this.#end = outer;
  }

  skip(type: number): void {
    switch (type) {
      case wireType.varint: this.varint(); return;
      case wireType.fixed64: this.#advance(8); return;
      case wireType.bytes: this.#advance(this.#length()); return;
      case wireType.fixed32: this.#advance(4); return;
      default: throw new WireFormatError(`illegal wireType ${type}`);
    }
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) throw new WireFormatError("unexpected EOF");
    this.#at += bytes;
  }
}
