import { goTypeText } from "../go-text.ts";
import type { ObjectSchema, SchemaLookup, TypeSchema } from "../schema.ts";
import { isJsonObject } from "./json-value.ts";

/** Kinds of Go's values, as upstream's converter from maps to structs names them. */
const kindText = (value: unknown): string => (Array.isArray(value) ? "slice" : isJsonObject(value) ? "map" : goTypeText(value));

/**
 * Why the result of a strategic merge patch does not fit its type, in the words of upstream's converter (apimachinery/pkg/runtime/converter.go), which are others than those of the JSON decoder that the other
 * patches end in. Undefined where nothing is of the wrong kind: what else is wrong (a time, a quantity) is told alike by both.
 */
export function restoreProblem(value: unknown, schema: ObjectSchema, schemas: SchemaLookup): string | undefined {
  if (!isJsonObject(value)) return `cannot restore struct from: ${kindText(value)}`;
  for (const [key, each] of Object.entries(value)) {
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    const problem = field === undefined || each === null ? undefined : typeProblem(each, field.type, schemas);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function typeProblem(value: unknown, type: TypeSchema, schemas: SchemaLookup): string | undefined {
  const first = (values: readonly unknown[], of: TypeSchema): string | undefined => {
    for (const each of values) {
      const problem = each === null ? undefined : typeProblem(each, of, schemas);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  switch (type.is) {
    case "scalar": return type.format === "byte" ? bytesProblem(value) : scalarProblem(value, type);
    case "list": return Array.isArray(value) ? first(value as unknown[], type.of) : `cannot restore slice from ${kindText(value)}`;
    case "map": return isJsonObject(value) ? first(Object.values(value), type.of) : `cannot restore map from ${kindText(value)}`;
    case "ref": {
      const schema = schemas.type(type.name);
      return schema && restoreProblem(value, schema, schemas);
    }
    case "special": return undefined;
  }
}

const bytesProblem = (value: unknown): string | undefined => (typeof value === "string" || Array.isArray(value) ? undefined : `cannot restore slice from ${kindText(value)}`);

function scalarProblem(value: unknown, { type, format }: Extract<TypeSchema, { is: "scalar" }>): string | undefined {
  const wanted = type === "integer" ? (format ?? "int64") : type === "number" ? "float64" : type === "boolean" ? "bool" : "string";
  if (typeof value === "number") {
    if (type === "number" || (type === "integer" && Number.isInteger(value))) return undefined;
    // Go can make a text of an integer, and an integer of a fraction; the converter does not.
    if (type === "integer" || (type === "string" && Number.isInteger(value))) return `cannot convert ${kindText(value)} to ${wanted}`;
  } else if (typeof value === (type === "integer" ? "number" : type)) return undefined;
  return `unrecognized type: ${wanted}`;
}
