/** Indexes of a Job as text, "1,3-5,7": below the number of completions, and each greater than the one before. */
export type Indexes = { readonly total: number } | { readonly problem: string };

type Interval = readonly [first: number, last: number];
const integer = /^[+-]?[0-9]+$/;

function intervalOf(text: string, completions: number): Interval | string {
  const parts = text.split("-");
  if (parts.length > 2) return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const numbers: number[] = [];
  for (const part of parts) {
    if (!integer.test(part)) return `cannot convert string to integer for index: ${JSON.stringify(part)}`;
    if (Number(part) >= completions) return `too large index: ${JSON.stringify(part)}`;
    numbers.push(Number(part));
  }
  const [first = 0, last = first] = numbers;
  return parts.length === 2 && first >= last ? `non-increasing order, previous: ${first}, current: ${last}` : [first, last];
}

export function parseIndexes(text: string, completions: number): Indexes {
  if (text === "") return { total: 0 };
  let total = 0;
  let previous: number | undefined;
  for (const part of text.split(",")) {
    const interval = intervalOf(part, completions);
    if (typeof interval === "string") return { problem: interval };
    const [first, last] = interval;
    if (previous !== undefined && previous >= first) return { problem: `non-increasing order, previous: ${previous}, current: ${first}` };
    total += last - first + 1;
    previous = last;
  }
  return { total };
}

/** The first index that is in both; what cannot be read is left out, because it is reported where it stands. */
export function overlapOf(completed: string, failed: string, completions: number): number | undefined {
  const intervals = (text: string): Interval[] => (text === "" ? [] : text.split(",").map((part) => intervalOf(part, completions)).filter((each) => typeof each !== "string"));
  for (const [first, last] of intervals(failed)) {
    const other = intervals(completed).find(([start, end]) => start <= last && first <= end);
    if (other) return Math.max(first, other[0]);
  }
  return undefined;
}
