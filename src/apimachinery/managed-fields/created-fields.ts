import type { KubeObject } from "../object.ts";
import { isZeroScalar } from "../schema.ts";
import { keepAll, type FieldFilter } from "./field-filter.ts";
import { difference, union, type FieldSet } from "./field-set.ts";
import { elementOf, isMapValue, type Shape } from "./shape.ts";
import { compareTyped } from "./typed-value.ts";

/**
 * What the first writer of an object comes to own depends on which fields are there and not on what they hold, so objects of one outline share
 * one set: the thousand pods of a Job are compared once, and keep one `fieldsV1` in memory.
 */
const setsMax = 2_000;
/** Longer outlines are those of large maps, which are seldom alike. In characters. */
const outlineLengthMax = 8_192;

type SetsByOutline = Map<string, FieldSet>;
const known = new WeakMap<Shape, WeakMap<FieldFilter, SetsByOutline>>();

/**
 * The fields of a new object that its writer owns: all that are there, without those of `without`, as far as `tracked`
 * lets them be owned. `managedFields` themselves never count.
 */
export function createdFields(object: KubeObject, shape: Shape, without: FieldSet, tracked: FieldFilter = keepAll): FieldSet {
  const sets = setsFor(shape, tracked);
  const outline = outlineOf(object, shape);
  const found = sets.get(outline);
  if (found) return found;
  const { added, modified } = compareTyped({}, object, shape);
  const set = difference(tracked(union(modified, added)), without);
  if (outline.length > outlineLengthMax) return set;
  if (sets.size >= setsMax) sets.delete(sets.keys().next().value ?? "");
  sets.set(outline, set);
  return set;
}

function setsFor(shape: Shape, tracked: FieldFilter): SetsByOutline {
  let ofShape = known.get(shape);
  if (!ofShape) known.set(shape, (ofShape = new WeakMap()));
  let sets = ofShape.get(tracked);
  if (!sets) ofShape.set(tracked, (sets = new Map()));
  return sets;
}

const unknown: Shape = { is: "unknown" };

/**
 * Everything that a comparison with nothing looks at: names of fields, keys of elements, and whether values are null, zero, empty, lists or maps. Names
 * come with their length, so that no name can pass for something else.
 */
export function outlineOf(value: unknown, shape: Shape): string {
  if (value === null) return "n";
  if (value === undefined) return "u";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : shape.is === "list" || shape.is === "set" ? outlineOfList(value, shape) : "a";
  if (!isMapValue(value)) return isZeroScalar(value) ? "z" : "x";
  if (shape.is === "leaf" || shape.is === "list" || shape.is === "set") return Object.keys(value).length === 0 ? "{}" : "o";
  let text = "{";
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    const below = shape.is === "object" ? (shape.field(key)?.shape() ?? unknown) : shape.is === "map" ? shape.element() : unknown;
    text += `${key.length}:${key}${outlineOf(value[key], below)}`;
  }
  return `${text}}`;
}

function outlineOfList(list: readonly unknown[], shape: Extract<Shape, { is: "list" | "set" }>): string {
  let text = "[";
  for (const item of list) {
    let element: string;
    try {
      element = elementOf(shape, item);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      text += "-"; // What has no name is not compared.
      continue;
    }
    text += `${element.length}:${element}${shape.is === "list" ? outlineOf(item, shape.element()) : ""}`;
  }
  return `${text}]`;
}
