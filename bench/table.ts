/** One line of the table. `ratio` is measured over raw, in the unit's own sense; `budget` is told as ARCHITECTURE.md tells it. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What the machine itself needs for as much, in the same run; empty where nothing compares. */
  readonly raw?: string;
  readonly ratio?: number;
  readonly budget?: string;
  readonly met?: boolean;
}

export function tableText(rows: readonly Row[]): string {
  const cells = [
    ["what", "measured", "raw line of comparison", "ratio", "budget", "met?"],
    ...rows.map(({ what, measured, raw = "", ratio, budget = "", met }) => [what, measured, raw, ratio === undefined ? "" : ratio.toFixed(2), budget, met === undefined ? "" : met ? "yes" : "NO"]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  return [lines[0], `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...lines.slice(1)].join("\n");
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Of a hundred, one is larger. */
export const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;

export const ms = (value: number): string => `${value.toFixed(0)} ms`;
export const perSecond = (value: number): string => `${value >= 100 ? value.toFixed(0) : value.toFixed(1)}/s`;
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
