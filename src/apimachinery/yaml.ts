import type { Document, LineCounter, Node } from "yaml";
import { utf8Length } from "../stdx/bytes.ts";
import { yamlPackage } from "../stdx/yaml-package.ts";
import { parseJson } from "./json.ts";

/**
 * YAML as kubectl and the API server read and write it: the rules of YAML 1.1 as Go's yaml.v2 has them ("yes" is true, 0644 is 420,
 * timestamps are texts), then as JSON. Parsing of the syntax is the `yaml` package's; what plain words mean is decided here, because the same
 * rules decide what has to be quoted when writing.
 */
export class YamlError extends Error {
  override readonly name = "YamlError";
}

export interface YamlDocument {
  readonly value: unknown;
  /** `line 5: key "a" already set in map`: what strict decoding refuses. The last one counts. */
  readonly duplicates: readonly string[];
}

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Infinity] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, -Infinity] as const),
]);
const floatPattern = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const integerPattern = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const timestampPattern = /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2}))|(?: +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?))?$/;

function integerOf(text: string): number | undefined {
  const match = integerPattern.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal = "0"] = match;
  const magnitude = BigInt(hex !== undefined ? `0x${hex}` : binary !== undefined ? `0b${binary}` : octal !== undefined ? `0o${octal}` : decimal);
  if (sign === "-" ? magnitude > 1n << 63n : magnitude >= 1n << 64n) return undefined;
  return Number(sign === "-" ? -magnitude : magnitude);
}

/** What a plain word stands for; a text stands for itself. Timestamps are told apart only because they are quoted when written. */
function resolvePlain(text: string): { readonly value: unknown; readonly timestamp?: true } {
  const known = words.get(text);
  if (known !== undefined) return { value: known };
  const first = text.charAt(0);
  if (first === ".") return { value: floatPattern.test(text) ? Number(text) : text };
  if (!/[-+0-9]/.test(first)) return { value: text };
  const plain = text.replaceAll("_", "");
  const integer = integerOf(plain);
  if (integer !== undefined) return { value: integer };
  if (floatPattern.test(plain)) return { value: Number.isFinite(Number(plain)) ? Number(plain) : text };
  const time = timestampPattern.exec(text);
  if (time) {
    const [year, month, day] = [Number(time[1]), Number(time[2]), Number(time[3])];
    const [hour, minute, second] = [Number(time[4] ?? time[7] ?? 0), Number(time[5] ?? time[8] ?? 0), Number(time[6] ?? time[9] ?? 0)];
    if (month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate() && hour < 24 && minute < 60 && second < 60) return { value: text, timestamp: true };
  }
  return { value: text };
}

/** Aliases may make a document larger than it looks, but not without end. */
const expandedNodesMax = 1_000_000;
const depthMax = 1_000;

class Reader {
  readonly #yaml = yamlPackage();
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly duplicates: string[] = [];
  readonly #anchors = new Map<Node, unknown>();
  #nodes = 0;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  read(node: unknown, depth: number): unknown {
    if (++this.#nodes > expandedNodesMax) throw new YamlError("yaml: document contains excessive aliasing");
    if (depth > depthMax) throw new YamlError(`yaml: exceeded max depth of ${depthMax}`);
    if (node === null || node === undefined) return null;
    const { isAlias, isMap, isScalar, isSeq } = this.#yaml;
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (!target) throw new YamlError(`yaml: unknown anchor '${node.source}' referenced`);
      const known = this.#anchors.get(target);
      if (known !== undefined) return known;
      const value = this.read(target, depth + 1);
      this.#anchors.set(target, value);
      return value;
    }
    if (isScalar(node)) return this.#scalar(node);
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    if (isMap(node)) return this.#map(node.items, depth);
    throw new YamlError("yaml: unexpected node");
  }

  #scalar(node: { readonly value: unknown; readonly source?: string; readonly type?: string; readonly tag?: string }): unknown {
    const text = typeof node.value === "string" ? node.value : node.source ?? "";
    if (node.tag === "tag:yaml.org,2002:str" || node.tag === "!") return text;
    if (node.tag === "tag:yaml.org,2002:binary") return Buffer.from(text, "base64").toString("utf8");
    if (node.type !== "PLAIN" && node.type !== undefined && node.tag === undefined) return text;
    const { value } = resolvePlain(text);
    if (typeof value === "number" && !Number.isFinite(value)) throw new YamlError(`json: unsupported value: ${Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"}`);
    if (node.tag === "tag:yaml.org,2002:float" && typeof value === "number") return value;
    return value;
  }

  #key(node: unknown, depth: number): string {
    const key = this.read(node, depth + 1);
    if (typeof key === "string") return key;
    if (typeof key === "number" || typeof key === "boolean") return String(key);
    throw new YamlError(`error converting YAML to JSON: Unsupported map key of type: ${key === null ? "%!s(<nil>)" : Array.isArray(key) ? "slice" : "map"}, key: ${JSON.stringify(key)}`);
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[], depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    const merged = new Map<string, unknown>();
    const { isScalar } = this.#yaml;
    for (const { key: keyNode, value: valueNode } of pairs) {
      if (isScalar(keyNode) && keyNode.value === "<<" && keyNode.type === "PLAIN") {
        const value = this.read(valueNode, depth + 1);
        for (const source of Array.isArray(value) ? value.toReversed() as unknown[] : [value]) {
          if (typeof source !== "object" || source === null || Array.isArray(source)) throw new YamlError("yaml: map merge requires map or sequence of maps as the value");
          for (const [key, each] of Object.entries(source)) merged.set(key, each);
        }
        continue;
      }
      const key = this.#key(keyNode, depth);
      if (entries.has(key)) {
        const at = isScalar(keyNode) ? keyNode.range?.[0] : undefined;
        this.duplicates.push(`line ${at === undefined ? 0 : this.#lines.linePos(at).line}: key ${JSON.stringify(key)} already set in map`);
      }
      entries.set(key, this.read(valueNode, depth + 1));
    }
    for (const [key, value] of merged) if (!entries.has(key)) entries.set(key, value);
    return Object.fromEntries(entries);
  }
}

interface SyntaxMistake {
  readonly pattern: RegExp;
  readonly message: string;
  /** Go's scanner counts lines from 1, its parser from 0, and line 0 is not told. */
  readonly by: "scanner" | "parser";
  /** Where Go sees the mistake: where the `yaml` package does, at the colon behind that, or on the line after it. */
  readonly at?: "colon" | "next";
}

/** How Go says what the `yaml` package found; most mistakes are of these kinds. */
const mistakes: readonly SyntaxMistake[] = [
  { pattern: /Nested mappings are not allowed|Implicit keys need to be on a single line|compact mappings/, message: "mapping values are not allowed in this context", by: "scanner", at: "colon" },
  { pattern: /Implicit map keys need to be/, message: "could not find expected ':'", by: "scanner", at: "next" },
  { pattern: /Tabs are not allowed|reserved character|Plain value cannot start/, message: "found character that cannot start any token", by: "scanner" },
  { pattern: /Missing closing|Missing .*quote/, message: "found unexpected end of stream", by: "scanner" },
  { pattern: /Invalid escape/, message: "found unknown escape character", by: "scanner" },
  { pattern: /Verbatim tags/, message: "did not find the expected '>'", by: "scanner" },
  { pattern: /Block scalar header/, message: "did not find expected comment or line break", by: "scanner" },
  { pattern: /Flow map|must end with a }/, message: "did not find expected ',' or '}'", by: "parser" },
  { pattern: /Flow seq|must end with a \]/, message: "did not find expected ',' or ']'", by: "parser" },
  { pattern: /All sequence items/, message: "did not find expected '-' indicator", by: "parser" },
  { pattern: /./, message: "did not find expected key", by: "parser" },
];

function syntaxError(text: string, document: Document, lines: LineCounter): YamlError | undefined {
  const [error] = document.errors;
  if (!error) return undefined;
  // What is told of the end of a flow collection explains complaints about its middle.
  const telling = document.errors.find(({ message }) => /must end with a [}\]]|Flow (map|seq)/.test(message)) ?? error;
  const { message, by, at } = mistakes.find(({ pattern }) => pattern.test(telling.message)) ?? { message: telling.message, by: "parser" as const, at: undefined };
  const colon = at === "colon" ? text.slice(telling.pos[0]).search(/:(\s|$)/) : 0;
  const line = lines.linePos(telling.pos[0] + Math.max(0, colon)).line - 1 + (at === "next" ? 1 : 0);
  return new YamlError(`yaml: ${line > 0 ? `line ${by === "scanner" ? line + 1 : line}: ` : ""}${message}`, { cause: error });
}

/** Every document of the text that has content. Throws `YamlError`. */
export function parseYamlDocuments(text: string): YamlDocument[] {
  const { isScalar, LineCounter, parseAllDocuments } = yamlPackage();
  const lines = new LineCounter();
  let documents: Document[];
  try {
    const parsed = parseAllDocuments(text, { version: "1.1", schema: "failsafe", uniqueKeys: false, merge: false, logLevel: "silent", prettyErrors: false, lineCounter: lines, stringKeys: false });
    documents = "empty" in parsed ? [] : parsed;
  } catch (error) {
    if (error instanceof RangeError) throw new YamlError("yaml: exceeded max depth of 10000", { cause: error });
    throw error;
  }
  return documents.flatMap((document) => {
    const error = syntaxError(text, document, lines);
    if (error) throw error;
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === "" && document.contents.type === "PLAIN")) return [];
    const reader = new Reader(document, lines);
    const value = reader.read(document.contents, 0);
    return [{ value, duplicates: reader.duplicates }];
  });
}

/** The first document of a text; undefined when it has none. Text that is JSON is read as JSON, which is many times quicker. */
export function parseYamlStrict(text: string): YamlDocument {
  return parseYamlDocuments(text)[0] ?? { value: null, duplicates: [] };
}

export function parseYaml(text: string): unknown {
  if (/^\s*[{[]/.test(text)) {
    try {
      return parseJson(text);
    } catch (error) {
      // Flow style is no JSON; whatever else is wrong, the YAML parser says.
      if (!(error instanceof Error) || error.name !== "JsonError") throw error;
    }
  }
  return parseYamlStrict(text).value;
}

const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Whether a plain word would be read back as something else than this text. */
const needsQuotes = (text: string): boolean => {
  const { value, timestamp } = resolvePlain(text);
  return typeof value !== "string" || timestamp === true || sexagesimal.test(text);
};

const isPrintable = (code: number): boolean =>
  code === 0x0a || (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff);
const isBreak = (code: number): boolean => code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029;

interface Analysis { readonly multiline: boolean; readonly plain: boolean; readonly single: boolean; readonly literal: boolean }

/** Which styles a text may be written in, in block context. */
function analyze(text: string): Analysis {
  if (text === "") return { multiline: false, plain: true, single: true, literal: false };
  let [indicators, special, breaks] = [text.startsWith("---") || text.startsWith("..."), false, false];
  let [spaceBreak, breakSpace, previousSpace, previousBreak, precededByBlank] = [false, false, false, false, true];
  const characters = Array.from(text);
  for (const [index, character] of characters.entries()) {
    const code = character.codePointAt(0) ?? 0;
    const next = characters[index + 1];
    const followedByBlank = next === undefined || next === " " || next === "\t" || isBreak(next.codePointAt(0) ?? 0);
    if (index === 0) {
      if ("#,[]{}&*!|>'\"%@`".includes(character) || (followedByBlank && "?:-".includes(character))) indicators = true;
    } else if ((character === ":" && followedByBlank) || (character === "#" && precededByBlank)) indicators = true;
    if (!isPrintable(code)) special = true;
    if (character === " ") {
      if (previousBreak) breakSpace = true;
      [previousSpace, previousBreak] = [true, false];
    } else if (isBreak(code)) {
      breaks = true;
      if (previousSpace) spaceBreak = true;
      [previousSpace, previousBreak] = [false, true];
    } else [previousSpace, previousBreak] = [false, false];
    precededByBlank = character === " " || character === "\t" || isBreak(code);
  }
  const [first = "", last = ""] = [characters[0], characters.at(-1)];
  const edge = (character: string): boolean => character === " " || isBreak(character.codePointAt(0) ?? 0);
  const hidden = spaceBreak || special;
  return {
    multiline: breaks,
    plain: !indicators && !breaks && !edge(first) && !edge(last) && !breakSpace && !hidden,
    single: !breakSpace && !hidden,
    literal: last !== " " && !hidden,
  };
}

const escapes: ReadonlyMap<number, string> = new Map([
  [0, "\\0"], [7, "\\a"], [8, "\\b"], [9, "\\t"], [10, "\\n"], [11, "\\v"], [12, "\\f"], [13, "\\r"], [27, "\\e"], [0x22, '\\"'], [0x5c, "\\\\"], [0x85, "\\N"], [0xa0, "\\_"], [0x2028, "\\L"], [0x2029, "\\P"],
]);

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (isPrintable(code) && !isBreak(code) && code !== 0x22 && code !== 0x5c) return character;
  const hex = code.toString(16).toUpperCase();
  return escapes.get(code) ?? (code <= 0xff ? `\\x${hex.padStart(2, "0")}` : code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`);
}

/** Where a text is written: lines that continue it start with `indent`, its first character stands in `column`; keys are never folded. */
interface Place { readonly indent: string; readonly column: number; readonly key: boolean }

/** A line is folded at the first single blank beyond this column. */
const foldColumn = 80;

/** Writes a text of one line, folded as Go's emitter folds it. */
function flow(text: string, style: "plain" | "single" | "double", { indent, column: start, key }: Place): string {
  const quote = style === "plain" ? "" : style === "single" ? "'" : '"';
  let [result, column, afterSpace] = [quote, start + quote.length, false];
  const characters = Array.from(text);
  for (const [index, character] of characters.entries()) {
    if (character !== " ") {
      const piece = style === "double" ? escaped(character) : style === "single" && character === "'" ? "''" : character;
      result += piece;
      column += piece.length === 1 ? 1 : Array.from(piece).length;
      afterSpace = false;
      continue;
    }
    const nextSpace = characters[index + 1] === " ";
    const inside = index > 0 && index < characters.length - 1;
    if (!key && !afterSpace && column > foldColumn && (style === "plain" ? !nextSpace : inside && (style === "double" || !nextSpace))) {
      const mark = style === "double" && nextSpace ? "\\" : "";
      result += `\n${indent}${mark}`;
      column = indent.length + mark.length;
    } else {
      result += " ";
      column++;
    }
    afterSpace = true;
  }
  return result + quote;
}

function literal(text: string, indent: string): string {
  const hint = edgeOf(text.charAt(0)) ? "2" : "";
  const chomp = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return `|${hint}${chomp}\n${lines.map((line) => (line === "" ? "" : indent + line)).join("\n")}`;
}
const edgeOf = (character: string): boolean => character === " " || character === "\n" || character === "\t";

/** Keys longer than this are written as "? key". */
const simpleKeyMax = 128;

function scalarText(text: string, place: Place): string {
  const analysis = analyze(text);
  if (text.includes("\n") && !place.key && analysis.literal) return literal(text, place.indent);
  if (needsQuotes(text) || text.includes("\n")) return flow(text, "double", place);
  if (analysis.plain && text !== "") return flow(text, "plain", place);
  return flow(text, analysis.single && !(place.key && analysis.multiline) ? "single" : "double", place);
}

function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 64) return BigInt(value).toString();
  const [mantissa = "", exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 21) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

const isLetter = (character: string): boolean => /\p{L}/u.test(character);
const isDigit = (character: string): boolean => /\p{Nd}/u.test(character);

/** The order of keys: letters by code, other characters before letters, runs of digits by their number. */
export function compareYamlKeys(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [l = "", r = ""] = [left[at], right[at]];
    if (l === r) continue;
    const [leftLetter, rightLetter] = [isLetter(l), isLetter(r)];
    if (leftLetter && rightLetter) return l < r ? -1 : 1;
    if (leftLetter || rightLetter) return rightLetter ? -1 : 1;
    let [leftNumber, rightNumber] = [0n, 0n];
    if (l === "0" || r === "0") {
      for (let before = at - 1; before >= 0 && isDigit(left[before] ?? ""); before--) {
        if (left[before] !== "0") {
          [leftNumber, rightNumber] = [1n, 1n];
          break;
        }
      }
    }
    let [leftEnd, rightEnd] = [at, at];
    for (; leftEnd < left.length && isDigit(left[leftEnd] ?? ""); leftEnd++) leftNumber = leftNumber * 10n + BigInt((left[leftEnd]?.codePointAt(0) ?? 48) - 48);
    for (; rightEnd < right.length && isDigit(right[rightEnd] ?? ""); rightEnd++) rightNumber = rightNumber * 10n + BigInt((right[rightEnd]?.codePointAt(0) ?? 48) - 48);
    if (leftNumber !== rightNumber) return leftNumber < rightNumber ? -1 : 1;
    if (leftEnd !== rightEnd) return leftEnd - rightEnd;
    return l < r ? -1 : 1;
  }
  return left.length - right.length;
}

/** A value behind "key:" or "-" (which end before `column`): on the same line, or on lines of its own. */
function writeValue(value: unknown, indent: string, inList: boolean, column: number): string {
  if (value === null || value === undefined) return " null\n";
  if (typeof value === "string") return ` ${scalarText(value, { indent: `${indent}  `, column: column + 1, key: false })}\n`;
  if (typeof value === "number") return ` ${numberText(value)}\n`;
  if (typeof value !== "object") return ` ${JSON.stringify(value)}\n`;
  if (Array.isArray(value)) {
    if (value.length === 0) return " []\n";
    // A list in a map is not indented, a list in a list starts on the line of its dash.
    return inList ? ` ${writeList(value, `${indent}  `).slice(indent.length + 2)}` : `\n${writeList(value, indent)}`;
  }
  if (Object.keys(value).length === 0) return " {}\n";
  return inList ? ` ${writeMap(value, `${indent}  `).slice(indent.length + 2)}` : `\n${writeMap(value, `${indent}  `)}`;
}

const writeList = (list: readonly unknown[], indent: string): string => list.map((item) => `${indent}-${writeValue(item, indent, true, indent.length + 1)}`).join("");

function writeMap(map: object, indent: string): string {
  return Object.entries(map as Readonly<Record<string, unknown>>).filter(([, value]) => value !== undefined).toSorted(([a], [b]) => compareYamlKeys(a, b)).map(([key, value]) => {
    const text = scalarText(key, { indent, column: indent.length, key: true });
    if (utf8Length(key) <= simpleKeyMax) return `${indent}${text}:${writeValue(value, indent, false, indent.length + text.length + 1)}`;
    return `${indent}? ${scalarText(key, { indent: `${indent}  `, column: indent.length + 2, key: false })}\n${indent}:${writeValue(value, indent, false, indent.length + 1)}`;
  }).join("");
}

/** Block style with sorted keys, as `kubectl get -o yaml` prints it; ends with a newline. */
export function formatYaml(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return value.length === 0 ? "[]\n" : writeList(value, "");
    return Object.keys(value).length === 0 ? "{}\n" : writeMap(value, "");
  }
  return writeValue(value, "", false, -1).slice(1);
}
