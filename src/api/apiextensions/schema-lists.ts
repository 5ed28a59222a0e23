import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";

const isSchema = (value: unknown): value is JSONSchemaProps => typeof value === "object" && value !== null && !Array.isArray(value);

function* mustBe(type: string, schema: JSONSchemaProps, path: string, why: string): Generator<FieldError> {
  const own = schema.type ?? "";
  if (own === "") yield required(`${path}.type`, `must be ${type} if ${why} is specified`);
  else if (own !== type) yield invalid(`${path}.type`, own, `must be ${type} if ${why} is specified`);
}

export function* validateMapType(schema: JSONSchemaProps, path: string): Generator<FieldError> {
  const kind = schema["x-kubernetes-map-type"];
  if (kind === undefined) return;
  yield* mustBe("object", schema, path, "x-kubernetes-map-type");
  if (kind !== "atomic" && kind !== "granular") yield notSupported(`${path}.x-kubernetes-map-type`, kind, ["atomic", "granular"]);
}

/** Items of a set are compared as a whole. */
function* validateSetItems(items: JSONSchemaProps, path: string): Generator<FieldError> {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const listType = items["x-kubernetes-list-type"];
  if (items.type === "array" && listType !== undefined && listType !== "atomic") yield invalid(`${path}.items.x-kubernetes-list-type`, listType, detail);
  // Upstream shows the type of the list here too.
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic") yield invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, detail);
}

function* validateKeys(items: JSONSchemaProps, keys: readonly string[], path: string): Generator<FieldError> {
  const at = `${path}.x-kubernetes-list-map-keys`;
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) yield invalid(at, keys, "entries must all be names of item properties");
    else if (property.type === "array" || property.type === "object") {
      yield invalid(`${path}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (keys.indexOf(key) < index) yield invalid(at, keys, "must not contain duplicate entries");
  }
}

export function* validateListRules(schema: JSONSchemaProps, path: string): Generator<FieldError> {
  const kind = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const { items } = schema;
  if (kind !== undefined) {
    if (schema.type !== "array") yield* mustBe("array", schema, path, "x-kubernetes-list-type");
    else if (kind === "set" && isSchema(items)) yield* validateSetItems(items, path);
    if (kind !== "atomic" && kind !== "set" && kind !== "map") yield notSupported(`${path}.x-kubernetes-list-type`, kind, ["atomic", "set", "map"]);
  }
  if (keys.length > 0 && kind !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    yield kind === undefined ? required(`${path}.x-kubernetes-list-type`, detail) : invalid(`${path}.x-kubernetes-list-type`, kind, detail);
  }
  if (kind !== "map") return;
  if (keys.length === 0) yield required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map");
  if (items === undefined) yield required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map");
  else if (!isSchema(items)) yield invalid(`${path}.items`, items, "must only have a single schema if x-kubernetes-list-type is map");
  else if (items.type !== "object") yield invalid(`${path}.items.type`, items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map");
  else yield* validateKeys(items, keys, path);
}

/** What items of sets and maps are told apart by must be there. */
export function* validateUniqueLists(schema: JSONSchemaProps, path: string): Generator<FieldError> {
  const kind = schema["x-kubernetes-list-type"];
  const { items } = schema;
  if (!isSchema(items) || (kind !== "set" && kind !== "map")) return;
  if (items.nullable === true) yield forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${kind}`);
  if (kind !== "map") return;
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const at = `${path}.items.properties[${key}]`;
    const start = "this property is in x-kubernetes-list-map-keys, so it";
    if (items.required?.includes(key) !== true && property.default === undefined) yield required(`${at}.default`, `${start} must have a default or be a required property`);
    if (property.nullable === true) yield forbidden(`${at}.nullable`, `${start} cannot be nullable`);
  }
}
