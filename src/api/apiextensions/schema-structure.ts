import { equal } from "../../stdx/equal.ts";
import { fieldErrorText, forbidden, invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

type Level = "at the root" | "for specified array items" | "for specified object fields";

const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === "object" && value !== null && !Array.isArray(value);
const isEmpty = (value: unknown): boolean => value === undefined || value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0);

/** Keywords without which no structural schema can be made of the whole: they are named elsewhere. */
const unstructured = ["id", "$schema", "$ref", "additionalItems", "patternProperties", "definitions", "dependencies"] as const;

function childrenOf({ items, properties = {}, additionalProperties, not, allOf = [], anyOf = [], oneOf = [] }: JSONSchemaProps): readonly JSONSchemaProps[] {
  return [...Object.values(properties), ...allOf, ...anyOf, ...oneOf, ...[items, additionalProperties, not].filter(isSchema)];
}

export const isStructural = (schema: JSONSchemaProps): boolean =>
  unstructured.every((field) => isEmpty(schema[field])) && !Array.isArray(schema.items) && childrenOf(schema).every(isStructural);

/** Metadata is the server's: a schema may only narrow its names. */
function validateMetadata(metadata: JSONSchemaProps, path: string, level: Level, checkType: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (checkType && metadata.type !== "object") errors.push(invalid(`${path}.type`, metadata.type ?? "", "must be object"));
  if (level !== "at the root") return errors;
  const others = Object.keys(metadata).filter((field) => !["type", "description", "default", "properties"].includes(field) || (field === "description" && metadata.description !== ""));
  const properties = Object.keys(metadata.properties ?? {}).filter((name) => name !== "name" && name !== "generateName");
  if (others.length > 0 || properties.length > 0) errors.push(forbidden(path, "must not specify anything other than name and generateName, but metadata is implicitly specified"));
  return errors;
}

const intOrString = [{ type: "integer" }, { type: "string" }];
const isIntOrString = (list: readonly JSONSchemaProps[] | undefined): boolean => equal(list, intOrString);

/** What a value must be like, on top of its structure: it may constrain, and not specify. */
function validateValues(schema: JSONSchemaProps, path: string, options: { readonly skipAnyOf: boolean; readonly skipFirstAllOf: boolean }): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!options.skipAnyOf) for (const [index, each] of (schema.anyOf ?? []).entries()) addAll(errors, validateNested(each, `${path}.anyOf[${index}]`));
  for (const [index, each] of (schema.allOf ?? []).entries()) addAll(errors, validateNested(each, `${path}.allOf[${index}]`, options.skipFirstAllOf && index === 0));
  for (const [index, each] of (schema.oneOf ?? []).entries()) addAll(errors, validateNested(each, `${path}.oneOf[${index}]`));
  if (schema.not) addAll(errors, validateNested(schema.not, `${path}.not`));
  const problem = (schema.pattern ?? "") === "" ? undefined : patternProblem(schema.pattern ?? "");
  if (problem !== undefined) errors.push(invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: error parsing regexp: ${problem}`));
  return errors;
}

/** The usual mistakes in Go's words; whatever else is wrong, in ours. */
function patternProblem(pattern: string): string | undefined {
  try {
    RegExp(pattern.replace(/^\(\?[imsU]+\)/, ""));
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : "";
    if (text.includes("Unterminated group")) return `missing closing ): \`${pattern}\``;
    if (text.includes("Unterminated character class")) return `missing closing ]: \`${pattern.slice(pattern.lastIndexOf("["))}\``;
    if (text.includes("Unmatched ')'")) return `unexpected ): \`${pattern}\``;
    if (text.includes("Nothing to repeat")) return `missing argument to repetition operator: \`${/[*+?]/.exec(pattern)?.[0] ?? ""}\``;
    return `${text.slice(text.lastIndexOf(": ") + 2)}: \`${pattern}\``;
  }
}

const emptyOnly = [["title", "must be empty"], ["description", "must be empty"]] as const;
const falseOnly = ["nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"] as const;

function validateNested(schema: JSONSchemaProps, path: string, skipAnyOf = false): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateValues(schema, path, { skipAnyOf, skipFirstAllOf: false }));
  if (isSchema(schema.items)) addAll(errors, validateNested(schema.items, `${path}.items`));
  for (const [key, each] of Object.entries(schema.properties ?? {})) addAll(errors, validateNested(each, `${path}.properties[${key}]`));
  if ((schema.type ?? "") !== "") errors.push(forbidden(`${path}.type`, "must be empty to be structural"));
  if (schema.additionalProperties !== undefined) errors.push(forbidden(`${path}.additionalProperties`, "must be undefined to be structural"));
  if (schema.default !== undefined && schema.default !== null) errors.push(forbidden(`${path}.default`, "must be undefined to be structural"));
  for (const [field, problem] of emptyOnly) if ((schema[field] ?? "") !== "") errors.push(forbidden(`${path}.${field}`, `${problem} to be structural`));
  for (const field of falseOnly) if (schema[field] === true) errors.push(forbidden(`${path}.${field}`, "must be false to be structural"));
  if ((schema["x-kubernetes-list-map-keys"] ?? []).length > 0) errors.push(forbidden(`${path}.x-kubernetes-list-map-keys`, "must be empty to be structural"));
  for (const field of ["x-kubernetes-list-type", "x-kubernetes-map-type"] as const) if (schema[field] !== undefined) errors.push(forbidden(`${path}.${field}`, "must be undefined to be structural"));
  if ((schema["x-kubernetes-validations"] ?? []).length > 0) errors.push(forbidden(`${path}.x-kubernetes-validations`, "must be empty to be structural"));
  if (schema.properties?.["metadata"]) errors.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
  return errors;
}

/** What is said of a value must be said where its structure is: nothing may come up in a condition that is not specified outside (completeness). */
function validateComplete(condition: JSONSchemaProps, structure: JSONSchemaProps | undefined, path: string, structurePath: string): readonly FieldError[] {
  if (structure === undefined) return [required(structurePath, `because it is defined in ${path}`)];
  const errors: FieldError[] = [];
  for (const field of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [index, each] of (condition[field] ?? []).entries()) addAll(errors, validateComplete(each, structure, `${path}.${field}[${index}]`, structurePath));
  }
  if (condition.not) addAll(errors, validateComplete(condition.not, structure, `${path}.not`, structurePath));
  if (isSchema(condition.items)) addAll(errors, validateComplete(condition.items, isSchema(structure.items) ? structure.items : undefined, `${path}.items`, `${structurePath}.items`));
  for (const [key, each] of Object.entries(condition.properties ?? {})) {
    addAll(errors, validateComplete(each, structure.properties?.[key], `${path}.properties[${key}]`, `${structurePath}.properties[${key}]`));
  }
  return errors;
}

/** Upstream looks at the conditions of the root alone. */
function validateConditions(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [index, each] of (schema[field] ?? []).entries()) addAll(errors, validateComplete(each, schema, `${path}.${field}[${index}]`, path));
  }
  if (schema.not) addAll(errors, validateComplete(schema.not, schema, `${path}.not`, path));
  return errors;
}

function validateType(schema: JSONSchemaProps, path: string, level: Level): readonly FieldError[] {
  const { type = "", additionalProperties } = schema;
  const [mixed, open, embedded] = [schema["x-kubernetes-int-or-string"] === true, schema["x-kubernetes-preserve-unknown-fields"] === true, schema["x-kubernetes-embedded-resource"] === true];
  const errors: FieldError[] = [];
  if (mixed && open) errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, "must be false if x-kubernetes-int-or-string is true"));
  if (mixed && embedded) errors.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, "must be false if x-kubernetes-int-or-string is true"));
  if (embedded && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail));
  } else if (type === "" && !mixed && !open) {
    errors.push(required(`${path}.type`, `must not be empty ${level}`));
  }
  if (embedded && additionalProperties !== undefined) errors.push(forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"));
  if (level === "at the root" && type !== "" && type !== "object") errors.push(invalid(`${path}.type`, type, "must be object at the root"));
  if (embedded && !open && Object.keys(schema.properties ?? {}).length === 0) {
    errors.push(required(`${path}.properties`, "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"));
  }
  return errors;
}

/** A structural schema says the type of every field (KEP 2265). */
function validateLevel(schema: JSONSchemaProps, path: string, level: Level): readonly FieldError[] {
  const { items, properties = {}, additionalProperties } = schema;
  const errors: FieldError[] = [];
  if (schema.type === "array" && items === undefined) errors.push(required(`${path}.items`, "must be specified"));
  if (isSchema(items)) addAll(errors, validateLevel(items, `${path}.items`, "for specified array items"));
  for (const [key, property] of Object.entries(properties)) addAll(errors, validateLevel(property, `${path}.properties[${key}]`, "for specified object fields"));
  if (additionalProperties !== undefined && level === "at the root") errors.push(forbidden(`${path}.additionalProperties`, "must not be used at the root"));
  if (isSchema(additionalProperties)) addAll(errors, validateLevel(additionalProperties, `${path}.additionalProperties`, "for specified object fields"));
  addAll(errors, validateValues(schema, path, { skipAnyOf: isIntOrString(schema.anyOf), skipFirstAllOf: isIntOrString(schema.allOf?.[0]?.anyOf) }));
  addAll(errors, validateType(schema, path, level));
  const object = level === "at the root" || schema["x-kubernetes-embedded-resource"] === true;
  if (object) {
    for (const key of ["kind", "apiVersion"]) if (properties[key] && properties[key].type !== "string") errors.push(invalid(`${path}.properties[${key}].type`, properties[key].type ?? "", "must be string"));
  }
  if (properties["metadata"]) addAll(errors, validateMetadata(properties["metadata"], `${path}.properties[metadata]`, level, object));
  return errors;
}

/** Upstream sorts these by their text. */
export function validateStructure(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  return [...validateLevel(schema, path, "at the root"), ...validateConditions(schema, path)].toSorted((a, b) => (fieldErrorText(a) < fieldErrorText(b) ? -1 : 1));
}
