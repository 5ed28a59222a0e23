import { forbidden, invalid, notSupported, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateListRules, validateMapType, validateUniqueLists } from "./schema-lists.ts";
import { validateRules } from "./schema-rules.ts";
import { isStructural, validateStructure } from "./schema-structure.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];
/** Parts of JSON schema that the schema of a custom resource may not use. */
const unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const;
const metadataFields: readonly string[] = ["metadata", "kind", "apiVersion"];

const isEmpty = (value: unknown): boolean => value === undefined || value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === "object" && value !== null && !Array.isArray(value);

/** Where in the whole schema one of its parts stands. */
interface Place {
  readonly root: boolean;
  /** Within the schema of an object's own metadata. */
  readonly inMetadata: boolean;
  /** Why no default may be given here; "" where one may. */
  readonly noDefaults: string;
}

function validateKeywords(schema: JSONSchemaProps, path: string, place: Place): readonly FieldError[] {
  const { type = "" } = schema;
  const errors: FieldError[] = [];
  if (type !== "" && !types.includes(type)) errors.push(notSupported(`${path}.type`, type, types));
  if (schema.default !== undefined && place.noDefaults !== "") errors.push(forbidden(`${path}.default`, `must not be set ${place.noDefaults}`));
  for (const field of unsupported) if (!isEmpty(schema[field])) errors.push(forbidden(`${path}.${field}`, `${field} is not supported`));
  if (type === "null") errors.push(forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(schema.items)) errors.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  if (place.inMetadata && schema["x-kubernetes-embedded-resource"] === true) errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"));
  if (schema.uniqueItems === true) errors.push(forbidden(`${path}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
  return errors;
}

/** Every schema below this one, in upstream's order. */
function* childrenOf(schema: JSONSchemaProps, path: string, place: Place): Generator<readonly [JSONSchemaProps, string, Place]> {
  const inner = { ...place, root: false };
  const { items, properties = {}, additionalProperties } = schema;
  if (isSchema(additionalProperties)) {
    yield [additionalProperties, `${path}.additionalProperties`, place.inMetadata ? { ...inner, noDefaults: "inside additionalProperties applying to object metadata" } : inner];
  }
  for (const [key, property] of Object.entries(properties)) {
    const special = (place.root || schema["x-kubernetes-embedded-resource"] === true) && metadataFields.includes(key);
    yield [property, `${path}.properties[${key}]`, special ? { root: false, inMetadata: true, noDefaults: place.root ? `in top-level ${key}` : place.noDefaults } : inner];
  }
  if (schema.not) yield [schema.not, `${path}.not`, inner];
  for (const field of ["allOf", "oneOf", "anyOf"] as const) for (const [index, each] of (schema[field] ?? []).entries()) yield [each, `${path}.${field}[${index}]`, inner];
  for (const [key, each] of Object.entries(schema.definitions ?? {})) yield [each, `${path}.definitions[${key}]`, inner];
  if (isSchema(items)) yield [items, `${path}.items`, inner];
}

function validateOne(schema: JSONSchemaProps, path: string, place: Place): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateKeywords(schema, path, place));
  if (schema.additionalProperties !== undefined && Object.keys(schema.properties ?? {}).length > 0 && schema.additionalProperties !== true) {
    errors.push(forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
  }
  for (const [child, at, inside] of childrenOf(schema, path, place)) addAll(errors, validateOne(child, at, inside));
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  addAll(errors, validateMapType(schema, path));
  addAll(errors, validateListRules(schema, path));
  addAll(errors, validateUniqueLists(schema, path));
  addAll(errors, validateRules(schema, path));
  return errors;
}

/**
 * The schema of a custom resource (apiextensions' validation.go and schema/validation.go). `path` is that of the schema itself. Expressions are
 * not compiled, and defaults are not held against the schema.
 */
export function validateSchema(schema: JSONSchemaProps, path: string, { status }: { readonly status: boolean }): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (status && schema.type !== "object") errors.push(invalid(`${path}.type`, schema.type ?? "", 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'));
  if (schema.nullable === true) errors.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  if (isStructural(schema)) addAll(errors, validateStructure(schema, path));
  addAll(errors, validateOne(schema, path, { root: true, inMetadata: false, noDefaults: "" }));
  return errors;
}
