import { BackwardWriter, wireType } from "../../apimachinery/protobuf/wire.ts";
import type { Json } from "./definitions.ts";

/** What client-go asks "/openapi/v2" for (the first, which is no valid media type, is what it has always sent) and what an answer says that it is. */
export const openApiV2ProtobufAccepted: readonly string[] = ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"];
export const openApiV2ProtobufMediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** Numbers and names are those of gnostic's OpenAPIv2.proto. */
type Encode = (writer: BackwardWriter, value: unknown) => void;
/** A field writes itself with its tag; a message is its fields in order of their numbers. */
type Field = readonly [number: number, key: string, encode: (writer: BackwardWriter, number: number, value: unknown) => void];

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] => Object.entries(value as Json);
const listOf = (value: unknown): readonly unknown[] => value as readonly unknown[];

const text: Field[2] = (writer, number, value) => {
  writer.string(String(value));
  writer.tag(number, wireType.bytes);
};
const boolean: Field[2] = (writer, number, value) => {
  if (value !== true) return;
  writer.varint(1);
  writer.tag(number, wireType.varint);
};
const embedded = (encode: Encode): Field[2] => (writer, number, value) => {
  const start = writer.length;
  encode(writer, value);
  writer.embed(number, start);
};
const repeated = (encode: Field[2]): Field[2] => (writer, number, value) => {
  for (const each of listOf(value).toReversed()) encode(writer, number, each);
};
/** A map is a list of (name, value) pairs. */
const named = (encode: Encode): Field[2] => (writer, number, value) => {
  for (const [name, each] of entriesOf(value).toReversed()) {
    embedded((inner, pair) => {
      embedded(encode)(inner, 2, pair);
      text(inner, 1, name);
    })(writer, number, each);
  }
};

/** JSON is YAML, which is the form that gnostic keeps free values in. */
const any: Encode = (writer, value) => text(writer, 2, JSON.stringify(value));

const message = (fields: () => readonly Field[], extensions?: number): Encode => (writer, value) => {
  if (extensions !== undefined) named(any)(writer, extensions, Object.fromEntries(entriesOf(value).filter(([key]) => key.startsWith("x-"))));
  for (const [number, key, encode] of fields().toReversed()) {
    const field = (value as Json)[key];
    if (field !== undefined) encode(writer, number, field);
  }
};

const schema: Encode = message(() => schemaFields, 31);
const one = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const schemaFields: readonly Field[] = [
  [1, "$ref", text], [2, "format", text], [3, "title", text], [4, "description", text], [5, "default", embedded(any)], [13, "pattern", text], [19, "required", repeated(text)], [20, "enum", repeated(embedded(any))],
  [21, "additionalProperties", embedded((writer, value) => (typeof value === "boolean" ? boolean(writer, 2, value) : embedded(schema)(writer, 1, value)))],
  [22, "type", embedded((writer, value) => repeated(text)(writer, 1, one(value)))],
  [23, "items", embedded((writer, value) => repeated(embedded(schema))(writer, 1, one(value)))],
  [24, "allOf", repeated(embedded(schema))], [25, "properties", embedded((writer, value) => named(schema)(writer, 1, value))],
];

const pathParameter = message(() => [[1, "required", boolean], [2, "in", text], [3, "description", text], [4, "name", text], [5, "type", text], [19, "uniqueItems", boolean]]);
const queryParameter = message(() => [[1, "required", boolean], [2, "in", text], [3, "description", text], [4, "name", text], [6, "type", text], [20, "uniqueItems", boolean]]);
const bodyParameter = message(() => [[1, "description", text], [2, "name", text], [3, "in", text], [4, "required", boolean], [5, "schema", embedded(schema)]]);
const parameter: Encode = (writer, value) => {
  const place = (value as Json)["in"];
  if (place === "body") embedded(bodyParameter)(writer, 1, value);
  else embedded((inner, each) => (place === "path" ? embedded(pathParameter)(inner, 4, each) : embedded(queryParameter)(inner, 3, each)))(writer, 2, value);
};
const parametersItem: Encode = (writer, value) =>
  ("$ref" in (value as Json) ? embedded(message(() => [[1, "$ref", text], [2, "description", text]]))(writer, 2, value) : embedded(parameter)(writer, 1, value));

const response = message(() => [[1, "description", text], [2, "schema", embedded((writer, value) => embedded(schema)(writer, 1, value))]]);
const operation = message(() => [
  [1, "tags", repeated(text)], [3, "description", text], [5, "operationId", text], [6, "produces", repeated(text)], [7, "consumes", repeated(text)], [8, "parameters", repeated(embedded(parametersItem))],
  [9, "responses", embedded((writer, value) => named((inner, each) => embedded(response)(inner, 1, each))(writer, 1, value))], [10, "schemes", repeated(text)],
], 13);
const pathItem = message(() => [
  [2, "get", embedded(operation)], [3, "put", embedded(operation)], [4, "post", embedded(operation)], [5, "delete", embedded(operation)], [6, "options", embedded(operation)],
  [7, "head", embedded(operation)], [8, "patch", embedded(operation)], [9, "parameters", repeated(embedded(parametersItem))],
]);
const apiKey = message(() => [[1, "type", text], [2, "name", text], [3, "in", text], [4, "description", text]]);
const stringArray: Encode = (writer, value) => repeated(text)(writer, 1, value);

const document = message(() => [
  [1, "swagger", text], [2, "info", embedded(message(() => [[1, "title", text], [2, "version", text]]))],
  [8, "paths", embedded((writer, value) => named(pathItem)(writer, 2, value))], [9, "definitions", embedded((writer, value) => named(schema)(writer, 1, value))],
  [10, "parameters", embedded((writer, value) => named(parameter)(writer, 1, value))],
  [12, "security", repeated(embedded((writer, value) => named(stringArray)(writer, 1, value)))],
  [13, "securityDefinitions", embedded((writer, value) => named((inner, each) => embedded(apiKey)(inner, 2, each))(writer, 1, value))],
]);

/** The v2 document as a gnostic `openapi.v2.Document`. */
export function encodeOpenApiV2(json: Json): Buffer {
  const writer = new BackwardWriter();
  document(writer, json);
  return writer.finish();
}
