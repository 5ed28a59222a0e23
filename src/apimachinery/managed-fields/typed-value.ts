import { jsonEqual } from "../patch/json-value.ts";
import { checkTyped, TypedValueError } from "./typed-check.ts";
import { emptyFieldSet, fieldElement, FieldSetBuilder, isEmptySet, pathText, type FieldPath, type FieldSet, type PathElement } from "./field-set.ts";
import { elementOf, isMapValue, shapeAt, unknownShape, type Shape } from "./shape.ts";

/** Which fields differ between two versions of an object. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type JsonMap = Readonly<Record<string, unknown>>;
interface Builders { readonly added: FieldSetBuilder; readonly modified: FieldSetBuilder; readonly removed: FieldSetBuilder }

/** What an unknown value is treated as: maps by their keys, lists and scalars as a whole. */
const unknownMap: Shape = { is: "map", element: () => unknownShape };
const unknownLeaf: Shape = { is: "leaf", container: "none", scalar: "untyped" };
const resolve = (shape: Shape, ...values: readonly unknown[]): Shape => (shape.is !== "unknown" ? shape : values.some(isMapValue) ? unknownMap : unknownLeaf);

const isEmptyMap = (value: unknown): boolean => !isMapValue(value) || Object.keys(value).length === 0;
const isEmptyList = (value: unknown): boolean => !Array.isArray(value) || value.length === 0;

function compareLeaf(before: unknown, after: unknown, path: FieldPath, out: Builders): void {
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
  else if (!jsonEqual(before, after)) out.modified.insert(path);
}

/** `undefined` stands for a value that is not there. */
function compareInto(before: unknown, after: unknown, declared: Shape, path: FieldPath, out: Builders): void {
  if (before === after) return;
  const shape = resolve(declared, before, after);
  switch (shape.is) {
    case "leaf": case "unknown":
      compareLeaf(before, after, path, out);
      return;
    case "object": case "map": {
      if (isEmptyMap(before) && isEmptyMap(after)) {
        compareLeaf(before, after, path, out);
        return;
      }
      const left = isMapValue(before) ? before : undefined;
      const right = isMapValue(after) ? after : undefined;
      if (shape.is === "object") compareFields(left, right, shape, path, out);
      else {
        for (const key of new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {})])) compareInto(own(left, key), own(right, key), shape.element(), [...path, fieldElement(key)], out);
      }
      break;
    }
    case "set": case "list":
      if (isEmptyList(before) && isEmptyList(after)) {
        compareLeaf(before, after, path, out);
        return;
      }
      compareElements(Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], shape, path, out);
  }
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
}

const own = (map: JsonMap | undefined, key: string): unknown => (map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined);

function compareFields(left: JsonMap | undefined, right: JsonMap | undefined, shape: Extract<Shape, { is: "object" }>, path: FieldPath, out: Builders): void {
  const one = left === undefined || right === undefined;
  const keys = one ? new Set([...Object.keys(left ?? {}), ...Object.keys(right ?? {}), ...shape.fields]) : new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) {
    const field = shape.field(key);
    // Structs that are no pointers are there even if nobody wrote them, on the side that has the object around them.
    const before = own(left, key) ?? (left !== undefined ? field?.whenAbsent : undefined);
    const after = own(right, key) ?? (right !== undefined ? field?.whenAbsent : undefined);
    if (before === undefined && after === undefined) continue;
    compareInto(before, after, field?.shape() ?? unknownShape, [...path, fieldElement(key)], out);
  }
}

function groupByElement(list: readonly unknown[], shape: Extract<Shape, { is: "set" | "list" }>): Map<PathElement, unknown[]> {
  const groups = new Map<PathElement, unknown[]>();
  for (const item of list) {
    let element: PathElement;
    try {
      element = elementOf(shape, item);
    } catch (error) {
      if (error instanceof TypeError) continue;
      throw error;
    }
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}

function compareElements(before: readonly unknown[], after: readonly unknown[], shape: Extract<Shape, { is: "set" | "list" }>, path: FieldPath, out: Builders): void {
  const [left, right] = [groupByElement(before, shape), groupByElement(after, shape)];
  const inner: Shape = shape.is === "list" ? shape.element() : unknownLeaf;
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const [old = [], now = []] = [left.get(element), right.get(element)];
    const here = [...path, element];
    if (old.length <= 1 && now.length <= 1) compareInto(old[0], now[0], inner, here, out);
    else if (old.length >= 2 && now.length >= 2) {
      if (!jsonEqual(old, now)) out.modified.insert(here);
    } else if (old.length >= 2) {
      if (now.length > 0) compareInto(undefined, now[0], inner, here, out);
      out.removed.insert(here);
    } else {
      if (old.length > 0) compareInto(old[0], undefined, inner, here, out);
      out.added.insert(here);
    }
  }
}

export function compareTyped(before: unknown, after: unknown, shape: Shape): Comparison {
  const out: Builders = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() };
  compareInto(before, after, shape, [], out);
  return out;
}

function elementAt(shape: Extract<Shape, { is: "set" | "list" }>, item: unknown, index: number, path: FieldPath): PathElement {
  try {
    return elementOf(shape, item);
  } catch (error) {
    throw error instanceof TypeError ? new TypedValueError(`${pathText(path)}: element ${index}: ${error.message}`) : error;
  }
}

/** The fields that a configuration names. Throws `TypedValueError` when it does not fit the schema. */
export function fieldSetOfTyped(value: unknown, shape: Shape): FieldSet {
  checkTyped(value, shape);
  return fieldSetOfLive(value, shape);
}

/** The fields that an object of the server has: what does not fit its schema is passed over, repeated elements count once. */
export function fieldSetOfLive(value: unknown, shape: Shape): FieldSet {
  const set = new FieldSetBuilder();
  collectLive(value, shape, [], set);
  return set;
}

function collectLive(value: unknown, declared: Shape, path: FieldPath, set: FieldSetBuilder): void {
  const shape = resolve(declared, value);
  if (shape.is === "leaf" || shape.is === "unknown") set.insert(path);
  else if (shape.is === "object" || shape.is === "map") {
    if (!isMapValue(value)) return;
    for (const [key, each] of Object.entries(value)) {
      const here = [...path, fieldElement(key)];
      const field = shape.is === "object" ? shape.field(key) : undefined;
      collectLive(each, field?.shape() ?? (shape.is === "map" ? shape.element() : unknownShape), here, set);
      if (each === null || (isMapValue(each) && Object.keys(each).length === 0) || !field) set.insert(here);
    }
  } else if (Array.isArray(value)) {
    for (const [element, items] of groupByElement(value as unknown[], shape)) {
      if (items.length === 1) collectLive(items[0], shape.is === "list" ? shape.element() : unknownLeaf, [...path, element], set);
      set.insert([...path, element]);
    }
  }
}

/** Lays a configuration over an object; what it says counts, what it does not say stays. */
export function mergeTyped(live: unknown, config: unknown, shape: Shape): unknown {
  return mergeAt(live, config, shape, []);
}

function mergeAt(live: unknown, config: unknown, declared: Shape, path: FieldPath): unknown {
  if (config === undefined) return live;
  if (live === undefined && !isMapValue(config) && !Array.isArray(config)) return config;
  const shape = resolve(declared, live, config);
  switch (shape.is) {
    case "leaf": case "unknown": return config;
    case "object": case "map": {
      if (isEmptyMap(live) && isEmptyMap(config)) return config;
      const [left, right] = [isMapValue(live) ? live : {}, isMapValue(config) ? config : {}];
      const merged: Record<string, unknown> = { ...left };
      for (const [key, value] of Object.entries(right)) {
        const inner = shape.is === "object" ? shape.field(key)?.shape() ?? unknownShape : shape.element();
        const result = mergeAt(own(left, key), value, inner, [...path, fieldElement(key)]);
        if (result !== undefined) merged[key] = result;
      }
      return merged;
    }
    case "set": case "list":
      if (isEmptyList(live) && isEmptyList(config)) return config;
      return mergeLists(Array.isArray(live) ? live : [], Array.isArray(config) ? config : [], shape, path);
  }
}

/** Keeps the order of the configuration for its elements, and of the live list for the others. */
function mergeLists(live: readonly unknown[], config: readonly unknown[], shape: Extract<Shape, { is: "set" | "list" }>, path: FieldPath): unknown[] {
  const inner: Shape = shape.is === "list" ? shape.element() : unknownLeaf;
  const rightElements = config.map((item, index) => elementAt(shape, item, index, path));
  const right = new Map<PathElement, unknown>();
  for (const [index, element] of rightElements.entries()) {
    if (right.has(element)) throw new TypedValueError(`${pathText(path)}: duplicate entries for key ${pathText([element])}`);
    right.set(element, config[index]);
  }
  const leftElements = live.map((item, index) => elementAt(shape, item, index, path));
  const left = new Map<PathElement, unknown>();
  for (const [index, element] of leftElements.entries()) left.set(element, left.has(element) ? undefined : live[index]);

  const shared = rightElements.filter((element) => left.has(element));
  const done = new Set<PathElement>();
  const merged: unknown[] = [];
  const take = (element: PathElement): void => {
    done.add(element);
    merged.push(mergeAt(left.get(element), right.get(element), inner, [...path, element]));
  };
  let [l, r, nextShared] = [0, 0, 0];
  while (l < leftElements.length || r < rightElements.length) {
    const [leftElement, rightElement] = [leftElements[l], rightElements[r]];
    if (leftElement !== undefined && rightElement !== undefined) {
      if (leftElement === rightElement) {
        take(leftElement);
        l++;
        r++;
        nextShared++;
        continue;
      }
      const next = shared[nextShared];
      if (right.has(leftElement) && next !== undefined && next !== leftElement) {
        l++;
        continue;
      }
    }
    if (leftElement !== undefined) {
      if (!right.has(leftElement)) {
        merged.push(live[l]);
        l++;
        continue;
      }
      if (done.has(leftElement)) l++;
    }
    if (rightElement !== undefined) {
      take(rightElement);
      r++;
      if (shared[nextShared] === rightElement) nextShared++;
    }
  }
  return merged;
}

/** The value without the paths of the set; what becomes empty stays as an empty map or list. */
export function removePaths(value: unknown, set: FieldSet, declared: Shape): unknown {
  if (isEmptySet(set)) return value;
  const shape = resolve(declared, value);
  if ((shape.is === "object" || shape.is === "map") && isMapValue(value)) {
    const kept: Record<string, unknown> = {};
    for (const [key, each] of Object.entries(value)) {
      const element = fieldElement(key);
      if (set.members.has(element)) continue;
      const below = set.children.get(element);
      kept[key] = below ? removePaths(each, below, shapeAt(shape, element) ?? unknownShape) : each;
    }
    return kept;
  }
  if ((shape.is === "set" || shape.is === "list") && Array.isArray(value)) {
    return (value as unknown[]).flatMap((item) => {
      const element = elementAt(shape, item, 0, []);
      if (set.members.has(element)) return [];
      const below = set.children.get(element);
      return [below && shape.is === "list" ? removePaths(item, below, shape.element()) : item];
    });
  }
  return value;
}

/** Adds to the set every declared field that has paths below it. */
export function withNamedFields(set: FieldSet, shape: Shape | undefined): FieldSet {
  const members = new Set(set.members);
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of set.children) {
    if (shape?.is === "object" && element.startsWith("f:") && shape.field(element.slice(2))) members.add(element);
    children.set(element, withNamedFields(child, shape && shapeAt(shape, element)));
  }
  return children.size === 0 && members.size === 0 ? emptyFieldSet : { members, children };
}
