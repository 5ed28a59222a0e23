import { differenceWithChildren, fieldSetOf, union, type FieldPath, type FieldSet } from "./field-set.ts";
import { shapeAt, type Shape } from "./shape.ts";

const known = new WeakMap<Shape, WeakMap<FieldSet, FieldSet>>();

/**
 * A set that was written under another schema: what lies inside of a list or map that is replaced as a whole now becomes the whole. The same set when
 * nothing changed. Kept by shape and set: an object's owners are the same from write to write. Source: structured-merge-diff/typed/reconcile_schema.go.
 */
export function reconciledSet(set: FieldSet, shape: Shape): FieldSet {
  let bySet = known.get(shape);
  if (!bySet) known.set(shape, (bySet = new WeakMap()));
  let reconciled = bySet.get(set);
  if (!reconciled) {
    const wholes: FieldPath[] = [];
    findWholes(set, shape, [], wholes);
    const paths = fieldSetOf(...wholes);
    reconciled = wholes.length === 0 ? set : union(differenceWithChildren(set, paths), paths);
    bySet.set(set, reconciled);
  }
  return reconciled;
}

/** Paths that the schema has as a whole, and the set has in parts. */
function findWholes(set: FieldSet, shape: Shape, path: FieldPath, found: FieldPath[]): void {
  if (shape.is === "leaf" && shape.container !== "none") {
    if (path.length > 0) found.push(path);
    return;
  }
  if (shape.is === "leaf" || shape.is === "unknown") return;
  for (const [element, child] of set.children) {
    const inner = shapeAt(shape, element);
    if (inner) findWholes(child, inner, [...path, element], found);
  }
}
