import { isZeroScalar, type FieldSchema, type ObjectSchema, type SchemaLookup } from "./schema.ts";

/** A field that Go writes whether somebody has set it or not, and what it is then. */
export type AlwaysWritten = readonly (readonly [field: string, zero: unknown])[];

const known = new WeakMap<ObjectSchema, AlwaysWritten>();

/**
 * Fields of structs and scalars that are neither pointers nor `omitempty`: whoever reads an object from upstream's server finds them in it, and whoever made it owns them. Bounded by the number of types.
 * OpenAPI says which they are by a default that is zero, other than those in `writtenAsNull`.
 */
export function alwaysWritten(schema: ObjectSchema, schemas: SchemaLookup): AlwaysWritten {
  let found = known.get(schema);
  if (found === undefined) {
    found = Object.entries(schema.fields).flatMap(([name, field]) => {
      const zero = zeroOf(field, schemas);
      return zero === undefined ? [] : [[name, zero] as const];
    });
    known.set(schema, found);
  }
  return found;
}

/** Undefined for what is left out. The types of a struct without pointers cannot hold themselves, so this ends. */
function zeroOf(field: FieldSchema, schemas: SchemaLookup): unknown {
  if (field.writtenAsNull === true) return null;
  if (field.type.is === "scalar") return zeroScalarOf(field);
  if (field.type.is !== "ref" || field.pointer === true || !isEmptyObject(field.default)) return undefined;
  const inner = schemas.type(field.type.name);
  return inner === undefined ? undefined : Object.fromEntries(alwaysWritten(inner, schemas));
}

/** The zero of a scalar that is always written. */
export const zeroScalarOf = ({ type, pointer, omitted, default: byDefault }: FieldSchema): unknown =>
  type.is === "scalar" && pointer !== true && omitted !== true && isZeroScalar(byDefault) ? byDefault : undefined;

const isEmptyObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
