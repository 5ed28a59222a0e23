import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === "object" && value !== null && !Array.isArray(value);

function mustBe(type: string, schema: JSONSchemaProps, path: string, why: string): readonly FieldError[] {
  const own = schema.type ?? "";
  const errors: FieldError[] = [];
  if (own === "") errors.push(required(`${path}.type`, `must be ${type} if ${why} is specified`));
  else if (own !== type) errors.push(invalid(`${path}.type`, own, `must be ${type} if ${why} is specified`));
  return errors;
}

export function validateMapType(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const kind = schema["x-kubernetes-map-type"];
  if (kind === undefined) return [];
  const errors: FieldError[] = [];
  addAll(errors, mustBe("object", schema, path, "x-kubernetes-map-type"));
  if (kind !== "atomic" && kind !== "granular") errors.push(notSupported(`${path}.x-kubernetes-map-type`, kind, ["atomic", "granular"]));
  return errors;
}

/** Items of a set are compared as a whole. */
function validateSetItems(items: JSONSchemaProps, path: string): readonly FieldError[] {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const listType = items["x-kubernetes-list-type"];
  const errors: FieldError[] = [];
  if (items.type === "array" && listType !== undefined && listType !== "atomic") errors.push(invalid(`${path}.items.x-kubernetes-list-type`, listType, detail));
  // Upstream shows the type of the list here too.
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic") errors.push(invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, detail));
  return errors;
}

function validateKeys(items: JSONSchemaProps, keys: readonly string[], path: string): readonly FieldError[] {
  const at = `${path}.x-kubernetes-list-map-keys`;
  const errors: FieldError[] = [];
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(invalid(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < index) errors.push(invalid(at, keys, "must not contain duplicate entries"));
  }
  return errors;
}

export function validateListRules(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const kind = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const { items } = schema;
  const errors: FieldError[] = [];
  if (kind !== undefined) {
    if (schema.type !== "array") addAll(errors, mustBe("array", schema, path, "x-kubernetes-list-type"));
    else if (kind === "set" && isSchema(items)) addAll(errors, validateSetItems(items, path));
    if (kind !== "atomic" && kind !== "set" && kind !== "map") errors.push(notSupported(`${path}.x-kubernetes-list-type`, kind, ["atomic", "set", "map"]));
  }
  if (keys.length > 0 && kind !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(kind === undefined ? required(`${path}.x-kubernetes-list-type`, detail) : invalid(`${path}.x-kubernetes-list-type`, kind, detail));
  }
  if (kind !== "map") return errors;
  if (keys.length === 0) errors.push(required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"));
  if (items === undefined) errors.push(required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
  else if (!isSchema(items)) errors.push(invalid(`${path}.items`, items, "must only have a single schema if x-kubernetes-list-type is map"));
  else if (items.type !== "object") errors.push(invalid(`${path}.items.type`, items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map"));
  else addAll(errors, validateKeys(items, keys, path));
  return errors;
}

/** What items of sets and maps are told apart by must be there. */
export function validateUniqueLists(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const kind = schema["x-kubernetes-list-type"];
  const { items } = schema;
  if (!isSchema(items) || (kind !== "set" && kind !== "map")) return [];
  const errors: FieldError[] = [];
  if (items.nullable === true) errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`));
  if (kind !== "map") return errors;
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const at = `${path}.items.properties[${key}]`;
    const start = "this property is in x-kubernetes-list-map-keys, so it";
    if (items.required?.includes(key) !== true && property.default === undefined) errors.push(required(`${at}.default`, `${start} must have a default or be a required property`));
    if (property.nullable === true) errors.push(forbidden(`${at}.nullable`, `${start} cannot be nullable`));
  }
  return errors;
}
