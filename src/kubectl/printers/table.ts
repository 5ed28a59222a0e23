import { goText } from "../../apimachinery/go-text.ts";
import type { Json } from "../session.ts";

export interface TableColumn {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly priority?: number;
}
export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: { readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>>; readonly resourceVersion?: string } };
}
/** What the server answers when it is asked for columns. */
export interface Table {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly TableColumn[];
  readonly rows?: readonly TableRow[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly noHeaders: boolean;
  readonly withNamespace: boolean;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
  /** "pod", in front of names when several kinds are printed together. */
  readonly kindPrefix?: string;
}

export const isTable = (value: Json): boolean => value["kind"] === "Table" && String(value["apiVersion"] ?? "").startsWith("meta.k8s.io/");

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  const text = typeof cell === "string" ? cell : goText(cell);
  const end = text.search(/[\f\n\r]/);
  // Control characters would speak to the terminal; the escape character is shown as ^[, as kubectl does.
  return `${end < 0 ? text : text.slice(0, end)}`.replaceAll("\u001b", "^[").replaceAll("\r", "\\r") + (end < 0 ? "" : "...");
}

const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`).join(",") || "<none>";
const lastPart = (label: string): string => (label.includes("/") ? label.slice(label.lastIndexOf("/") + 1) : label).toUpperCase();

const eventNames: Readonly<Record<string, string>> = { ADDED: "ADDED   ", MODIFIED: "MODIFIED", DELETED: "DELETED ", ERROR: "ERROR   " };

/** Turns tables into rows with tabs; remembers columns, which later tables of a watch leave out, and prints headers once per set of columns. */
export class TablePrinter {
  readonly #options: TableOptions;
  #columns: readonly TableColumn[] = [];
  #headersPrinted = false;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  print(table: Table, eventType?: string): string {
    const { wide, noHeaders, withNamespace, showLabels, labelColumns, kindPrefix } = this.#options;
    const given = table.columnDefinitions ?? [];
    const rows = table.rows ?? [];
    if (given.length > 0 && JSON.stringify(given) !== JSON.stringify(this.#columns)) {
      this.#columns = given;
      this.#headersPrinted = false;
    }
    if (rows.length === 0) return "";
    const columns = this.#columns;
    const shown = columns.flatMap(({ priority = 0 }, index) => (wide || priority === 0 ? [index] : []));
    const nameColumn = kindPrefix === undefined ? -1 : columns.findIndex(({ format, type }) => format === "name" && type === "string");
    const headers = [
      ...(eventType === undefined ? [] : ["EVENT"]), ...(withNamespace ? ["NAMESPACE"] : []), ...shown.map((index) => (columns[index]?.name ?? "").toUpperCase()),
      ...labelColumns.map(lastPart), ...(showLabels ? ["LABELS"] : []),
    ];
    const lines = rows.map(({ cells, object }) => [
      ...(eventType === undefined ? [] : [eventNames[eventType] ?? eventType]),
      ...(withNamespace ? [object?.metadata?.namespace ?? ""] : []),
      ...shown.filter((index) => index < cells.length).map((index) => cellText(index === nameColumn ? `${kindPrefix}/${cellText(cells[index])}` : cells[index])),
      ...labelColumns.map((label) => object?.metadata?.labels?.[label] ?? ""),
      ...(showLabels ? [labelsText(object?.metadata?.labels)] : []),
    ]);
    const withHeaders = !noHeaders && !this.#headersPrinted;
    this.#headersPrinted = true;
    return [...(withHeaders ? [headers] : []), ...lines].map((line) => `${line.join("\t")}\n`).join("");
  }
}

/** What is shown of objects of a server that has no columns for them. */
export function plainTable(items: readonly Json[], age: (timestamp: string | undefined) => string): Table {
  return {
    kind: "Table",
    columnDefinitions: [{ name: "Name", type: "string", format: "name" }, { name: "Age", type: "string" }],
    rows: items.map((object) => {
      const { metadata = {} } = object as { readonly metadata?: { readonly name?: string; readonly creationTimestamp?: string } };
      return { cells: [metadata.name ?? "", age(metadata.creationTimestamp)], object: object as NonNullable<TableRow["object"]> };
    }),
  };
}
