import { splitApiVersion } from "../apimachinery/object.ts";
import type { FieldSchema, ObjectSchema, SchemaLookup, SpecialType, TypeSchema } from "../apimachinery/schema.ts";
import { everyGroupVersion, schemaFacts, type SchemaSection } from "./generated/schema-facts.ts";
import { unservedSchemaFacts } from "./generated/unserved-schema-facts.ts";
import { nullFieldsOf } from "./null-fields.ts";

/** What OpenAPI says about a definition beyond its fields. */
export interface TypeFacts extends ObjectSchema {
  /** "own": a kind of its group version under its own name; "every": registered in every group version (DeleteOptions, WatchEvent). */
  readonly kinds: "none" | "own" | "every";
  readonly mapType?: "atomic" | "granular";
  readonly unions?: unknown;
  /** The required fields in OpenAPI's order, where that is not the order of their names. */
  readonly required?: readonly string[];
}

const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";
const jsonSchemaPackage = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Types with an encoding of their own: how the facts name them → OpenAPI's name and the special they are for readers of schemas. */
export const specialTypes: Readonly<Record<string, { readonly name: string; readonly type: SpecialType }>> = {
  Quantity: { name: "io.k8s.apimachinery.pkg.api.resource.Quantity", type: "Quantity" },
  IntOrString: { name: "io.k8s.apimachinery.pkg.util.intstr.IntOrString", type: "IntOrString" },
  Time: { name: `${metaPackage}.Time`, type: "Time" },
  MicroTime: { name: `${metaPackage}.MicroTime`, type: "MicroTime" },
  Duration: { name: `${metaPackage}.Duration`, type: "Duration" },
  FieldsV1: { name: `${metaPackage}.FieldsV1`, type: "FieldsV1" },
  RawExtension: { name: "io.k8s.apimachinery.pkg.runtime.RawExtension", type: "RawExtension" },
  JSON: { name: `${jsonSchemaPackage}.JSON`, type: "JSON" },
  JSONSchemaPropsOrArray: { name: `${jsonSchemaPackage}.JSONSchemaPropsOrArray`, type: "JSON" },
  JSONSchemaPropsOrBool: { name: `${jsonSchemaPackage}.JSONSchemaPropsOrBool`, type: "JSON" },
  JSONSchemaPropsOrStringArray: { name: `${jsonSchemaPackage}.JSONSchemaPropsOrStringArray`, type: "JSON" },
};

const scalarTypes: Readonly<Record<string, TypeSchema>> = {
  string: { is: "scalar", type: "string" },
  bytes: { is: "scalar", type: "string", format: "byte" },
  boolean: { is: "scalar", type: "boolean" },
  int32: { is: "scalar", type: "integer", format: "int32" },
  int64: { is: "scalar", type: "integer", format: "int64" },
  double: { is: "scalar", type: "number", format: "double" },
  number: { is: "scalar", type: "number" },
};

function parseType(text: string, section: string): TypeSchema {
  if (text.startsWith("[")) return { is: "list", of: parseType(text.slice(1, -1), section) };
  if (text.startsWith("{")) return { is: "map", of: parseType(text.slice(1, -1), section) };
  const scalar = scalarTypes[text];
  if (scalar) return scalar;
  const special = specialTypes[text];
  if (special) return { is: "special", ...special };
  if (text.startsWith("~")) return { is: "ref", name: `io.k8s.api.${text.slice(1)}` };
  if (text.startsWith("@")) return { is: "ref", name: `${metaPackage}.${text.slice(1)}` };
  return { is: "ref", name: text.startsWith("io.k8s.") ? text : `${section}.${text}` };
}

const attributesOf = (words: readonly string[]): ReadonlyMap<string, string> => new Map(words.map((word) => {
  const equals = word.indexOf("=");
  return [word.slice(0, equals), word.slice(equals + 1)];
}));

function parseField(line: string, section: string): readonly [string, FieldSchema] {
  const defaultAt = line.indexOf(" default=");
  const [head = "", path = "-", type = "", ...rest] = (defaultAt < 0 ? line : line.slice(0, defaultAt)).trimStart().split(" ");
  const [, name = "", required, pointer] = /^(.*?)(!?)(\*?)$/.exec(head) ?? [];
  const numbers = path.split(".").map(Number);
  const attributes = attributesOf(rest);
  const [list, map] = [attributes.get("list"), attributes.get("map")];
  const keys = attributes.get("keys");
  const [strategy, key] = [attributes.get("strategy"), attributes.get("key")];
  const parsed: FieldSchema = {
    type: parseType(type, section),
    ...(required === "!" && { required: true }),
    ...(defaultAt >= 0 && { default: JSON.parse(line.slice(defaultAt + " default=".length)) as unknown }),
    ...(list !== undefined && { listType: list as "atomic" | "set" | "map" }),
    ...(keys !== undefined && { listMapKeys: keys.split(",") }),
    ...(map !== undefined && { mapType: map as "atomic" | "granular" }),
    ...(strategy !== undefined && { patchStrategy: strategy }),
    ...(key !== undefined && { patchMergeKey: key }),
    ...(path !== "-" && { protobuf: numbers.at(-1) ?? 0 }),
    ...(numbers.length > 1 && { protobufIn: numbers.slice(0, -1) }),
    ...(pointer === "*" && { pointer: true }),
    ...(rest.includes("omitted") && { omitted: true }),
    ...(rest.includes("wrapped") && { wrapped: true }),
  };
  return [name, parsed];
}

function parseDefinition(text: string, section: string): TypeFacts {
  const [head = "", ...lines] = text.split("\n");
  const unionsAt = head.indexOf(" unions=");
  const [name = "", ...words] = (unionsAt < 0 ? head : head.slice(0, unionsAt)).split(" ");
  const mapType = words.find((word) => word.startsWith("map="))?.slice("map=".length);
  const required = words.find((word) => word.startsWith("required="))?.slice("required=".length);
  const nulls = nullFieldsOf(section, name);
  return {
    name: `${section}.${name}`,
    fields: Object.fromEntries(lines.filter((line) => line !== "").map((line) => {
      const [field, facts] = parseField(line, section);
      return [field, nulls.includes(field) ? { ...facts, writtenAsNull: true } : facts];
    })),
    kinds: words.includes("kind") ? "own" : words.includes("everykind") ? "every" : "none",
    ...(words.includes("nameless") && { nameless: true }),
    ...(mapType === "atomic" && { atomic: true }),
    ...(required !== undefined && { required: required.split(",") }),
    ...(mapType !== undefined && { mapType: mapType as "atomic" | "granular" }),
    ...(unionsAt >= 0 && { unions: JSON.parse(head.slice(unionsAt + " unions=".length)) as unknown }),
  };
}

/** Text of each definition of a section by its short name: cut only when the section is asked for. */
const cut = ({ types }: SchemaSection): ReadonlyMap<string, string> =>
  new Map(types.slice(1, -1).split(/\n(?! )/).map((text) => [/^[^ \n]*/.exec(text)?.[0] ?? "", text]));

const cutSections = new Map<string, ReadonlyMap<string, string>>();
function definitionsOf(facts: Readonly<Record<string, SchemaSection>>, served: boolean, section: string): ReadonlyMap<string, string> | undefined {
  const key = served ? section : `-${section}`;
  const known = cutSections.get(key);
  const found = facts[section];
  if (known !== undefined || found === undefined) return known;
  const result = cut(found);
  cutSections.set(key, result);
  return result;
}

/** Bounded by the number of definitions in the facts. */
const parsed = new Map<string, TypeFacts | undefined>();

function typeFacts(name: string): TypeFacts | undefined {
  if (parsed.has(name)) return parsed.get(name);
  const dot = name.lastIndexOf(".");
  const [section, short] = [name.slice(0, dot), name.slice(dot + 1)];
  const text = definitionsOf(schemaFacts, true, section)?.get(short) ?? definitionsOf(unservedSchemaFacts, false, section)?.get(short);
  if (text === undefined) return undefined;
  const result = parseDefinition(text, section);
  parsed.set(name, result);
  return result;
}

/** Package of a group version: "apps/v1" → "io.k8s.api.apps.v1". */
const sectionOfGroupVersion: ReadonlyMap<string, string> = new Map(
  [...Object.entries(unservedSchemaFacts), ...Object.entries(schemaFacts)].filter(([name]) => name.startsWith("io.k8s.") && !name.startsWith("io.k8s.apimachinery."))
    .map(([name, { group, version }]) => [`${group}/${version}`, name]),
);

/** Kinds of the machinery that are registered in every group version. */
const everywhere = /^(?:(?:Delete|List|Get|Create|Update|Patch)Options|WatchEvent)$/;
const metaGroups: ReadonlySet<string> = new Set(["/v1", "meta.k8s.io/v1", "meta.k8s.io/v1beta1", "meta.k8s.io/__internal"]);

/** Every definition of OpenAPI by its full name, in order. */
export const servedTypeNames = (): readonly string[] =>
  Object.keys(schemaFacts).flatMap((section) => [...(definitionsOf(schemaFacts, true, section)?.keys() ?? [])].map((short) => `${section}.${short}`));

/** The package of a group version's own types ("io.k8s.api.apps.v1"), undefined for what we do not know. */
export const packageOf = (group: string, version: string): string | undefined => sectionOfGroupVersion.get(`${group}/${version}`);

/** The group and version of the package of a type ("io.k8s.api.apps.v1" → apps/v1). */
export function groupVersionOfPackage(section: string): { readonly group: string; readonly version: string } | undefined {
  const found = schemaFacts[section] ?? unservedSchemaFacts[section];
  return found && { group: found.group, version: found.version };
}

/** Kinds that OpenAPI attaches to a definition. */
export function kindsOf(facts: TypeFacts): readonly { readonly group: string; readonly version: string; readonly kind: string }[] {
  const dot = facts.name.lastIndexOf(".");
  const kind = facts.name.slice(dot + 1);
  const own = groupVersionOfPackage(facts.name.slice(0, dot));
  switch (facts.kinds) {
    case "none": return [];
    case "own": return own ? [{ group: own.group, kind, version: own.version }] : [];
    case "every": return everyGroupVersion.map((apiVersion) => {
      const { group, version } = splitApiVersion(apiVersion);
      return { group, kind, version };
    });
  }
}

export interface BuiltInSchemas extends SchemaLookup {
  type(name: string): TypeFacts | undefined;
  kind(group: string, version: string, kind: string): TypeFacts | undefined;
}

/** Looks up the shape of the built-in types. Start-up costs nothing: text is cut and read when a type is first asked for. */
export const schemas: BuiltInSchemas = {
  type: typeFacts,
  kind(group, version, kind) {
    if (kind === "") return undefined;
    const section = sectionOfGroupVersion.get(`${group}/${version}`);
    const own = section === undefined ? undefined : typeFacts(`${section}.${kind}`);
    if (own) return own;
    return metaGroups.has(`${group}/${version}`) || everywhere.test(kind) ? typeFacts(`${metaPackage}.${kind}`) : undefined;
  },
};
