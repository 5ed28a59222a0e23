import type { KubeObject } from "../object.ts";
import { splitApiVersion } from "../object.ts";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { compileMessage, type MessageCodec } from "./message.ts";
import { BackwardWriter, Reader, wireType, WireFormatError } from "./wire.ts";

/** What clients name in Accept and Content-Type. */
export const protobufMediaType = "application/vnd.kubernetes.protobuf";

/** Every object begins with these four bytes, then an envelope (`runtime.Unknown`) that says what it is. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export interface TypeName { readonly apiVersion: string; readonly kind: string }

export interface ProtobufCodec {
  /** Whether there is a protobuf form of the kind; custom resources and tables have none. */
  has(type: TypeName): boolean;
  /** An object with its envelope. Throws a StatusError (406) for kinds that have no protobuf form. */
  encode<T extends TypeName>(object: T): Buffer;
  /** The message alone: what `encodeList` joins, made once per version of an object. */
  encodeBody(object: object, type: TypeName): Buffer;
  /** A list from the bodies of its items, with its envelope. */
  encodeList(list: TypeName & { readonly metadata: object }, bodies: readonly Uint8Array[]): Buffer;
  /** Throws a StatusError (400) for what is not a protobuf object; `fallback` is the kind that the request is about, for envelopes that name none. */
  decode(bytes: Uint8Array, fallback?: TypeName): KubeObject;
}

/** Nothing here waits, so one writer serves all. */
const shared = new BackwardWriter();

/** Writes the envelope around a message that `body` writes. */
function writeEnvelope(writer: BackwardWriter, { apiVersion, kind }: TypeName, body: () => void): void {
  writer.string("");
  writer.tag(4, wireType.bytes);
  writer.string("");
  writer.tag(3, wireType.bytes);
  const end = writer.length;
  body();
  writer.embed(2, end);
  const start = writer.length;
  writer.string(kind);
  writer.tag(2, wireType.bytes);
  writer.string(apiVersion);
  writer.tag(1, wireType.bytes);
  writer.embed(1, start);
  writer.raw(magic);
}

/** Wraps the message of an object. */
export function wrapBody(type: TypeName, body: Uint8Array): Buffer {
  writeEnvelope(shared, type, () => shared.raw(body));
  return shared.finish();
}

interface Envelope extends TypeName { readonly raw: Buffer; readonly contentType: string; readonly contentEncoding: string }

export const isProtobuf = (bytes: Uint8Array): boolean => bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);

function readEnvelope(bytes: Uint8Array): Envelope {
  const reader = new Reader(bytes.subarray(magic.length));
  let [apiVersion, kind, contentType, contentEncoding] = ["", "", "", ""];
  let raw: Buffer = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag >>> 3) {
      case 1: {
        const outer = reader.enter();
        while (!reader.done) {
          const inner = reader.varint();
          if (inner >>> 3 === 1) apiVersion = reader.string();
          else if (inner >>> 3 === 2) kind = reader.string();
          else reader.skip(inner & 7);
        }
        reader.leave(outer);
        break;
      }
      case 2: raw = reader.bytes(); break;
      case 3: contentEncoding = reader.string(); break;
      case 4: contentType = reader.string(); break;
      default: reader.skip(tag & 7);
    }
  }
  return { apiVersion, kind, raw, contentType, contentEncoding };
}

const notAcceptable = ({ apiVersion, kind }: TypeName): StatusError => new StatusError("NotAcceptable", `object of kind ${kind} in version ${apiVersion} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`);

/** What upstream's type has no room for, its envelope does not say either. */
const anonymous: TypeName = { apiVersion: "", kind: "" };

/** The codec over the schemas of the API; messages are compiled when first met. */
export function createProtobufCodec(schemas: SchemaLookup): ProtobufCodec {
  const messages = new Map<string, MessageCodec>();
  const writer = shared;

  const messageOf = (schema: ObjectSchema): MessageCodec => {
    const known = messages.get(schema.name);
    if (known) return known;
    const made = compileMessage(schema, (name) => {
      const found = schemas.type(name);
      if (!found) throw new Error(`no schema for ${name}`);
      return messageOf(found);
    });
    messages.set(schema.name, made);
    return made;
  };

  /** By apiVersion and kind; bounded by the number of built-in kinds, since only those are kept. */
  const kinds = new Map<string, MessageCodec>();
  const find = ({ apiVersion, kind }: TypeName): MessageCodec | undefined => {
    const key = `${apiVersion} ${kind}`;
    const known = kinds.get(key);
    if (known) return known;
    const { group, version } = splitApiVersion(apiVersion);
    const schema = schemas.kind(group, version, kind);
    if (!schema || Object.values(schema.fields).every(({ protobuf }) => protobuf === undefined)) return undefined;
    const made = messageOf(schema);
    kinds.set(key, made);
    return made;
  };
  const nameOf = (type: TypeName): TypeName => {
    const { group, version } = splitApiVersion(type.apiVersion);
    return schemas.kind(group, version, type.kind)?.nameless ? anonymous : type;
  };
  const required = (type: TypeName): MessageCodec => {
    const found = find(type);
    if (!found) throw notAcceptable(type);
    return found;
  };

  /** What was written by the time of an error is forgotten. */
  const written = (write: () => void): Buffer => {
    try {
      write();
      return writer.finish();
    } catch (error) {
      writer.reset();
      throw error;
    }
  };

  return {
    has: (type) => find(type) !== undefined,
    encode(object) {
      const message = required(object);
      return written(() => writeEnvelope(writer, nameOf(object), () => message.write(writer, object as Readonly<Record<string, unknown>>)));
    },
    encodeBody(object, type) {
      const message = required(type);
      return written(() => message.write(writer, object as Readonly<Record<string, unknown>>));
    },
    encodeList(list, bodies) {
      // Every list is { metadata = 1, items = 2 }.
      const meta = schemas.type("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
      return written(() => writeEnvelope(writer, list, () => {
        for (let index = bodies.length - 1; index >= 0; index--) {
          const body = bodies[index];
          if (body === undefined) continue;
          writer.bytes(body);
          writer.tag(2, wireType.bytes);
        }
        const start = writer.length;
        if (meta) messageOf(meta).write(writer, list.metadata as Readonly<Record<string, unknown>>);
        writer.embed(1, start);
      }));
    },
    decode(bytes, fallback) {
      if (!isProtobuf(bytes)) throw badRequest(`provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(" ")}]`);
      try {
        const envelope = readEnvelope(bytes);
        const type = { apiVersion: envelope.apiVersion === "" ? (fallback?.apiVersion ?? "") : envelope.apiVersion, kind: envelope.kind === "" ? (fallback?.kind ?? "") : envelope.kind };
        if (envelope.contentType !== "" && envelope.contentType !== protobufMediaType) {
          if (envelope.contentType !== "application/json") throw badRequest(`unsupported content type ${JSON.stringify(envelope.contentType)} in a protobuf envelope`);
          return JSON.parse(envelope.raw.toString()) as KubeObject;
        }
        if (type.kind === "") throw badRequest("Object 'Kind' is missing in the protobuf envelope");
        const message = find(type);
        if (!message) throw badRequest(`no kind ${JSON.stringify(type.kind)} is registered for version ${JSON.stringify(type.apiVersion)} in scheme`);
        const fields = message.read(new Reader(envelope.raw));
        return { apiVersion: type.apiVersion, kind: type.kind, ...fields } as unknown as KubeObject;
      } catch (error) {
        if (error instanceof WireFormatError || error instanceof SyntaxError) throw badRequest(error.message);
        throw error;
      }
    },
  };
}
