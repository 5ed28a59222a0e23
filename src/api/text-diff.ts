/** How many unchanged lines are shown around a change. */
const contextLines = 3;
/** Beyond this many lines on either side the difference is not looked for: the table would grow with the product of both. */
const linesMax = 2000;

interface Edit { readonly sign: " " | "-" | "+"; readonly text: string; readonly left: number; readonly right: number }

/** The longest common subsequence, walked from the front. */
function edits(a: readonly string[], b: readonly string[]): Edit[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
    }
  }
  const result: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      result.push({ sign: " ", text: a[i] ?? "", left: i, right: j });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))) {
      result.push({ sign: "-", text: a[i] ?? "", left: i, right: j });
      i += 1;
    } else {
      result.push({ sign: "+", text: b[j] ?? "", left: i, right: j });
      j += 1;
    }
  }
  return result;
}

/** A unified difference of two values, written as indented JSON: what upstream puts into messages about fields that may not change. */
export function valueDiff(previous: unknown, next: unknown): string {
  const [a, b] = [previous, next].map((value) => (JSON.stringify(value, undefined, 1) ?? "null").split("\n")) as [string[], string[]];
  if (a.length > linesMax || b.length > linesMax) return "";
  const all = edits(a, b);
  const shown = all.map((_, index) => all.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ sign }) => sign !== " "));

  let text = "";
  for (let start = shown.indexOf(true); start >= 0; ) {
    let end = shown.indexOf(false, start);
    if (end < 0) end = all.length;
    const hunk = all.slice(start, end);
    const [first] = hunk;
    const count = (sign: "-" | "+"): number => hunk.filter((edit) => edit.sign === sign || edit.sign === " ").length;
    const range = (line: number, length: number): string => (length === 1 ? `${line + 1}` : length === 0 ? `${line},0` : `${line + 1},${length}`);
    text += `@@ -${range(first?.left ?? 0, count("-"))} +${range(first?.right ?? 0, count("+"))} @@\n${hunk.map(({ sign, text: line }) => `${sign}${line}\n`).join("")}`;
    start = end < all.length ? shown.indexOf(true, end) : -1;
  }
  return text;
}
