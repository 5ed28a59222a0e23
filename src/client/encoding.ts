import { protobufMediaType, type ProtobufCodec, type TypeName } from "../apimachinery/protobuf/codec.ts";
import { decodeWatchEvent } from "../apimachinery/protobuf/watch-frame.ts";
import { ConnectionError } from "./connection-error.ts";
import { jsonLines } from "./json-lines.ts";

/** In what form objects travel between a client and its server. */
export interface Encoding {
  /** What the client says that it understands, best first. */
  readonly accept: string;
  write(object: unknown): { readonly contentType: string; readonly body: string | Uint8Array };
  /** `contentType` is what the server calls it. Throws for what cannot be read. */
  read(bytes: Buffer, contentType: string): unknown;
  /** The events of a watch. */
  events(chunks: AsyncIterable<Uint8Array>, contentType: string): AsyncIterable<unknown>;
}

const eventBytesMax = 64 << 20;

export const json: Encoding = {
  accept: "application/json",
  write: (object) => ({ contentType: "application/json", body: JSON.stringify(object) }),
  read: (bytes) => JSON.parse(bytes.toString("utf8")) as unknown,
  events: (chunks) => jsonLines(chunks, { lineBytesMax: eventBytesMax }),
};

const isTyped = (object: unknown): object is TypeName => typeof object === "object" && object !== null && "apiVersion" in object && "kind" in object;

/** Protobuf where both sides have it, as upstream's own components speak to their server; JSON for everything else (custom resources, patches). */
export const protobuf = (codec: ProtobufCodec): Encoding => ({
  accept: `${protobufMediaType},application/json`,
  write: (object) => (isTyped(object) && codec.has(object) ? { contentType: protobufMediaType, body: codec.encode(object) } : json.write(object)),
  read: (bytes, contentType) => (contentType.startsWith(protobufMediaType) ? codec.decode(bytes) : json.read(bytes, contentType)),
  events: (chunks, contentType) => (contentType.startsWith(protobufMediaType) ? frames(chunks, codec) : json.events(chunks, contentType)),
});

/** Each frame is its length, in four bytes, and that many bytes. */
async function* frames(chunks: AsyncIterable<Uint8Array>, codec: ProtobufCodec): AsyncGenerator<unknown, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let wanted = 4;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    // Until the frame is whole its pieces lie as they came.
    if (size < wanted) continue;
    const bytes = Buffer.concat(parts, size);
    let at = 0;
    for (wanted = 4; size - at >= 4; wanted = 4) {
      wanted = 4 + bytes.readUInt32BE(at);
      if (wanted > eventBytesMax) throw new ConnectionError(`an event of the watch is longer than ${eventBytesMax} bytes`);
      if (size - at < wanted) break;
      const { type, object } = decodeWatchEvent(bytes.subarray(at + 4, at + wanted));
      yield { type, object: codec.decode(object) };
      at += wanted;
    }
    parts = at === size ? [] : [bytes.subarray(at)];
    size -= at;
  }
  if (size > 0) throw new ConnectionError("the stream ended in the middle of an event");
}
