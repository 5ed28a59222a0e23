import { BackwardWriter, wireType } from "../../apimachinery/protobuf/wire.ts";
import type { Json } from "./definitions.ts";
import { any, boolean, embedded, message, named, repeated, text, type Encode, type Field } from "./gnostic.ts";

/** Numbers and names are those of gnostic's OpenAPIv3.proto. */
const reference = message(() => [[1, "$ref", text], [3, "description", text]]);
/** A oneof of the thing itself and a reference to it. */
const orReference = (encode: Encode): Encode => (writer, value) => ("$ref" in (value as Json) ? embedded(reference)(writer, 2, value) : embedded(encode)(writer, 1, value));

/** Only scalars have a place here; of an object it is said that there is one. */
const defaultType: Encode = (writer, value) => {
  if (typeof value === "string") text(writer, 3, value);
  else if (typeof value === "boolean") {
    writer.varint(value ? 1 : 0);
    writer.tag(2, wireType.varint);
  } else if (typeof value === "number") {
    writer.double(value);
    writer.tag(1, wireType.fixed64);
  }
};

const schema: Encode = orReference(message(() => schemaFields, 36));
const schemaFields: readonly Field[] = [
  [1, "nullable", boolean], [9, "title", text], [17, "pattern", text], [23, "required", repeated(text)], [24, "enum", repeated(embedded(any))], [25, "type", text],
  [26, "allOf", repeated(embedded(schema))], [27, "oneOf", repeated(embedded(schema))], [28, "anyOf", repeated(embedded(schema))],
  [30, "items", embedded((writer, value) => embedded(schema)(writer, 1, value))], [31, "properties", embedded((writer, value) => named(schema)(writer, 1, value))],
  [32, "additionalProperties", embedded((writer, value) => (typeof value === "boolean" ? boolean(writer, 2, value) : embedded(schema)(writer, 1, value)))],
  [33, "default", embedded(defaultType)], [34, "description", text], [35, "format", text],
];

const mediaTypes: Encode = (writer, value) => named(message(() => [[1, "schema", embedded(schema)]]))(writer, 1, value);
const parameter = orReference(message(() => [[1, "name", text], [2, "in", text], [3, "description", text], [4, "required", boolean], [10, "schema", embedded(schema)]]));
const requestBody = orReference(message(() => [[1, "description", text], [2, "content", embedded(mediaTypes)], [3, "required", boolean]]));
const response = orReference(message(() => [[1, "description", text], [3, "content", embedded(mediaTypes)]]));
const operation = message(() => [
  [1, "tags", repeated(text)], [2, "summary", text], [3, "description", text], [5, "operationId", text], [6, "parameters", repeated(embedded(parameter))], [7, "requestBody", embedded(requestBody)],
  [8, "responses", embedded((writer, value) => named(response)(writer, 2, value))], [10, "deprecated", boolean],
], 13);
const pathItem = message(() => [
  [4, "get", embedded(operation)], [5, "put", embedded(operation)], [6, "post", embedded(operation)], [7, "delete", embedded(operation)], [8, "options", embedded(operation)],
  [9, "head", embedded(operation)], [10, "patch", embedded(operation)], [13, "parameters", repeated(embedded(parameter))],
]);
const securityScheme = orReference(message(() => [[1, "type", text], [2, "description", text], [3, "name", text], [4, "in", text]]));

const document = message(() => [
  [1, "openapi", text], [2, "info", embedded(message(() => [[1, "title", text], [2, "description", text], [6, "version", text]]))],
  [4, "paths", embedded((writer, value) => named(pathItem)(writer, 1, value))],
  [5, "components", embedded(message(() => [
    [1, "schemas", embedded((writer, value) => named(schema)(writer, 1, value))], [7, "securitySchemes", embedded((writer, value) => named(securityScheme)(writer, 1, value))],
  ]))],
]);

/** A v3 document as a gnostic `openapi.v3.Document`. */
export function encodeOpenApiV3(json: Json): Buffer {
  const writer = new BackwardWriter();
  document(writer, json);
  return writer.finish();
}
