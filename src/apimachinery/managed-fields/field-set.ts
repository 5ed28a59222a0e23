import { goText } from "../go-text.ts";

/**
 * One step of a path as FieldsV1 writes it: "f:name" (a field), `k:{"name":"web"}` (an element of a list by its keys), `v:"a"` (an element of
 * a set by its value), "i:3" (an element by its position).
 */
export type PathElement = string;
export type FieldPath = readonly PathElement[];

/** A set of paths as a tree: `members` are paths that end here, `children` lead further. Never changed once it is made. */
export interface FieldSet {
  readonly members: ReadonlySet<PathElement>;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

export const emptyFieldSet: FieldSet = { members: new Set(), children: new Map() };

/** Builds a set path by path. */
export class FieldSetBuilder implements FieldSet {
  readonly members = new Set<PathElement>();
  readonly children = new Map<PathElement, FieldSetBuilder>();

  /** The empty path (the object itself) is not recorded. */
  insert(path: FieldPath): void {
    if (path.length === 0) return;
    this.#insertFrom(path, 0);
  }

  #insertFrom(path: FieldPath, index: number): void {
    const element = path[index] as PathElement;
    if (index === path.length - 1) {
      this.members.add(element);
      return;
    }
    let child = this.children.get(element);
    if (!child) this.children.set(element, (child = new FieldSetBuilder()));
    child.#insertFrom(path, index + 1);
  }
}

export const fieldElement = (name: string): PathElement => `f:${name}`;
export const fieldPath = (...names: readonly string[]): FieldPath => names.map(fieldElement);
export function fieldSetOf(...paths: readonly FieldPath[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder;
}

/** Quick, because no operation leaves an empty child behind; builders make none either. */
export const isEmptySet = ({ members, children }: FieldSet): boolean => members.size === 0 && children.size === 0;

export const hasPath = (set: FieldSet, path: FieldPath): boolean => {
  let at: FieldSet | undefined = set;
  for (let index = 0; at && index < path.length - 1; index++) at = at.children.get(path[index] as PathElement);
  return at !== undefined && path.length > 0 && at.members.has(path[path.length - 1] as PathElement);
};

/** Combines the children of both under the same element; empty results are left out. */
function zip(a: FieldSet, b: FieldSet, keys: Iterable<PathElement>, combine: (left: FieldSet, right: FieldSet) => FieldSet): Map<PathElement, FieldSet> {
  const children = new Map<PathElement, FieldSet>();
  for (const element of keys) {
    const combined = combine(a.children.get(element) ?? emptyFieldSet, b.children.get(element) ?? emptyFieldSet);
    if (!isEmptySet(combined)) children.set(element, combined);
  }
  return children;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return { members: a.members.union(b.members), children: zip(a, b, new Set([...a.children.keys(), ...b.children.keys()]), union) };
}

/** Exactly the paths that only `a` has; what lies below a path of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return { members: a.members.difference(b.members), children: zip(a, b, a.children.keys(), difference) };
}

/** As `difference`, and without everything that lies below a path of `b`. */
export function differenceWithChildren(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return {
    members: a.members.difference(b.members),
    children: zip(a, b, [...a.children.keys()].filter((element) => !b.members.has(element)), differenceWithChildren),
  };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return emptyFieldSet;
  return { members: a.members.intersection(b.members), children: zip(a, b, [...a.children.keys()].filter((element) => b.children.has(element)), intersection) };
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.members.size !== b.members.size || a.children.size !== b.children.size || !a.members.isSubsetOf(b.members)) return false;
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (!other || !equalSets(child, other)) return false;
  }
  return true;
}

const kindOrder = "fkvi";
const compareScalars = (a: unknown, b: unknown): number => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
};

/** Fields first, then keys, values, positions; each in order of their texts and numbers. */
function compareElements(a: PathElement, b: PathElement): number {
  const kind = a.charAt(0);
  const kinds = kindOrder.indexOf(kind) - kindOrder.indexOf(b.charAt(0));
  if (kinds !== 0) return kinds;
  if (kind === "f") return a < b ? -1 : a > b ? 1 : 0;
  const [left, right]: readonly [unknown, unknown] = [JSON.parse(a.slice(2)), JSON.parse(b.slice(2))];
  if (kind !== "k") return compareScalars(left, right);
  const [leftPairs, rightPairs] = [Object.entries(left as object) as [string, unknown][], Object.entries(right as object) as [string, unknown][]];
  for (const [index, [name, value]] of leftPairs.entries()) {
    const other = rightPairs[index];
    if (!other) return 1;
    const order = name < other[0] ? -1 : name > other[0] ? 1 : compareScalars(value, other[1]);
    if (order !== 0) return order;
  }
  return leftPairs.length - rightPairs.length;
}

const sorted = (elements: Iterable<PathElement>): PathElement[] => [...elements].toSorted(compareElements);

export function pathsOf(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  return [
    ...sorted(set.members).map((element) => [...prefix, element]),
    ...sorted(set.children.keys()).flatMap((element) => pathsOf(set.children.get(element) ?? emptyFieldSet, [...prefix, element])),
  ];
}

const valueText = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : goText(value));

/** `.spec.containers[name="web"].image` */
export function pathText(path: FieldPath): string {
  return path.map((element) => {
    const rest = element.slice(2);
    switch (element.charAt(0)) {
      case "f": return `.${rest}`;
      case "k": return `[${Object.entries(JSON.parse(rest) as Record<string, unknown>).map(([key, value]) => `${key}=${valueText(value)}`).join(",")}]`;
      case "v": return `[=${valueText(JSON.parse(rest))}]`;
      default: return `[${rest}]`;
    }
  }).join("");
}

/** Encoded sets by their decoded form and the other way round: objects are shared and never changed, so most sets are decoded only once. */
const decodedSets = new WeakMap<object, FieldSet>();
const encodedSets = new WeakMap<FieldSet, object>();

function encode(set: FieldSet, self: boolean): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (self) fields["."] = {};
  for (const element of sorted(new Set([...set.members, ...set.children.keys()]))) {
    const child = set.children.get(element);
    fields[element] = child ? encode(child, set.members.has(element)) : {};
  }
  return fields;
}

/** The content of `fieldsV1`. */
export function encodeFieldSet(set: FieldSet): object {
  let encoded = encodedSets.get(set);
  if (!encoded) {
    encoded = encode(set, false);
    encodedSets.set(set, encoded);
    decodedSets.set(encoded, set);
  }
  return encoded;
}

function decode(fields: object): FieldSet {
  const members = new Set<PathElement>();
  const children = new Map<PathElement, FieldSet>();
  for (const [element, value] of Object.entries(fields) as [string, unknown][]) {
    if (element === ".") continue;
    if (!/^[fkvi]:/.test(element)) throw new TypeError(`unknown path element ${JSON.stringify(element)}`);
    const inner = typeof value === "object" && value !== null ? value : {};
    const keys = Object.keys(inner);
    if (keys.length === 0 || keys.includes(".")) members.add(canonicalElement(element));
    if (keys.some((key) => key !== ".")) children.set(canonicalElement(element), decode(inner));
  }
  return { members, children };
}

/** Keys and values may be written with blanks or keys in another order. */
function canonicalElement(element: string): PathElement {
  const kind = element.charAt(0);
  if (kind === "f" || kind === "i") return element;
  const value: unknown = JSON.parse(element.slice(2));
  if (kind === "v" || typeof value !== "object" || value === null) return `${kind}:${JSON.stringify(value)}`;
  return keyElement(Object.entries(value));
}

/** The element of a list with these keys. */
export const keyElement = (keys: readonly (readonly [string, unknown])[]): PathElement =>
  `k:{${(keys.length < 2 ? keys : keys.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;

/** Throws when it is no valid `fieldsV1`. */
export function decodeFieldSet(fieldsV1: unknown): FieldSet {
  if (fieldsV1 === undefined || fieldsV1 === null) return emptyFieldSet;
  if (typeof fieldsV1 !== "object") throw new TypeError("fieldsV1 is no object");
  let set = decodedSets.get(fieldsV1);
  if (!set) {
    set = decode(fieldsV1);
    decodedSets.set(fieldsV1, set);
    encodedSets.set(set, fieldsV1);
  }
  return set;
}
