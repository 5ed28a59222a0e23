import { zeroScalarOf } from "../always-written.ts";
import type { FieldSchema, ObjectSchema, SchemaLookup, TypeSchema } from "../schema.ts";
import { fieldElement, keyElement, type PathElement } from "./field-set.ts";

/** How a value is compared and merged: as a whole, by fields, by keys or by elements. */
export type Shape =
  /** A scalar, or something that is always replaced as a whole; `inside` says what a configuration may hold there. */
  | { readonly is: "leaf"; readonly container: "none"; readonly scalar: ScalarKind }
  | { readonly is: "leaf"; readonly container: "list" | "map"; inside(): Shape }
  | { readonly is: "object"; readonly name: string; field(name: string): ObjectField | undefined; readonly fields: readonly string[] }
  | { readonly is: "map"; element(): Shape }
  | { readonly is: "set" }
  | { readonly is: "list"; readonly keys: readonly string[]; readonly defaults: ReadonlyMap<string, unknown>; element(): Shape }
  /** Nothing is known: objects are maps, lists are replaced as a whole. */
  | { readonly is: "unknown" };

/** "untyped" takes every scalar: quantities, times, ports by name or number. */
export type ScalarKind = "string" | "numeric" | "boolean" | "untyped";

export interface ObjectField {
  shape(): Shape;
  /** What Go's types have where the field is absent: an empty struct, null for a required list or a time, a scalar that is always written, or nothing. */
  readonly whenAbsent: unknown;
}

const scalars: Readonly<Record<ScalarKind, Shape>> = {
  string: { is: "leaf", container: "none", scalar: "string" }, numeric: { is: "leaf", container: "none", scalar: "numeric" },
  boolean: { is: "leaf", container: "none", scalar: "boolean" }, untyped: { is: "leaf", container: "none", scalar: "untyped" },
};
/** Something that is replaced as a whole. The rule for what lies inside is made when it is asked for: types may hold themselves. */
function atomic(container: "list" | "map", inside: () => Shape): Shape {
  let made: Shape | undefined;
  return { is: "leaf", container, inside: () => (made ??= inside()) };
}
const anyMap = atomic("map", () => unknownShape);
export const unknownShape: Shape = { is: "unknown" };

/** Makes shapes of schemas, each once. */
export class Shapes {
  readonly #schemas: SchemaLookup;
  readonly #objects = new Map<ObjectSchema, Shape>();
  static readonly #bySchemas = new WeakMap<SchemaLookup, Shapes>();

  private constructor(schemas: SchemaLookup) {
    this.#schemas = schemas;
  }

  static of(schemas: SchemaLookup): Shapes {
    let shapes = Shapes.#bySchemas.get(schemas);
    if (!shapes) Shapes.#bySchemas.set(schemas, (shapes = new Shapes(schemas)));
    return shapes;
  }

  object(schema: ObjectSchema): Shape {
    const known = this.#objects.get(schema);
    if (known) return known;
    const fields = new Map<string, ObjectField>();
    const granular: Shape = {
      is: "object", name: schema.name, fields: Object.keys(schema.fields),
      field: (name) => {
        const made = fields.get(name);
        if (made) return made;
        const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
        if (!field) return undefined;
        let inner: Shape | undefined;
        const entry: ObjectField = { shape: () => (inner ??= this.#field(field)), whenAbsent: absentValue(field) };
        fields.set(name, entry);
        return entry;
      },
    };
    const shape = schema.atomic ? atomic("map", () => granular) : granular;
    this.#objects.set(schema, shape);
    return shape;
  }

  #field(field: FieldSchema): Shape {
    if (field.type.is === "list") {
      if (field.listType === "set") return { is: "set" };
      if (field.listType !== "map") return this.#type(field.type);
      return this.#keyedList(field.type.of, field.listMapKeys ?? []);
    }
    const shape = this.#type(field.type);
    return field.mapType === "atomic" && shape.is !== "leaf" ? atomic("map", () => shape) : shape;
  }

  #keyedList(of: TypeSchema, keys: readonly string[]): Shape {
    const item = of.is === "ref" ? this.#schemas.type(of.name) : undefined;
    const defaults = new Map<string, unknown>();
    for (const key of keys) {
      const value = item?.fields[key]?.default;
      if (value !== undefined) defaults.set(key, value);
    }
    let inner: Shape | undefined;
    return { is: "list", keys, defaults, element: () => (inner ??= this.#type(of)) };
  }

  #type(type: TypeSchema): Shape {
    switch (type.is) {
      case "scalar": return scalars[type.type === "string" || type.type === "boolean" ? type.type : "numeric"];
      case "special": return type.type === "JSON" || type.type === "RawExtension" || type.type === "FieldsV1" ? anyMap : scalars.untyped;
      case "list": return atomic("list", () => this.#type(type.of));
      case "map": {
        let inner: Shape | undefined;
        return { is: "map", element: () => (inner ??= this.#type(type.of)) };
      }
      case "ref": {
        const schema = this.#schemas.type(type.name);
        if (!schema) return unknownShape;
        return Object.keys(schema.fields).length === 0 ? { is: "map", element: () => unknownShape } : this.object(schema);
      }
    }
  }
}

/** What Go's encoder writes although nobody has set it: OpenAPI's `default: {}` marks structs that are no pointers. */
function absentValue(field: FieldSchema): unknown {
  const { type, required, default: fallback } = field;
  if (type.is === "ref" && typeof fallback === "object" && fallback !== null && Object.keys(fallback).length === 0) return emptyStruct;
  if (field.writtenAsNull === true || (required === true && (type.is === "list" || type.is === "map"))) return null;
  return zeroScalarOf(field);
}
const emptyStruct = {};

export const isMapValue = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Names an element of a set or of a list with keys; throws a text when it has no name. */
export function elementOf(shape: Extract<Shape, { is: "set" | "list" }>, item: unknown): PathElement {
  if (shape.is === "set") {
    if (isMapValue(item)) throw new TypeError("associative list without keys has an element that's a map type");
    if (Array.isArray(item)) throw new TypeError("not supported: associative list with lists as elements");
    if (item === null || item === undefined) throw new TypeError("associative list without keys has an element that's an explicit null");
    return `v:${JSON.stringify(item)}`;
  }
  if (item === null || item === undefined) throw new TypeError("associative list with keys may not have a null element");
  if (!isMapValue(item)) throw new TypeError("associative list with keys may not have non-map elements");
  const pairs: [string, unknown][] = [];
  for (const key of shape.keys) {
    const value = Object.hasOwn(item, key) ? item[key] : shape.defaults.get(key);
    if (value !== undefined) pairs.push([key, value]);
  }
  if (pairs.length === 0) {
    throw new TypeError(`associative list with keys has an element that omits all key fields [${shape.keys.map((key) => JSON.stringify(key)).join(" ")}] (and doesn't have default values for any key fields)`);
  }
  return keyElement(pairs);
}

/** The shape below one step of a path, or undefined where the schema has none. */
export function shapeAt(shape: Shape, element: PathElement): Shape | undefined {
  if (element.startsWith("f:")) {
    if (shape.is === "object") return shape.field(element.slice(2))?.shape();
    if (shape.is === "map") return shape.element();
    return shape.is === "unknown" ? unknownShape : undefined;
  }
  return shape.is === "list" ? shape.element() : shape.is === "set" ? scalars.untyped : undefined;
}
export { fieldElement };
