import { goSyntax, goText } from "../go-text.ts";
import { pathText, fieldElement, type PathElement } from "./field-set.ts";
import { elementOf, isMapValue, type ScalarKind, type Shape } from "./shape.ts";

/** A value does not fit its schema; the message is that of structured-merge-diff, which names every problem. */
export class TypedValueError extends Error {
  override readonly name = "TypedValueError";
}

/** No more problems than this are told. */
const problemsMax = 100;

interface Problems { readonly found: string[] }

/**
 * Whether a configuration fits its schema: containers where the schema has some, scalars of the right kind, no undeclared fields, no two elements
 * of one name. null fits everywhere. Source of the texts: structured-merge-diff/typed/validate.go.
 * @throws {TypedValueError}
 */
export function checkTyped(value: unknown, shape: Shape): void {
  const problems: Problems = { found: [] };
  check(value, shape, "", problems);
  const [first, second] = problems.found;
  if (first !== undefined) throw new TypedValueError(second === undefined ? first : ["errors:", ...problems.found.map((each) => `  ${each}`)].join("\n"));
}

function refuse(path: string, message: string, { found }: Problems): void {
  if (found.length < problemsMax) found.push(path === "" ? message : `${path}: ${message}`);
}

/** How Go prints the library's wrapper around a value. */
const wrapped = (value: unknown): string => `&{${goText(value)}}`;

function check(value: unknown, shape: Shape, path: string, problems: Problems): void {
  if (value === null || value === undefined) return;
  switch (shape.is) {
    case "unknown": return;
    case "leaf":
      if (shape.container === "none") checkScalar(value, shape.scalar, path, problems);
      else checkInside(value, shape.container, shape.inside(), path, problems);
      return;
    case "object": case "map": checkFields(value, shape, path, problems); return;
    case "set": case "list": checkElements(value, shape, path, problems);
  }
}

function checkScalar(value: unknown, scalar: ScalarKind, path: string, problems: Problems): void {
  switch (scalar) {
    case "numeric": if (typeof value !== "number" && typeof value !== "bigint") refuse(path, `expected numeric (int or float), got ${Array.isArray(value) ? "[]interface {}" : isMapValue(value) ? "map[string]interface {}" : typeof value === "boolean" ? "bool" : typeof value}`, problems); return;
    case "string": if (typeof value !== "string") refuse(path, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`, problems); return;
    case "boolean": if (typeof value !== "boolean") refuse(path, `expected boolean, got ${wrapped(value)}`, problems); return;
    case "untyped": if (typeof value === "object") refuse(path, `expected any scalar, got ${wrapped(value)}`, problems);
  }
}

/** What is replaced as a whole must fit all the same. Nothing is known about what lies in untyped values. */
function checkInside(value: unknown, container: "list" | "map", inside: Shape, path: string, problems: Problems): void {
  if (container === "map") {
    check(value, inside, path, problems);
    return;
  }
  if (!Array.isArray(value)) {
    refuse(path, `expected list, got ${wrapped(value)}`, problems);
    return;
  }
  for (const [index, item] of (value as unknown[]).entries()) check(item, inside, `${path}[${index}]`, problems);
}

function checkFields(value: unknown, shape: Extract<Shape, { is: "object" | "map" }>, path: string, problems: Problems): void {
  if (!isMapValue(value)) {
    refuse(path, `expected map, got ${wrapped(value)}`, problems);
    return;
  }
  for (const [key, each] of Object.entries(value)) {
    const inner = shape.is === "map" ? shape.element() : shape.field(key)?.shape();
    const here = path + pathText([fieldElement(key)]);
    if (inner) check(each, inner, here, problems);
    else refuse(here, "field not declared in schema", problems);
  }
}

function checkElements(value: unknown, shape: Extract<Shape, { is: "set" | "list" }>, path: string, problems: Problems): void {
  if (!Array.isArray(value)) {
    refuse(path, `expected list, got ${wrapped(value)}`, problems);
    return;
  }
  const seen = new Set<PathElement>();
  for (const [index, item] of (value as unknown[]).entries()) {
    let element: PathElement;
    try {
      element = elementOf(shape, item);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      refuse(path, `element ${index}: ${error.message}`, problems);
      return;
    }
    if (seen.has(element)) refuse(path, `duplicate entries for key ${pathText([element])}`, problems);
    seen.add(element);
    if (shape.is === "list") check(item, shape.element(), path + pathText([element]), problems);
  }
}
