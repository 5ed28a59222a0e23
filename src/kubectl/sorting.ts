import { compareQuantities, isQuantity } from "../apimachinery/quantity.ts";
import { parseJsonPath, relaxedJsonPath } from "../apimachinery/jsonpath.ts";
import type { Json } from "./session.ts";
import type { TableRow } from "./printers/table.ts";

function order(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (typeof a === "string" && typeof b === "string" && isQuantity(a) && isQuantity(b)) return compareQuantities(a, b);
  return (a as string | number) < (b as string | number) ? -1 : (a as string | number) > (b as string | number) ? 1 : 0;
}

function sortedBy<T>(items: readonly T[], field: string, objectOf: (item: T) => unknown): readonly T[] {
  const written = relaxedJsonPath(field);
  const path = parseJsonPath(written, { allowMissingKeys: true });
  const keyed = items.map((item) => ({ item, key: path.find(objectOf(item))[0]?.[0] }));
  if (items.length > 0 && keyed.every(({ key }) => key === undefined)) throw new Error(`couldn't find any field with path ${JSON.stringify(written)} in the list of objects`);
  return keyed.toSorted((a, b) => order(a.key, b.key)).map(({ item }) => item);
}

/** By the value at a JSON path; what lacks it comes first. */
export const sortObjects = (items: readonly Json[], field: string): readonly Json[] => sortedBy(items, field, (item) => item);
export const sortRows = (rows: readonly TableRow[], field: string): readonly TableRow[] => sortedBy(rows, field, ({ object }) => object ?? {});
