import { ConnectionError } from "./connection-error.ts";

const newline = 0x0a;

/** Splits a stream of bytes into the JSON values that stand on its lines. A line longer than `lineBytesMax` ends the stream with an error. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>, options: { readonly lineBytesMax: number }): AsyncGenerator<unknown, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = parts.length === 0 ? chunk.subarray(start, end) : Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      size = 0;
      start = end + 1;
      if (line.length > 0) yield JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8"));
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > options.lineBytesMax) throw new ConnectionError(`a line of the stream is longer than ${options.lineBytesMax} bytes`);
  }
  if (size > 0) throw new ConnectionError("the stream ended in the middle of a line");
}
