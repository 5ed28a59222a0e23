import { readFileSync } from "node:fs";
import { goJson } from "../../apimachinery/go-json.ts";
import { goSyntax } from "../../apimachinery/go-text.ts";
import { JsonPathError, parseJsonPath, type JsonPath } from "../../apimachinery/jsonpath.ts";
import { splitApiVersion } from "../../apimachinery/object.ts";
import { formatYaml } from "../../apimachinery/yaml.ts";
import { kindName } from "../discovery.ts";
import type { ParsedFlags } from "../flags.ts";
import type { Json } from "../session.ts";
import { messageOf } from "../errors.ts";
import { customColumnsPrinter } from "./custom-columns.ts";
import { GoTemplate } from "./go-template.ts";
import { formatKyaml } from "./kyaml.ts";

/** What is printed of an object or of a List; printers remember what came before (separators, headers). */
export type ObjectPrinter = (object: Json) => string;

export interface PrinterOptions {
  /** Formats that this command knows, as its error lists them. */
  readonly formats: readonly string[];
  /** What happened to the object, for the line that is printed without -o: "created (dry run)". */
  readonly operation?: string;
  /** JSON with fields in the order in which they lie in the object, as kubectl prints what it decoded into types. */
  readonly keepOrder?: boolean;
  readonly noHeaders?: boolean;
}

export const plainFormats = ["json", "yaml", "kyaml", "name", "go-template", "go-template-file", "template", "templatefile", "jsonpath", "jsonpath-as-json", "jsonpath-file"] as const;
export const getFormats = [...plainFormats, "custom-columns", "custom-columns-file", "wide"] as const;

interface Lists {
  readonly items?: readonly Json[];
  readonly metadata?: Json;
}

function withoutManagedFields(object: Json): Json {
  const { metadata, items } = object as Lists;
  if (Array.isArray(items) && String(object["kind"] ?? "").endsWith("List")) return { ...object, items: items.map((each) => withoutManagedFields(each as Json)) };
  if (object["type"] !== undefined && object["object"] !== undefined && object["kind"] === undefined) return { ...object, object: withoutManagedFields(object["object"] as Json) };
  if (metadata?.["managedFields"] === undefined) return object;
  const { managedFields: _dropped, ...others } = metadata;
  return { ...object, metadata: others };
}

export const itemsOf = (object: Json): readonly Json[] | undefined => (String(object["kind"] ?? "").endsWith("List") && Array.isArray(object["items"]) ? (object["items"] as readonly Json[]) : undefined);

/** "pod/nginx created", or only "pod/nginx". */
export function namePrinter(operation: string): ObjectPrinter {
  const line = (object: Json): string => {
    const { apiVersion = "", kind = "", metadata } = object as { readonly apiVersion?: string; readonly kind?: string; readonly metadata?: { readonly name?: string } };
    const name = metadata?.name !== undefined && metadata.name !== "" ? metadata.name : "<unknown>";
    return `${kindName({ kind, group: splitApiVersion(apiVersion).group })}/${name}${operation === "" ? "" : ` ${operation}`}\n`;
  };
  return (object) => (itemsOf(object) ?? [object]).map(line).join("");
}

function templateOf(format: string, template: string, names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
  const name = names.find((each) => format === each || (template === "" && format.startsWith(`${each}=`)));
  if (name === undefined) return undefined;
  const value = template !== "" ? template : format.slice(name.length + 1);
  if (value === "") throw new Error("template format specified but no template given");
  return { name, value };
}

function fileOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`error reading --template ${path}, open ${path}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file or directory" : messageOf(error)}`, { cause: error });
  }
}

function jsonPathPrinter(template: string, flags: ParsedFlags, asJson: boolean): ObjectPrinter {
  let path: JsonPath;
  try {
    path = parseJsonPath(template, { allowMissingKeys: flags.bool("allow-missing-template-keys") });
  } catch (error) {
    throw new Error(`error parsing jsonpath ${template}, ${messageOf(error)}`, { cause: error });
  }
  return (object) => {
    try {
      return asJson ? path.find(object).map((values) => `${goJson(values, 4)}\n`).join("") : path.format(object);
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
      const told = `Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(object)}\n\n`;
      throw new Error(`error executing jsonpath ${JSON.stringify(template)}: ${told}\n`, { cause: error });
    }
  };
}

/** The printer that the flags -o and --template ask for; undefined when they ask for a table or a plain line. */
export function printerOf(flags: ParsedFlags, options: PrinterOptions): ObjectPrinter | undefined {
  const template = flags.text("template");
  const given = flags.text("output");
  const format = given === "" && template !== "" ? "go-template" : given;
  if (format === "" || (format === "wide" && options.formats.includes("wide"))) return undefined;
  const keep: ObjectPrinter = flags.bool("show-managed-fields") ? (object) => object as unknown as string : (object) => withoutManagedFields(object) as unknown as string;
  const prepared = (object: Json): Json => keep(object) as unknown as Json;
  if (format === "json") return (object) => `${goJson(prepared(object), 4, { keepOrder: options.keepOrder ?? false })}\n`;
  if (format === "yaml") {
    let count = 0;
    return (object) => `${count++ > 0 ? "---\n" : ""}${formatYaml(prepared(object))}`;
  }
  if (format === "kyaml") return (object) => formatKyaml(prepared(object), { keepOrder: options.keepOrder ?? false });
  if (format === "name") return namePrinter("");

  const goTemplate = templateOf(format, template, ["go-template", "template", "go-template-file", "templatefile"]);
  if (goTemplate) {
    const text = goTemplate.name.endsWith("file") ? fileOf(goTemplate.value) : goTemplate.value;
    const parsed = new GoTemplate(text, { allowMissingKeys: flags.bool("allow-missing-template-keys") });
    return (object) => parsed.execute(object);
  }
  const jsonPath = templateOf(format, template, ["jsonpath", "jsonpath-as-json", "jsonpath-file"]);
  if (jsonPath) return jsonPathPrinter(jsonPath.name === "jsonpath-file" ? fileOf(jsonPath.value) : jsonPath.value, flags, jsonPath.name === "jsonpath-as-json");
  if (options.formats.includes("custom-columns")) {
    for (const name of ["custom-columns", "custom-columns-file"]) {
      if (format !== name && !format.startsWith(`${name}=`)) continue;
      const value = template !== "" ? template : format.slice(name.length + 1);
      return customColumnsPrinter(value, { fromFile: name === "custom-columns-file", noHeaders: options.noHeaders ?? false });
    }
  }
  throw new Error(`unable to match a printer suitable for the output format ${JSON.stringify(format)}, allowed formats are: ${options.formats.toSorted().join(",")}`);
}

export type DryRun = "none" | "client" | "server";

/** `--dry-run` without a value is the old way to say "client". @throws in kubectl's words for a value that is none. */
export function dryRunOf(flags: ParsedFlags, warn: (line: string) => void): DryRun {
  const value = flags.text("dry-run");
  if (value === "client" || value === "server" || value === "none") return value;
  if (value !== "unchanged") throw new Error(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
  warn("--dry-run is deprecated and can be replaced with --dry-run=client.");
  return "client";
}

export const operationOf = (operation: string, dryRun: DryRun): string => `${operation}${dryRun === "client" ? " (dry run)" : dryRun === "server" ? " (server dry run)" : ""}`;

/** The printer of commands that change things: what -o asks for, or one line. */
export const changePrinter = (flags: ParsedFlags, operation: string, options: { readonly keepOrder?: boolean } = {}): ObjectPrinter => printerOf(flags, { formats: plainFormats, ...options }) ?? namePrinter(operation);
