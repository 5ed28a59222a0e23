import { readFileSync } from "node:fs";
import { goText } from "../../apimachinery/go-text.ts";
import { parseJsonPath, relaxedJsonPath, type JsonPath } from "../../apimachinery/jsonpath.ts";
import type { Json } from "../session.ts";
import { alignColumns, tableColumns } from "../tab-writer.ts";

interface Column {
  readonly header: string;
  readonly path: JsonPath;
}

const columnPath = (expression: string): JsonPath => parseJsonPath(relaxedJsonPath(expression), { allowMissingKeys: true });

function columnsOfSpec(spec: string): readonly Column[] {
  if (spec === "") throw new Error("custom-columns format specified but no custom columns given");
  return spec.split(",").map((part) => {
    const colon = part.indexOf(":");
    if (colon < 0) throw new Error(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return { header: part.slice(0, colon), path: columnPath(part.slice(colon + 1)) };
  });
}

function columnsOfFile(path: string): readonly Column[] {
  const [headers = [], specs = []] = readFileSync(path, "utf8").split("\n").map((line) => line.split(/\s+/).filter((word) => word !== ""));
  if (headers.length !== specs.length) throw new Error(`number of headers (${headers.length}) and field specifications (${specs.length}) don't match`);
  return headers.map((header, index) => ({ header, path: columnPath(specs[index] ?? "") }));
}

/** `-o custom-columns=NAME:.metadata.name,…`; headers are printed once. */
export function customColumnsPrinter(spec: string, options: { readonly fromFile: boolean; readonly noHeaders: boolean }): (object: Json) => string {
  const columns = options.fromFile ? columnsOfFile(spec) : columnsOfSpec(spec);
  const remembered: number[] = [];
  let headersPrinted = options.noHeaders;
  return (object) => {
    const items = String(object["kind"] ?? "").endsWith("List") && Array.isArray(object["items"]) ? (object["items"] as readonly Json[]) : [object];
    const rows = items.map((item) => columns.map(({ path }) => {
      const found = path.find(item);
      const values = [...((found[0]?.length ?? 0) === 0 ? ["<none>"] : []), ...found.flat().map(goText)];
      return values.join(",");
    }));
    const lines = [...(headersPrinted ? [] : [columns.map(({ header }) => header)]), ...rows].map((row) => `${row.join("\t")}\n`).join("");
    headersPrinted = true;
    return alignColumns(lines, tableColumns, remembered);
  };
}
