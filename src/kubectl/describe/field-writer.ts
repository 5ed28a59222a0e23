import { alignColumns, fieldColumns } from "../tab-writer.ts";

/** Collects the lines of a description; tabs separate columns, and each level moves a line two spaces in. */
export class FieldWriter {
  #done = "";
  #text = "";

  /** Adds text as it is, behind the indentation of its level; line ends are the caller's. */
  write(level: number, text: string): void {
    this.#text += `${"  ".repeat(level)}${text}`.replaceAll("\u001b", "^[").replaceAll("\r", "\\r");
  }
  line(level: number, text: string): void {
    this.write(level, `${text}\n`);
  }
  /** What follows gets columns of its own. */
  flush(): void {
    this.#done += alignColumns(this.#text, fieldColumns);
    this.#text = "";
  }
  toString(): string {
    return this.#done + alignColumns(this.#text, fieldColumns);
  }
}
