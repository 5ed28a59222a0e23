import { duplicate, invalid, required, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps, SelectableField } from "../generated/apiextensions-v1.ts";

const fieldsMax = 8;
const scalarTypes: readonly string[] = ["string", "boolean", "integer"];

/** A step of a path: `.name`, or `['name']` for names with other characters. */
const step = /\.([A-Za-z_][A-Za-z0-9_]*)|\['((?:[^'\\]|\\.)*)'\]/y;

type Found = { readonly schema: JSONSchemaProps; readonly keys: readonly string[] } | { readonly problem: string };

function find(path: string, root: JSONSchemaProps): Found {
  let schema = root;
  const keys: string[] = [];
  for (let at = 0; at < path.length; at = step.lastIndex) {
    step.lastIndex = at;
    const found = step.exec(path);
    if (found === null) return { problem: path[at] === "." || path[at] === "[" ? "does not refer to a valid field" : `expected [ or . but got: ${/^\w+|./.exec(path.slice(at))?.[0] ?? ""}` };
    const key = found[1] ?? (found[2] ?? "").replaceAll(/\\(.)/g, "$1");
    const next: JSONSchemaProps | undefined = schema.properties?.[key];
    if (next === undefined) return { problem: "does not refer to a valid field" };
    schema = next;
    keys.push(key);
  }
  return { schema, keys };
}

/** Fields by which objects of a version can be selected (KEP 4358): scalars of its schema, each once. */
export function validateSelectableFields(fields: readonly SelectableField[], schema: JSONSchemaProps | undefined, path: string, options: { readonly anyNumber: boolean }): readonly FieldError[] {
  if (fields.length === 0) return [];
  if (schema === undefined) {
    return [invalid(path, "", path === "spec.selectableFields" ? "may only be set when validations.schema is included" : "may only be set when `version.schema.openAPIV3Schema` is not included")];
  }
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { jsonPath = "" }] of fields.entries()) {
    const at = `${path}[${index}].jsonPath`;
    if (jsonPath === "") {
      errors.push(required(at));
      continue;
    }
    const found = find(jsonPath, schema);
    if ("problem" in found) {
      errors.push(invalid(at, jsonPath, `is an invalid path: ${found.problem}`));
      continue;
    }
    if (found.keys[0] === "metadata") errors.push(invalid(at, jsonPath, "must not point to fields in metadata"));
    if (!scalarTypes.includes(found.schema.type ?? "")) errors.push(invalid(at, jsonPath, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."));
    const key = found.keys.join("\n");
    if (seen.has(key)) errors.push(duplicate(at, jsonPath));
    seen.add(key);
  }
  if (seen.size > fieldsMax && !options.anyNumber) errors.push(tooMany(path, seen.size, fieldsMax));
  return errors;
}
