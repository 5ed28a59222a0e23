import { kindsOf, schemas, specialTypes, type TypeFacts } from "../../api/schemas.ts";
import type { FieldSchema, TypeSchema } from "../../apimachinery/schema.ts";

export type OpenApiVersion = "v2" | "v3";

/** A JSON value of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;

/** Where descriptions come from; without them documents are complete but for their sentences. */
export interface Descriptions {
  type(name: string): string | undefined;
  field(type: string, field: string): string | undefined;
}
export const noDescriptions: Descriptions = { type: () => undefined, field: () => undefined };

const root: Readonly<Record<OpenApiVersion, string>> = { v2: "#/definitions/", v3: "#/components/schemas/" };
export const referenceTo = (name: string, version: OpenApiVersion): Json => ({ $ref: `${root[version]}${name}` });

/** Definitions of the types with an encoding of their own. */
const specialDefinitions: Readonly<Record<string, (version: OpenApiVersion) => Json>> = {
  Quantity: (version) => (version === "v2" ? { type: "string" } : { oneOf: [{ type: "string" }, { type: "number" }] }),
  IntOrString: (version) => (version === "v2" ? { type: "string", format: "int-or-string" } : { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] }),
  Time: () => ({ type: "string", format: "date-time" }),
  MicroTime: () => ({ type: "string", format: "date-time" }),
  FieldsV1: () => ({ type: "object" }),
  RawExtension: () => ({ type: "object" }),
  JSON: () => ({}),
  JSONSchemaPropsOrArray: () => ({}),
  JSONSchemaPropsOrBool: () => ({}),
  JSONSchemaPropsOrStringArray: () => ({}),
};
const specialByName: ReadonlyMap<string, (version: OpenApiVersion) => Json> = new Map(
  Object.entries(specialTypes).flatMap(([short, { name }]) => {
    const build = specialDefinitions[short];
    return build ? [[name, build] as const] : [];
  }),
);

/** A reference may have siblings in v2; v3 wraps it. */
const withReference = (name: string, version: OpenApiVersion, siblings: Json): Json =>
  version === "v3" && Object.keys(siblings).length > 0 ? { allOf: [referenceTo(name, version)], ...siblings } : { ...referenceTo(name, version), ...siblings };

function typeJson(type: TypeSchema, version: OpenApiVersion, siblings: Json): Json {
  switch (type.is) {
    case "scalar": return { type: type.type, ...(type.format !== undefined && { format: type.format }), ...siblings };
    case "list": return { type: "array", items: typeJson(type.of, version, {}), ...siblings };
    case "map": return { type: "object", additionalProperties: typeJson(type.of, version, {}), ...siblings };
    case "ref": case "special": return withReference(type.name, version, siblings);
  }
}

function fieldJson(field: FieldSchema, version: OpenApiVersion, description: string | undefined): Json {
  return typeJson(field.type, version, {
    ...(description !== undefined && { description }),
    ...(version === "v3" && field.default !== undefined && { default: field.default }),
    ...(field.listType && { "x-kubernetes-list-type": field.listType }),
    ...(field.listMapKeys && { "x-kubernetes-list-map-keys": field.listMapKeys }),
    ...(field.mapType && { "x-kubernetes-map-type": field.mapType }),
    ...(field.patchStrategy !== undefined && { "x-kubernetes-patch-strategy": field.patchStrategy }),
    ...(field.patchMergeKey !== undefined && { "x-kubernetes-patch-merge-key": field.patchMergeKey }),
  });
}

const objectJson = (facts: TypeFacts, version: OpenApiVersion, descriptions: Descriptions, ownGroupVersion: string | undefined): Json => {
  const fields = Object.entries(facts.fields);
  const required = facts.required ?? fields.filter(([, field]) => field.required).map(([name]) => name);
  const description = descriptions.type(facts.name);
  // A v3 document lists the kinds of the machinery for the core and its own group version only.
  const kinds = kindsOf(facts).filter(({ group, version: each }) => facts.kinds !== "every" || version === "v2" || (group === "" && each === "v1") || `${group}/${each}` === ownGroupVersion);
  return {
    type: "object", ...(description !== undefined && { description }),
    ...(fields.length > 0 && { properties: Object.fromEntries(fields.map(([name, field]) => [name, fieldJson(field, version, descriptions.field(facts.name, name))])) }),
    ...(required.length > 0 && { required }),
    ...(kinds.length > 0 && { "x-kubernetes-group-version-kind": kinds }),
    ...(facts.mapType && { "x-kubernetes-map-type": facts.mapType }),
    ...(facts.unions !== undefined && { "x-kubernetes-unions": facts.unions }),
  };
};

/** One definition; `ownGroupVersion` ("apps/v1") is the document's, for v3. */
export function definitionJson(name: string, version: OpenApiVersion, descriptions: Descriptions, ownGroupVersion?: string): Json | undefined {
  const special = specialByName.get(name);
  if (special) {
    const description = descriptions.type(name);
    return { ...special(version), ...(description !== undefined && { description }) };
  }
  const facts = schemas.type(name);
  return facts && objectJson(facts, version, descriptions, ownGroupVersion);
}

function* namesIn(type: TypeSchema): Iterable<string> {
  if (type.is === "ref" || type.is === "special") yield type.name;
  else if (type.is !== "scalar") yield* namesIn(type.of);
}

/** The names and everything that they refer to, in order. */
export function reachableDefinitions(names: Iterable<string>): readonly string[] {
  const seen = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (specialByName.has(name)) continue;
    for (const { type } of Object.values(schemas.type(name)?.fields ?? {})) open.push(...namesIn(type));
  }
  return [...seen].toSorted();
}
