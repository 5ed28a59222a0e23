/**
 * Puts everything of `more` at the end of `list`. What `list.push(...more)` does, but for any number of things: a spread of many arguments ends in a
 * RangeError, and how many there are may be for a client to say.
 */
export function addAll<T>(list: T[], more: Iterable<T>): void {
  if (!Array.isArray(more)) {
    for (const each of more) list.push(each);
    return;
  }
  // Most lists of errors are empty: then this costs nothing.
  const all: readonly T[] = more;
  for (let at = 0; at < all.length; at++) list.push(all[at] as T);
}
