import { fieldErrorText, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";

const types = ["array", "boolean", "integer", "null", "number", "object", "string"];
/** Parts of JSON schema that the schema of a custom resource may not use. */
const unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const;

type Level = "at the root" | "for specified array items" | "for specified object fields";

const isEmpty = (value: unknown): boolean => value === undefined || value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === "object" && value !== null && !Array.isArray(value);

/** What may not stand anywhere, with every schema below. */
function* validateSupported(schema: JSONSchemaProps, path: string): Generator<FieldError> {
  const { type = "", items, properties = {}, additionalProperties } = schema;
  if (type !== "" && !types.includes(type)) yield notSupported(`${path}.type`, type, types);
  for (const field of unsupported) if (!isEmpty(schema[field])) yield forbidden(`${path}.${field}`, `${field} is not supported`);
  if (type === "null") yield forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative");
  if (Array.isArray(items)) yield forbidden(`${path}.items`, "items must be a schema object and not an array");
  if (isSchema(items)) yield* validateSupported(items, `${path}.items`);
  for (const [key, property] of Object.entries(properties)) yield* validateSupported(property, `${path}.properties[${key}]`);
  if (isSchema(additionalProperties)) {
    if (Object.keys(properties).length > 0) yield forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
    yield* validateSupported(additionalProperties, `${path}.additionalProperties`);
  }
}

/** Metadata is the server's: a schema may only narrow its names. */
function* validateMetadata(metadata: JSONSchemaProps, path: string, level: Level): Generator<FieldError> {
  if (metadata.type !== "object") yield invalid(`${path}.type`, metadata.type ?? "", "must be object");
  if (level !== "at the root") return;
  const others = Object.keys(metadata).filter((field) => !["type", "description", "default", "properties"].includes(field));
  const properties = Object.keys(metadata.properties ?? {}).filter((name) => name !== "name" && name !== "generateName");
  if (others.length > 0 || properties.length > 0) yield forbidden(path, "must not specify anything other than name and generateName, but metadata is implicitly specified");
}

/** A structural schema says the type of every field (KEP 2265). */
function* validateStructural(schema: JSONSchemaProps, path: string, level: Level): Generator<FieldError> {
  const { type = "", items, properties = {}, additionalProperties } = schema;
  const [mixed, open, embedded] = [schema["x-kubernetes-int-or-string"] === true, schema["x-kubernetes-preserve-unknown-fields"] === true, schema["x-kubernetes-embedded-resource"] === true];
  if (type === "array" && items === undefined) yield required(`${path}.items`, "must be specified");
  if (isSchema(items)) yield* validateStructural(items, `${path}.items`, "for specified array items");
  for (const [key, property] of Object.entries(properties)) yield* validateStructural(property, `${path}.properties[${key}]`, "for specified object fields");
  if (additionalProperties !== undefined && level === "at the root") yield forbidden(`${path}.additionalProperties`, "must not be used at the root");
  if (isSchema(additionalProperties)) yield* validateStructural(additionalProperties, `${path}.additionalProperties`, "for specified object fields");
  if (mixed && open) yield invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, "must be false if x-kubernetes-int-or-string is true");
  if (mixed && embedded) yield invalid(`${path}.x-kubernetes-embedded-resource`, true, "must be false if x-kubernetes-int-or-string is true");
  if (embedded && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    yield type === "" ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail);
  } else if (type === "" && !mixed && !open) {
    yield required(`${path}.type`, `must not be empty ${level}`);
  }
  if (embedded && additionalProperties !== undefined) yield forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set");
  if (level === "at the root" && type !== "" && type !== "object") yield invalid(`${path}.type`, type, "must be object at the root");
  if (level === "at the root" || embedded) {
    for (const key of ["kind", "apiVersion"]) if (properties[key] && properties[key].type !== "string") yield invalid(`${path}.properties[${key}].type`, properties[key].type ?? "", "must be string");
    if (properties["metadata"]) yield* validateMetadata(properties["metadata"], `${path}.properties[metadata]`, level);
  }
  if (embedded && !open && Object.keys(properties).length === 0) yield required(`${path}.properties`, "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
}

/** `path` is that of the schema itself. Expressions, defaults and the rules for lists and maps are not looked at. */
export function* validateSchema(schema: JSONSchemaProps, path: string, { status }: { readonly status: boolean }): Generator<FieldError> {
  if (status && schema.type !== "object") yield invalid(`${path}.type`, schema.type ?? "", 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled');
  if (schema.nullable === true) yield forbidden(`${path}.nullable`, "nullable cannot be true at the root");
  yield* validateSupported(schema, path);
  yield* [...validateStructural(schema, path, "at the root")].toSorted((a, b) => (fieldErrorText(a) < fieldErrorText(b) ? -1 : 1));
}
