export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two JSON values are equal; the order of keys does not count. Quick for values that share parts. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!jsonEqual(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const [left, right] = [a as JsonObject, b as JsonObject];
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  for (const key of keys) if (!Object.hasOwn(right, key) || !jsonEqual(left[key], right[key])) return false;
  return true;
}

/** A copy that shares nothing with the value, for code that builds its result by changing a private copy. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => cloneJson(each)) as T;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const each = cloneJson((value as JsonObject)[key]);
    if (key === "__proto__") Object.defineProperty(copy, key, { value: each, writable: true, enumerable: true, configurable: true });
    else copy[key] = each;
  }
  return copy as T;
}
