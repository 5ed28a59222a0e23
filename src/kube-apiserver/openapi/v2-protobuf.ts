import { BackwardWriter } from "../../apimachinery/protobuf/wire.ts";
import type { Json } from "./definitions.ts";
import { any, boolean, embedded, message, named, repeated, text, type Encode, type Field } from "./gnostic.ts";

/** Numbers and names are those of gnostic's OpenAPIv2.proto. */
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
