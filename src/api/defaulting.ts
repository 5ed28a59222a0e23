/**
 * Small tools to fill in what is missing without changing what is there. Each gives back the very object it got when nothing was missing,
 * so that defaulting a complete object makes no garbage. Absent, null and "" all count as missing, as they do for upstream's plain fields.
 */
export const missing = (value: unknown): value is undefined | null | "" => value === undefined || value === null || value === "";

/** Sets each field of `defaults` that the object lacks. */
export function withDefaults<T extends object>(object: T, defaults: Partial<T>): T {
  let result: T | undefined;
  // In a loop over names, which makes nothing: most objects of a second round of defaults lack none.
  for (const key in defaults) {
    const [value, present] = [defaults[key], object[key]];
    if (value === undefined || present === value || !missing(present)) continue;
    result ??= { ...object };
    result[key] = value as NonNullable<typeof value>;
  }
  return result ?? object;
}

/** As `withDefaults`, for numbers where upstream takes zero for absent. */
export function withNumberDefaults<T extends object>(object: T, defaults: Partial<T>): T {
  let result: T | undefined;
  for (const [key, value] of Object.entries(defaults)) {
    const present = (object as Record<string, unknown>)[key];
    if (value === undefined || (!missing(present) && present !== 0)) continue;
    result ??= { ...object };
    (result as Record<string, unknown>)[key] = value;
  }
  return result ?? object;
}

/** Changes one field where it is present. */
export function changeField<T extends object, K extends keyof T>(object: T, key: K, change: (value: NonNullable<T[K]>) => NonNullable<T[K]>): T {
  const value = object[key];
  if (value === undefined || value === null) return object;
  const next = change(value);
  return next === value ? object : { ...object, [key]: next };
}

/** Changes each element of a list. */
export function changeAll<E>(list: readonly E[], change: (element: E, index: number) => E): readonly E[] {
  let result: E[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const element = list[index] as E;
    const next = change(element, index);
    if (next === element) continue;
    result ??= [...list];
    result[index] = next;
  }
  return result ?? list;
}

/** Changes each element of the list in one field, where it is present. */
export function changeEach<T extends object, K extends keyof T, E extends NonNullable<T[K]> extends readonly (infer U)[] ? U : never>(
  object: T, key: K, change: (element: E, index: number) => E,
): T {
  return changeField(object, key, (list) => changeAll(list as unknown as readonly E[], change) as unknown as NonNullable<T[K]>);
}

/** Changes each value of a map. */
export function changeValues<V>(map: Readonly<Record<string, V>>, change: (value: V, key: string) => V): Readonly<Record<string, V>> {
  let result: Record<string, V> | undefined;
  for (const key of Object.keys(map)) {
    const value = map[key] as V;
    const next = change(value, key);
    if (next === value) continue;
    result ??= { ...map };
    result[key] = next;
  }
  return result ?? map;
}

/** The object without one field; the same object when it has none. */
export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> & T {
  if (!keys.some((key) => key in object)) return object as Omit<T, K> & T;
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key as K))) as Omit<T, K> & T;
}

/** Sets a field, or removes it when the value is absent. */
export function withField<T extends object, K extends keyof T>(object: T, key: K, value: T[K] | undefined): T {
  if (value === undefined) return without(object, key);
  return object[key] === value ? object : { ...object, [key]: value };
}

/** Sets an object in a field that Go always writes, because there it is a struct and no pointer: readers count on its presence. */
export const withStruct = <T extends object>(object: T, key: keyof T): T => (missing(object[key]) ? { ...object, [key]: {} } : object);
