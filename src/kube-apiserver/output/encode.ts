import { apiVersionOf, type KubeObject, type ListMeta } from "../../apimachinery/object.ts";
import { wrapBody, type ProtobufCodec } from "../../apimachinery/protobuf/codec.ts";
import { encodeWatchFrame } from "../../apimachinery/protobuf/watch-frame.ts";
import { formatYaml } from "../../apimachinery/yaml.ts";
import type { Answer, ObjectTable, WholeAnswer } from "../answer.ts";
import type { CacheEntry } from "../cache/cache-entry.ts";
import type { Shown } from "../served.ts";
import type { ListBodies } from "./list-bodies.ts";
import type { ColumnHeads } from "./column-heads.ts";
import { notAcceptable, notAList, onlyAList, type Wanted } from "./negotiation.ts";
import { columnsOf, partialMetadata, rowJson, tableHead, type IncludeObject } from "./table.ts";

export interface EncodeOptions {
  readonly wanted: Wanted;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
  readonly protobuf: ProtobufCodec | undefined;
  readonly listBodies: ListBodies;
  readonly columnHeads: ColumnHeads;
  /** What is made of each object is kept for the next who asks. */
  readonly keeps: boolean;
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

/** The body of an answer that is one piece. @throws {StatusError} NotAcceptable */
export function encode(answer: Exclude<WholeAnswer, { is: "bytes" }>, options: EncodeOptions): readonly Uint8Array[] {
  const { wanted } = options;
  if (answer.is === "list" && wanted.as === "PartialObjectMetadata") throw onlyAList(answer.served.type);
  if (answer.is === "entry" && wanted.as === "PartialObjectMetadataList") throw notAList(answer.served.type);
  if (wanted.media === "json" && !wanted.pretty) return jsonOf(answer, options);
  if (wanted.media === "protobuf") return [protobufOf(answer, options)];
  const value: unknown = JSON.parse(Buffer.concat(jsonOf(answer, options)).toString());
  // Indented JSON ends without a newline, as upstream's does.
  return [Buffer.from(wanted.media === "yaml" ? formatYaml(value) : JSON.stringify(value, undefined, 2))];
}

function jsonOf(answer: Exclude<WholeAnswer, { is: "bytes" }>, { wanted, includeObject, nowMs, listBodies, columnHeads, keeps }: EncodeOptions): readonly Uint8Array[] {
  switch (answer.is) {
    case "object":
      return [Buffer.from(`${wanted.as === "Table" && answer.table ? tableOf(answer.object as KubeObject, answer.table, { wanted, includeObject, nowMs, columnHeads }) : JSON.stringify(objectAs(answer.object, wanted))}\n`)];
    case "entry": {
      const { entry, served } = answer;
      if (wanted.as === "object") return [entry.jsonLine];
      if (wanted.as !== "Table") return [partialMetadata(entry, wanted.version, keeps)];
      const columns = columnsOf(served.resource);
      return [Buffer.from(tableHead(wanted.version, { resourceVersion: String(entry.revision) }, columnHeads(served.type, columns))), rowJson(entry, columns, includeObject, wanted.version, nowMs, keeps), end];
    }
    case "list": {
      const { served, entries } = answer;
      const parts: Uint8Array[] = [];
      if (wanted.as === "Table") {
        const columns = columnsOf(served.resource);
        parts.push(Buffer.from(tableHead(wanted.version, metaOf(answer), columnHeads(served.type, columns))));
        for (const [index, entry] of entries.entries()) {
          if (index > 0) parts.push(comma);
          parts.push(rowJson(entry, columns, includeObject, wanted.version, nowMs, keeps));
        }
      } else if (wanted.as !== "object") {
        parts.push(Buffer.from(`{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${wanted.version}","metadata":${JSON.stringify(metaOf(answer))},"items":[`));
        for (const [index, entry] of entries.entries()) {
          if (index > 0) parts.push(comma);
          parts.push(partialMetadata(entry, wanted.version, keeps));
        }
      } else {
        const head = Buffer.from(`{"kind":"${served.type.listKind}","apiVersion":"${apiVersionOf(served.type)}","metadata":${JSON.stringify(metaOf(answer))},"items":[`);
        return [head, ...(answer.identity ? listBodies.get(answer.identity, () => itemsOf(entries)) : [itemsOf(entries)])];
      }
      return [Buffer.concat([...parts, end])];
    }
  }
}

/** A Status is told as it is, whatever was asked for; everything else has metadata. */
function objectAs(object: unknown, { as, version }: Pick<Wanted, "as" | "version">): unknown {
  const { kind, metadata } = object as Partial<KubeObject>;
  return as === "PartialObjectMetadata" && kind !== "Status" && metadata !== undefined ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata } : object;
}

/** A table of one object that lies in no cache. */
function tableOf(object: KubeObject, { type, columns }: ObjectTable, { wanted, includeObject, nowMs, columnHeads }: Pick<EncodeOptions, "wanted" | "includeObject" | "nowMs" | "columnHeads">): string {
  const { metadata } = object;
  const shown = includeObject === "Object" ? object : includeObject === "Metadata" ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}`, metadata } : null;
  const row = { cells: columns.map((column) => column.cell(object, nowMs)), object: shown };
  return `${tableHead(wanted.version, { resourceVersion: metadata.resourceVersion ?? "" }, columnHeads(type, columns))}${JSON.stringify(row)}]}`;
}

/** The items, with everything that follows them. */
function itemsOf(entries: readonly CacheEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, entry] of entries.entries()) parts.push(index > 0 ? itemNext : itemStart, entry.jsonItem);
  parts.push(end);
  return Buffer.concat(parts);
}

const protobufBody = (protobuf: ProtobufCodec, entry: CacheEntry, keeps: boolean): Buffer => entry.bytes("protobuf", (object) => {
  const body = protobuf.encodeBody(object, entry.form);
  entry.binaryLength = body.length;
  return body;
}, keeps);

/** @throws {StatusError} NotAcceptable, for kinds that have no binary form. */
function protobufOf(answer: Exclude<WholeAnswer, { is: "bytes" }>, { protobuf, wanted, keeps }: EncodeOptions): Uint8Array {
  if (!protobuf) throw notAcceptable("application/json, application/yaml");
  if (wanted.as === "object") {
    if (answer.is === "entry") return wrapBody(answer.entry.form, protobufBody(protobuf, answer.entry, keeps));
    if (answer.is === "list") {
      const list = { kind: answer.served.type.listKind, apiVersion: apiVersionOf(answer.served.type), metadata: metaOf(answer) };
      return protobuf.encodeList(list, answer.entries.map((entry) => protobufBody(protobuf, entry, keeps)));
    }
  }
  const object = plainOf(answer, wanted) as { readonly apiVersion?: string; readonly kind: string };
  // The documents of the core group name no version, in no encoding.
  if (object.apiVersion === undefined) return wrapBody({ apiVersion: "", kind: object.kind }, protobuf.encodeBody(object, { apiVersion: "v1", kind: object.kind }));
  return protobuf.encode(object as { readonly apiVersion: string; readonly kind: string });
}

/** The answer as a plain object, for encodings that start from one, and (without `wanted`) for callers inside of the process, who may keep it. */
export function plainOf(answer: Exclude<WholeAnswer, { is: "bytes" }>, wanted?: Wanted): unknown {
  const partial = wanted !== undefined && wanted.as !== "object";
  const item = (entry: CacheEntry) => (partial ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}`, metadata: entry.read().metadata } : wanted ? entry.read() : entry.shared);
  switch (answer.is) {
    case "object":
      return wanted ? objectAs(answer.object, wanted) : answer.object;
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

export function eventEncoder(served: Shown, { wanted, includeObject, protobuf, columnHeads, keeps }: EncodeOptions, now: () => number): EventEncoder {
  if (wanted.media === "protobuf") {
    if (!protobuf) throw notAcceptable();
    const frame = (type: string, object: unknown): Buffer => encodeWatchFrame(type, protobuf.encode(object as { readonly apiVersion: string; readonly kind: string }));
    const form = wanted.as === "object" ? "" : ` ${wanted.as} ${wanted.version}`;
    return {
      contentType: "application/vnd.kubernetes.protobuf;stream=watch",
      event: (type, entry) => entry.eventBytes(`protobuf ${type}${form}`, () => (wanted.as === "object"
        ? encodeWatchFrame(type, wrapBody(entry.form, protobufBody(protobuf, entry, keeps)))
        : frame(type, plainOf({ is: "entry", code: 200, entry, served }, wanted)))),
      plain: (type, object) => frame(type, type === "BOOKMARK" && wanted.as !== "object" ? { ...(object as object), kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}` } : object),
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
      event: (type, entry) => entry.eventBytes(`partial ${type} ${version}`, () => line(type, partialMetadata(entry, version, keeps))),
      plain: (type, object) => plain(type, type === "BOOKMARK" ? { ...(object as object), kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}` } : object),
    };
  }
  const columns = columnsOf(served.resource);
  // The columns are said once, with the first event.
  let first = true;
  const head = (revision: string): Buffer => {
    const text = tableHead(wanted.version, { resourceVersion: revision }, first ? columnHeads(served.type, columns) : undefined);
    first = false;
    return Buffer.from(text);
  };
  return {
    contentType: "application/json",
    event: (type, entry) => line(type, Buffer.concat([head(String(entry.revision)), rowJson(entry, columns, includeObject, wanted.version, now(), keeps), tableEnd])),
    plain: (type, object) => {
      if (type !== "BOOKMARK") return plain(type, object);
      const { metadata } = object as KubeObject;
      // The end of the initial events is told by an annotation, which has to be seen also by those who want no objects.
      const shown = includeObject === "Object" ? object : includeObject === "Metadata" || metadata.annotations ? { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${wanted.version}`, metadata } : null;
      const row = `{"cells":[${columns.map(() => "null").join(",")}],"object":${JSON.stringify(shown)}}`;
      return line(type, Buffer.concat([head(metadata.resourceVersion ?? ""), Buffer.from(row), tableEnd]));
    },
  };
}
const lineEnd = Buffer.from("}\n");
const tableEnd = Buffer.from("]}");
