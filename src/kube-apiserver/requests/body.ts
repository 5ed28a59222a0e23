import { JsonError, parseJson, parseJsonStrict, type JsonDocument } from "../../apimachinery/json.ts";
import { apiVersionOf, splitApiVersion, type KubeObject } from "../../apimachinery/object.ts";
import type { SchemaLookup } from "../../apimachinery/schema.ts";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import { DecodeError, decodeStrict } from "../../apimachinery/strict-decoding.ts";
import type { ProtobufCodec } from "../../apimachinery/protobuf/codec.ts";
import { parseYamlStrict, YamlError } from "../../apimachinery/yaml.ts";
import { unsupportedMediaType } from "../output/negotiation.ts";
import type { Payload } from "./request.ts";

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface DecodeBodyOptions {
  readonly kind: Kind;
  readonly schemas: SchemaLookup;
  readonly protobuf: ProtobufCodec | undefined;
  readonly fieldValidation: "Ignore" | "Warn" | "Strict";
  readonly warnings: string[];
  /** The kind is the same whatever built-in group and version the body says it is of: typed clients send the group's own DeleteOptions. */
  readonly anyVersion?: boolean;
}

/** How much of a body that could not be read is shown. */
const shownBytesMax = 30;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

function summary(bytes: Buffer): string {
  if (bytes.length === 0) return "<empty>";
  const text = bytes[0] === 0x7b ? bytes.toString() : bytes.toString("hex");
  const max = bytes[0] === 0x7b ? shownBytesMax : shownBytesMax * 2;
  return text.length > max ? `${text.slice(0, max)} ...` : text;
}

const unrecognized = (kind: Kind, why: string, bytes: Buffer): StatusError =>
  new StatusError("BadRequest", `the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary(bytes)})`, { cause: why });
const cannotBeHandled = (own: { readonly kind: string; readonly version: string }, kind: Kind, why: string): StatusError =>
  new StatusError("BadRequest", `${own.kind} in version ${JSON.stringify(own.version)} cannot be handled as a ${kind.kind}: ${why}`, { cause: why });

/** The media type without its parameters. */
export const mediaTypeOf = (contentType: string): string => (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();

interface DocumentRead {
  readonly document: JsonDocument;
  readonly bytes: Buffer;
  /** What is wrong with a YAML text although it can be read, one line each: a warning each, and one error together. */
  readonly complaints?: readonly string[];
}

/** Reads a body that is JSON, YAML or protobuf, as an untyped value. */
async function readDocument(payload: Extract<Payload, { is: "bytes" }>, kind: Kind, strict: boolean, protobuf: ProtobufCodec | undefined): Promise<DocumentRead> {
  const media = mediaTypeOf(payload.contentType);
  if (!["", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"].includes(media)) throw unsupportedMediaType();
  const bytes = await payload.read();
  const none: JsonDocument["duplicates"] = new Map();
  switch (media) {
    case "application/yaml":
      try {
        const { value, duplicates } = parseYamlStrict(bytes.toString());
        return { document: { value, duplicates: none }, bytes, complaints: strict ? duplicates : [] };
      } catch (error) {
        if (!(error instanceof YamlError)) throw error;
        throw unrecognized(kind, error.message, bytes);
      }
    case "application/vnd.kubernetes.protobuf": {
      if (!protobuf) throw unsupportedMediaType();
      try {
        return { document: { value: protobuf.decode(bytes, { kind: kind.kind, apiVersion: apiVersionOf(kind) }), duplicates: none }, bytes };
      } catch (error) {
        if (error instanceof StatusError) throw unrecognized(kind, error.message, bytes);
        throw error;
      }
    }
    default:
      try {
        const text = bytes.toString();
        return { document: strict ? parseJsonStrict(text) : { value: parseJson(text), duplicates: none }, bytes };
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        throw unrecognized(kind, `couldn't get version/kind; json parse error: ${error.message}`, bytes);
      }
  }
}

/**
 * The object in a body, of the expected kind (which the body may leave out), decoded by its type. The cause of an error is what is wrong, without what was wanted.
 * @throws {StatusError} BadRequest, UnsupportedMediaType, RequestEntityTooLarge
 */
export async function decodeBody<T extends KubeObject = KubeObject>(payload: Payload, { kind, schemas, protobuf, fieldValidation, warnings, anyVersion = false }: DecodeBodyOptions): Promise<T> {
  if (payload.is === "object") {
    if (!isRecord(payload.object)) throw unrecognized(kind, "not an object", Buffer.alloc(0));
    const object = payload.object as unknown as T;
    const complete = object.kind === kind.kind && object.apiVersion === apiVersionOf(kind) ? object : { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind) };
    return (complete as Partial<T>).metadata === undefined ? { ...complete, metadata: {} } : complete;
  }
  const { document: { value: read, duplicates }, bytes, complaints = [] } = await readDocument(payload, kind, fieldValidation !== "Ignore", protobuf);
  // To Go's decoder null is an object without fields.
  const value = read === null && bytes.length > 0 ? {} : read;
  if (!isRecord(value)) {
    const is = Array.isArray(value) ? "array" : value === null ? "null" : typeof value === "boolean" ? "bool" : typeof value;
    if (value === null || value === undefined) throw unrecognized(kind, "couldn't get version/kind; json parse error: unexpected end of JSON input", bytes);
    throw unrecognized(kind, `couldn't get version/kind; json parse error: json: cannot unmarshal ${is} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`, bytes);
  }
  if (typeof value["apiVersion"] === "string" && value["apiVersion"].split("/").length > 2) throw unrecognized(kind, `unexpected GroupVersion string: ${value["apiVersion"]}`, bytes);
  return typed<T>(value, { kind, schemas, fieldValidation, warnings, duplicates, complaints, anyVersion });
}

/** Gives an untyped object its type. @throws {StatusError} BadRequest */
export function typed<T extends KubeObject>(
  value: Readonly<Record<string, unknown>>,
  { kind, schemas, fieldValidation, warnings, duplicates, complaints = [], anyVersion = false }: Omit<DecodeBodyOptions, "protobuf"> & { readonly duplicates?: JsonDocument["duplicates"]; readonly complaints?: readonly string[] },
): T {
  const text = (key: string) => (typeof value[key] === "string" ? value[key] : "");
  const apiVersion = text("apiVersion");
  const own = { ...(apiVersion === "" ? kind : splitApiVersion(apiVersion)), kind: text("kind") === "" ? kind.kind : text("kind") };
  if (own.kind !== kind.kind || own.group !== kind.group || own.version !== kind.version) {
    const known = schemas.kind(own.group, own.version, own.kind);
    if (!known) {
      throw cannotBeHandled(own, kind, `no kind ${JSON.stringify(own.kind)} is registered for version ${JSON.stringify(apiVersionOf(own))} in scheme "pkg/api/legacyscheme/scheme.go:30"`);
    }
    if (own.kind === kind.kind && !anyVersion) throw badRequest(`the API version in the data (${apiVersionOf(own)}) does not match the expected API version (${apiVersionOf(kind)})`);
    if (own.kind !== kind.kind) throw cannotBeHandled(own, kind, `converting (${own.version}.${own.kind}) to (${kind.group === "" ? "core" : (kind.group.split(".")[0] ?? "")}.${kind.kind}): unknown conversion`);
  }

  const schema = schemas.kind(kind.group, kind.version, kind.kind);
  if (!schema) return { ...value, kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: isRecord(value["metadata"]) ? value["metadata"] : {} } as unknown as T;
  let decoded;
  try {
    decoded = decodeStrict(value, schema, { schemas, ...(duplicates && { duplicates }) });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw cannotBeHandled(own, kind, error.message);
  }
  const strict = [...complaints, ...decoded.strict];
  if (strict.length > 0) {
    const told = complaints.length === 0 ? strict : [`yaml: unmarshal errors:\n${complaints.map((each) => `  ${each}`).join("\n")}`, ...decoded.strict];
    if (fieldValidation === "Strict") throw cannotBeHandled(own, kind, `strict decoding error: ${told.join(", ")}`);
    if (fieldValidation === "Warn") warnings.push(...strict);
  }
  return { ...decoded.object, kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: isRecord(decoded.object["metadata"]) ? decoded.object["metadata"] : {} } as unknown as T;
}
