/** Text in columns: cells end with a tab, rows with a newline, and a column is as wide as its widest cell in the rows around. */
export interface TabOptions {
  readonly widthMin: number;
  readonly padding: number;
}

/** As kubectl prints tables: three spaces between columns. */
export const tableColumns: TabOptions = { widthMin: 6, padding: 3 };
/** As `describe` prints its fields. */
export const fieldColumns: TabOptions = { widthMin: 0, padding: 2 };

const lengthOf = (text: string): number => [...text].length;

/**
 * Lays out what was written with tabs. `remembered` keeps the widths of columns for a later part of the same table (a watch), which gets
 * columns at least as wide.
 */
export function alignColumns(text: string, { widthMin, padding }: TabOptions, remembered?: number[]): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[] = [];
  const out: string[] = [];

  const writeLines = (from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const line = lines[index] ?? [];
      out.push(line.map((cell, column) => (column < widths.length ? cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - lengthOf(cell))) : cell)).join(""));
    }
  };
  const format = (from: number, to: number): void => {
    const column = widths.length;
    let start = from;
    for (let index = from; index < to; index++) {
      if (column >= (lines[index]?.length ?? 1) - 1) continue;
      writeLines(start, index);
      start = index;
      let width = widthMin;
      for (; index < to; index++) {
        const line = lines[index] ?? [];
        if (column >= line.length - 1) break;
        width = Math.max(width, lengthOf(line[column] ?? "") + padding);
      }
      if (remembered) {
        width = Math.max(width, remembered[column] ?? 0);
        remembered[column] = width;
      }
      widths.push(width);
      format(start, index);
      widths.pop();
      start = index;
      index--;
    }
    writeLines(start, to);
  };
  format(0, lines.length);
  return out.join("\n");
}
