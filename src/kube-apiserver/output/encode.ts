import { apiVersionOf, type ListMeta } from "../../apimachinery/object.ts";
import { stringifyYaml } from "./yaml.ts";
import type { Answer } from "../answer.ts";
import type { CacheEntry } from "../cache-entry.ts";
import type { Served } from "../served.ts";
import { notAcceptable, type Wanted } from "./negotiation.ts";
import { columnsOf, partialMetadata, rowJson, tableHead, type IncludeObject } from "./table.ts";

/** The binary form of objects; `undefined` from `encode` says that this kind has none. */
export interface ProtobufCodec {
  /** With the magic bytes and the envelope that names the kind. */
  encode(object: unknown): Uint8Array | undefined;
  decode(bytes: Uint8Array): unknown;
}

export interface EncodeOptions {
  readonly wanted: Wanted;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
  readonly protobuf: ProtobufCodec | undefined;
}

const comma = Buffer.from(",");
const itemStart = Buffer.from("{");
const itemNext = Buffer.from(",{");
const end = Buffer.from("]}\n");

function metaOf({ revision, continue: token, remaining }: Extract<Answer, { is: "list" }>): ListMeta {
  return {
    resourceVersion: String(revision), ...(token !== undefined && { continue: token }), ...(remaining !== undefined && remaining > 0 && { remainingItemCount: remaining }),
  };
}

/** The body of an answer that is one piece. */
export function encode(answer: Exclude<Answer, { is: "watch" | "bytes" }>, options: EncodeOptions): Uint8Array {
  const { wanted } = options;
  if (wanted.media === "json" && !wanted.pretty) return jsonOf(answer, options);
  if (wanted.media === "protobuf") return protobufOf(answer, options);
  const value: unknown = JSON.parse(Buffer.from(jsonOf(answer, options)).toString());
  return Buffer.from(wanted.media === "yaml" ? stringifyYaml(value) : `${JSON.stringify(value, undefined, 2)}\n`);
}

function jsonOf(answer: Exclude<Answer, { is: "watch" | "bytes" }>, { wanted, includeObject, nowMs }: EncodeOptions): Uint8Array {
  switch (answer.is) {
    case "object":
      return Buffer.from(`${JSON.stringify(answer.object)}\n`);
    case "entry": {
      const { entry, served } = answer;
      if (wanted.as === "object") return entry.jsonLine;
      if (wanted.as !== "Table") return partialMetadata(entry, wanted.version);
      const columns = columnsOf(served.resource);
      return Buffer.concat([Buffer.from(tableHead(wanted.version, { resourceVersion: String(entry.revision) }, columns, true)), rowJson(entry, columns, includeObject, wanted.version, nowMs), end]);
    }
    case "list": {
      const { served, entries } = answer;
      const parts: Uint8Array[] = [];
      if (wanted.as === "Table") {
        const columns = columnsOf(served.resource);
        parts.push(Buffer.from(tableHead(wanted.version, metaOf(answer), columns, true)));
        for (const [index, entry] of entries.entries()) {
          if (index > 0) parts.push(comma);
          parts.push(rowJson(entry, columns, includeObject, wanted.version, nowMs));
        }
      } else if (wanted.as !== "object") {
        parts.push(Buffer.from(`{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${wanted.version}","metadata":${JSON.stringify(metaOf(answer))},"items":[`));
        for (const [index, entry] of entries.entries()) {
          if (index > 0) parts.push(comma);
          parts.push(partialMetadata(entry, wanted.version));
        }
      } else {
        parts.push(Buffer.from(`{"kind":"${served.type.listKind}","apiVersion":"${apiVersionOf(served.type)}","metadata":${JSON.stringify(metaOf(answer))},"items":[`));
        for (const [index, entry] of entries.entries()) parts.push(index > 0 ? itemNext : itemStart, entry.jsonItem);
      }
      parts.push(end);
      return Buffer.concat(parts);
    }
  }
}

function protobufOf(answer: Exclude<Answer, { is: "watch" | "bytes" }>, { protobuf, wanted }: EncodeOptions): Uint8Array {
  const made = protobuf?.encode(plainOf(answer, wanted));
  if (!made) throw notAcceptable();
  return made;
}

/** The answer as a plain object, for encodings that start from one, and for callers inside of the process. */
export function plainOf(answer: Exclude<Answer, { is: "watch" | "bytes" }>, wanted?: Wanted): unknown {
  const partial = wanted !== undefined && wanted.as !== "object";
  const item = (entry: CacheEntry) => (partial ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}`, metadata: entry.object.metadata } : entry.object);
  switch (answer.is) {
    case "object":
      return answer.object;
    case "entry":
      return item(answer.entry);
    case "list":
      return {
        kind: partial ? "PartialObjectMetadataList" : answer.served.type.listKind,
        apiVersion: partial ? `meta.k8s.io/${wanted.version}` : apiVersionOf(answer.served.type),
        metadata: metaOf(answer),
        items: answer.entries.map(item),
      };
  }
}

/** How events of one watch become bytes. */
export interface EventEncoder {
  readonly contentType: string;
  event(type: string, entry: CacheEntry): Buffer;
  /** For BOOKMARK and ERROR. */
  plain(type: string, object: unknown): Buffer;
}

export function eventEncoder(served: Served, { wanted, includeObject, protobuf }: EncodeOptions, now: () => number): EventEncoder {
  if (wanted.media === "protobuf") {
    if (!protobuf) throw notAcceptable();
    const frame = (type: string, object: unknown): Buffer => {
      const inner = protobuf.encode(object);
      if (!inner) throw notAcceptable();
      return framed(watchEventProtobuf(type, inner));
    };
    const form = wanted.as === "object" ? "" : ` ${wanted.as} ${wanted.version}`;
    return {
      contentType: "application/vnd.kubernetes.protobuf;stream=watch",
      event: (type, entry) => entry.bytes(`protobuf event ${type}${form}`, () => frame(type, plainOf({ is: "entry", code: 200, entry, served }, wanted))),
      plain: frame,
    };
  }
  if (wanted.media === "yaml") throw notAcceptable("application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch");
  const line = (type: string, object: string | Buffer): Buffer => Buffer.concat([Buffer.from(`{"type":"${type}","object":`), typeof object === "string" ? Buffer.from(object) : object, lineEnd]);
  const plain = (type: string, object: unknown) => line(type, JSON.stringify(object));
  if (wanted.as === "object") return { contentType: "application/json", event: (type, entry) => entry.eventJson(type), plain };
  if (wanted.as !== "Table") {
    const { version } = wanted;
    return {
      contentType: "application/json",
      event: (type, entry) => entry.bytes(`partial event ${type} ${version}`, () => line(type, partialMetadata(entry, version))),
      plain: (type, object) => plain(type, type === "BOOKMARK" ? { ...(object as object), kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}` } : object),
    };
  }
  const columns = columnsOf(served.resource);
  // The columns are said once, with the first event.
  let first = true;
  const head = (revision: string): Buffer => {
    const text = tableHead(wanted.version, { resourceVersion: revision }, columns, first);
    first = false;
    return Buffer.from(text);
  };
  return {
    contentType: "application/json",
    event: (type, entry) => line(type, Buffer.concat([head(String(entry.revision)), rowJson(entry, columns, includeObject, wanted.version, now()), tableEnd])),
    plain: (type, object) => {
      if (type !== "BOOKMARK") return plain(type, object);
      const { metadata } = object as { readonly metadata: { readonly resourceVersion?: string } };
      const row = `{"cells":[${columns.map(() => "null").join(",")}],"object":${JSON.stringify({ kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}`, metadata })}}`;
      return line(type, Buffer.concat([head(metadata.resourceVersion ?? ""), Buffer.from(row), tableEnd]));
    },
  };
}
const lineEnd = Buffer.from("}\n");
const tableEnd = Buffer.from("]}");

/** meta/v1 WatchEvent: 1 is the type, 2 a RawExtension whose field 1 holds the encoded object. */
function watchEventProtobuf(type: string, object: Uint8Array): Buffer {
  const name = Buffer.from(type);
  const raw = Buffer.concat([Buffer.from([0x0a]), varint(object.length), object]);
  return Buffer.concat([Buffer.from([0x0a]), varint(name.length), name, Buffer.from([0x12]), varint(raw.length), raw]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest);
      return Buffer.from(bytes);
    }
    bytes.push((rest % 128) | 0x80);
  }
}

/** Binary watches are cut by the length of each event, in four bytes. */
function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
