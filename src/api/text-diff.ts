import { goJson } from "../apimachinery/go-json.ts";

/** How many unchanged lines are shown around a change. */
const contextLines = 3;
/** Beyond this many lines on either side the difference is not looked for: the search may grow with the product of both. */
const linesMax = 4000;
/** In longer texts, lines that are more frequent than a hundredth of it do not begin a match. */
const popularFromLines = 200;

/** `size` equal lines, from `left` in the one text and from `right` in the other. */
interface Match { readonly left: number; readonly right: number; readonly size: number }
/** Lines [left, leftEnd) became [right, rightEnd). */
interface Span { readonly same: boolean; readonly left: number; readonly leftEnd: number; readonly right: number; readonly rightEnd: number }

/** Where each line stands in the text, without those that say little about a place because they stand everywhere (as brackets do). */
function positionsOf(lines: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const positions = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const known = positions.get(line);
    if (known) known.push(index);
    else positions.set(line, [index]);
  }
  if (lines.length >= popularFromLines) {
    const timesMax = Math.floor(lines.length / 100) + 1;
    for (const [line, places] of positions) if (places.length > timesMax) positions.delete(line);
  }
  return positions;
}

/**
 * The longest run of equal lines, and of several the first: the way of Ratcliff and Obershelp, as Python's difflib has it and upstream after it. Its
 * differences are not the shortest, but messages are compared by their text.
 */
function longestMatch(a: readonly string[], b: readonly string[], positions: ReadonlyMap<string, readonly number[]>, { left: from, leftEnd, right: rightFrom, rightEnd }: Omit<Span, "same">): Match {
  let [left, right, size] = [from, rightFrom, 0];
  let endingAt = new Map<number, number>();
  for (let i = from; i < leftEnd; i += 1) {
    const next = new Map<number, number>();
    for (const j of positions.get(a[i] ?? "") ?? []) {
      if (j < rightFrom) continue;
      if (j >= rightEnd) break;
      const length = (endingAt.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > size) [left, right, size] = [i - length + 1, j - length + 1, length];
    }
    endingAt = next;
  }
  while (left > from && right > rightFrom && a[left - 1] === b[right - 1]) [left, right, size] = [left - 1, right - 1, size + 1];
  while (left + size < leftEnd && right + size < rightEnd && a[left + size] === b[right + size]) size += 1;
  return { left, right, size };
}

function matches(a: readonly string[], b: readonly string[]): readonly Match[] {
  const positions = positionsOf(b);
  const found: Match[] = [];
  const search = (within: Omit<Span, "same">): void => {
    const match = longestMatch(a, b, positions, within);
    if (match.size === 0) return;
    if (within.left < match.left && within.right < match.right) search({ ...within, leftEnd: match.left, rightEnd: match.right });
    found.push(match);
    const [left, right] = [match.left + match.size, match.right + match.size];
    if (left < within.leftEnd && right < within.rightEnd) search({ ...within, left, right });
  };
  search({ left: 0, leftEnd: a.length, right: 0, rightEnd: b.length });
  return found;
}

/** Both texts from front to end, as what stayed and what changed by turns. */
function spans(a: readonly string[], b: readonly string[]): readonly Span[] {
  const all: Span[] = [];
  let [left, right] = [0, 0];
  for (const match of [...matches(a, b), { left: a.length, right: b.length, size: 0 }]) {
    if (left < match.left || right < match.right) all.push({ same: false, left, leftEnd: match.left, right, rightEnd: match.right });
    [left, right] = [match.left + match.size, match.right + match.size];
    const before = all.at(-1);
    if (match.size === 0) continue;
    if (before?.same === true) all[all.length - 1] = { ...before, leftEnd: left, rightEnd: right };
    else all.push({ same: true, left: match.left, leftEnd: left, right: match.right, rightEnd: right });
  }
  return all;
}

/** What changed, with a few lines around it; changes that are near to each other share a hunk. */
function hunks(all: readonly Span[]): readonly (readonly Span[])[] {
  const groups: Span[][] = [[]];
  for (const [index, span] of all.entries()) {
    if (!span.same) {
      groups.at(-1)?.push(span);
      continue;
    }
    const [isFirst, isLast] = [index === 0, index === all.length - 1];
    const head = { ...span, leftEnd: Math.min(span.leftEnd, span.left + contextLines), rightEnd: Math.min(span.rightEnd, span.right + contextLines) };
    const tail = { ...span, left: Math.max(span.left, span.leftEnd - contextLines), right: Math.max(span.right, span.rightEnd - contextLines) };
    if (isFirst) groups.at(-1)?.push(tail);
    else if (isLast) groups.at(-1)?.push(head);
    else if (span.leftEnd - span.left > 2 * contextLines) {
      groups.at(-1)?.push(head);
      groups.push([tail]);
    } else groups.at(-1)?.push(span);
  }
  return groups.filter((group) => group.some(({ same }) => !same));
}

const range = (from: number, end: number): string => (end - from === 1 ? `${from + 1}` : end === from ? `${from},0` : `${from + 1},${end - from}`);

/** A unified difference of two values, written as indented JSON: what upstream puts into messages about fields that may not change. */
export function valueDiff(previous: unknown, next: unknown): string {
  const [a, b] = [previous, next].map((value) => goJson(value, 1, { keepOrder: true }).split("\n")) as [string[], string[]];
  if (a.length > linesMax || b.length > linesMax) return "";
  let text = "";
  for (const hunk of hunks(spans(a, b))) {
    const [first, last] = [hunk[0], hunk.at(-1)];
    if (!first || !last) continue;
    text += `@@ -${range(first.left, last.leftEnd)} +${range(first.right, last.rightEnd)} @@\n`;
    for (const { same, left, leftEnd, right, rightEnd } of hunk) {
      for (const line of a.slice(left, leftEnd)) text += `${same ? " " : "-"}${line}\n`;
      if (!same) for (const line of b.slice(right, rightEnd)) text += `+${line}\n`;
    }
  }
  return text;
}
