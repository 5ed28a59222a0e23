/** Whether a value says nothing: absent, null or an empty list. An empty map may be a struct that means something (`emptyDir: {}`). */
const saysNothing = (value: unknown): boolean => value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/**
 * Compares parts of objects as controllers want it: absent, null and empty lists are the same, the order of keys does not count. Quantities and
 * times are texts in canonical form by the time they are compared.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b || (saysNothing(a) && saysNothing(b))) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((each: unknown, index) => semanticEqual(each, b[index]));
  }
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  for (const key of Object.keys(left)) if (!semanticEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (!Object.hasOwn(left, key) && !saysNothing(right[key])) return false;
  return true;
}
