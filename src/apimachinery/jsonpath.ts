import { goJson } from "./go-json.ts";
import { goText, goTypeText } from "./go-text.ts";

/**
 * kubectl's JSONPath templates: `{range .items[*]}{.metadata.name}{"\n"}{end}`. Text outside of braces is copied; inside there are fields,
 * indices, slices, wildcards, unions, filters, recursive descent and texts.
 * Source: "JSONPath Support" of kubectl's documentation.
 */
export class JsonPathError extends Error {
  override readonly name = "JsonPathError";
}

interface Bound { readonly value: number; readonly known: boolean; readonly derived?: boolean }
type Step =
  | { readonly is: "constant"; readonly value: string | number | boolean }
  | { readonly is: "field"; readonly name: string }
  | { readonly is: "slice"; readonly from: Bound; readonly to: Bound; readonly step: Bound }
  | { readonly is: "filter"; readonly left: readonly Step[]; readonly operator: string; readonly right: readonly Step[] }
  | { readonly is: "union"; readonly of: readonly (readonly Step[])[] }
  | { readonly is: "wildcard" } | { readonly is: "recursive" }
  | { readonly is: "identifier"; readonly name: string };

/** What stands in a template: text, an action, or a range with what is repeated. */
type Part =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "action"; readonly steps: readonly Step[] }
  | { readonly is: "range"; readonly steps: readonly Step[]; readonly body: readonly Part[] };

const isTerminator = (character: string): boolean => character === "" || " \t\r\n.,[]$@{}".includes(character);
const quoted = (text: string): string => `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${text}'`;

const simpleEscapes: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "\\": "\\", "'": "'", '"': '"' };

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs, (whole, x?: string, u?: string, U?: string, octal?: string, simple?: string) => {
    const hex = x ?? u ?? U;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    const plain = simpleEscapes[simple ?? ""];
    if (plain === undefined) throw new JsonPathError(`unquote string ${text} error invalid syntax`);
    return plain || whole;
  });
}

/** Reads the inside of one pair of braces. */
class ActionParser {
  readonly #text: string;
  #at = 0;
  readonly steps: Step[] = [];

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get end(): number {
    return this.#at;
  }

  parse(): Step[] {
    for (;;) {
      const text = this.#text;
      if (text.startsWith("[?(", this.#at)) {
        this.#filter();
        continue;
      }
      if (text.startsWith("..", this.#at)) {
        if (this.steps.at(-1)?.is === "recursive") throw new JsonPathError("invalid multiple recursive descent");
        this.#at += 2;
        this.steps.push({ is: "recursive" });
        if (/[\p{L}\p{Nd}_]/u.test(text.charAt(this.#at))) this.#field();
        continue;
      }
      const character = text.charAt(this.#at);
      if (character === "" || character === "\n" || character === "\r") throw new JsonPathError("unclosed action");
      if (character === "}") {
        this.#at++;
        return this.steps;
      }
      if (character === " " || character === "@" || character === "$") this.#at++;
      else if (character === "[") this.#array();
      else if (character === '"' || character === "'") this.#quote(character);
      else if (character === ".") {
        this.#at++;
        this.#field();
      } else if (/[-+0-9]/.test(character)) this.#number();
      else if (/[\p{L}_]/u.test(character)) this.#identifier();
      else throw new JsonPathError(`unrecognized character in action: ${quoted(character)}`);
    }
  }

  #identifier(): void {
    const start = this.#at;
    while (!isTerminator(this.#text.charAt(this.#at))) this.#at++;
    const name = this.#text.slice(start, this.#at);
    this.steps.push(name === "true" || name === "false" ? { is: "constant", value: name === "true" } : { is: "identifier", name });
  }

  #number(): void {
    const start = this.#at++;
    while (/[.0-9]/.test(this.#text.charAt(this.#at))) this.#at++;
    const text = this.#text.slice(start, this.#at);
    const value = Number(text);
    if (Number.isNaN(value)) throw new JsonPathError(`cannot parse number ${text}`);
    this.steps.push({ is: "constant", value });
  }

  #field(): void {
    const start = this.#at;
    while (!isTerminator(this.#text.charAt(this.#at))) this.#at += this.#text.charAt(this.#at) === "\\" ? 2 : 1;
    const name = this.#text.slice(start, this.#at);
    this.steps.push(name === "*" ? { is: "wildcard" } : { is: "field", name: name.replaceAll("\\", "") });
  }

  #quote(mark: string): void {
    const start = this.#at++;
    for (;;) {
      const character = this.#text.charAt(this.#at++);
      if (character === "" || character === "\n") throw new JsonPathError("unterminated quoted string");
      if (character === mark && this.#text.charAt(this.#at - 2) !== "\\") break;
    }
    this.steps.push({ is: "constant", value: unquote(this.#text.slice(start, this.#at)) });
  }

  #array(): void {
    const close = /[\]\n]/g;
    close.lastIndex = this.#at;
    const found = close.exec(this.#text);
    if (found?.[0] !== "]") throw new JsonPathError("unterminated array");
    const inner = this.#text.slice(this.#at + 1, found.index);
    this.#at = found.index + 1;
    const text = inner === "*" ? ":" : inner;
    const alternatives = text.split(",");
    if (alternatives.length > 1) {
      this.steps.push({ is: "union", of: alternatives.map((each) => parseAction(`[${each.replace(/^ +| +$/g, "")}]`)) });
      return;
    }
    const key = /^'([^']*)'$/.exec(text);
    if (key) {
      this.steps.push(...parseAction(`.${key[1] ?? ""}`));
      return;
    }
    const slice = /^(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?$/.exec(text);
    if (!slice) throw new JsonPathError(`invalid array index ${text}`);
    const [from, to, step] = [slice[1] ?? "", slice[2], slice[3]];
    const bound = (digits: string | undefined): Bound => {
      if (digits === undefined || digits === "") return { value: 0, known: false };
      if (digits === "-") throw new JsonPathError("array index - is not a number");
      return { value: Number(digits), known: true };
    };
    const first = bound(from);
    const last: Bound = to === undefined || to === "" ? { value: first.value + 1, known: true, derived: true } : bound(to.slice(1));
    this.steps.push({ is: "slice", from: first, to: last, step: bound(step?.slice(1)) });
  }

  #filter(): void {
    this.#at += 3;
    const start = this.#at;
    let [begun, ended, pair] = [false, false, ""];
    for (;;) {
      const character = this.#text.charAt(this.#at++);
      if (character === "" || character === "\n") throw new JsonPathError("unterminated filter");
      if (character === '"' || character === "'") {
        if (!begun) [begun, pair] = [true, character];
        else if (this.#text.charAt(this.#at - 2) !== "\\" && character === pair) ended = true;
      } else if (character === ")" && begun === ended) break;
    }
    const text = this.#text.slice(start, this.#at - 1);
    if (this.#text.charAt(this.#at++) !== "]") throw new JsonPathError("unclosed array expect ]");
    const comparison = /^([^!<>=]+)([!<>=]+)(.+?)$/s.exec(text);
    if (!comparison) this.steps.push({ is: "filter", left: parseAction(text), operator: "exists", right: [] });
    else this.steps.push({ is: "filter", left: parseAction(comparison[1] ?? ""), operator: comparison[2] ?? "", right: parseAction(comparison[3] ?? "") });
  }
}

const parseAction = (text: string): Step[] => new ActionParser(`${text}}`, 0).parse();

function parseParts(template: string): Part[] {
  const flat: Part[] = [];
  for (let at = 0; at < template.length;) {
    const open = template.indexOf("{", at);
    if (open < 0) {
      flat.push({ is: "text", text: template.slice(at) });
      break;
    }
    if (open > at) flat.push({ is: "text", text: template.slice(at, open) });
    const action = new ActionParser(template, open + 1);
    flat.push({ is: "action", steps: action.parse() });
    at = action.end;
  }
  return nest(flat);
}

const startsWith = (part: Part, name: string): boolean => part.is === "action" && part.steps.some((step) => step.is === "identifier" && step.name === name);

/** Puts what stands between range and end into the range; an end may be missing. */
function nest(flat: readonly Part[]): Part[] {
  const stack: { readonly steps: readonly Step[]; readonly body: Part[] }[] = [{ steps: [], body: [] }];
  const close = (): void => {
    const range = stack.pop();
    if (range) stack.at(-1)?.body.push({ is: "range", steps: range.steps, body: range.body });
  };
  for (const part of flat) {
    if (startsWith(part, "range") && part.is === "action") stack.push({ steps: part.steps.filter((step) => !(step.is === "identifier" && step.name === "range")), body: [] });
    else if (startsWith(part, "end")) {
      if (stack.length === 1) throw new JsonPathError("not in range, nothing to end");
      close();
    } else stack.at(-1)?.body.push(part);
  }
  while (stack.length > 1) close();
  return stack[0]?.body ?? [];
}

export interface JsonPathOptions {
  /** A field that is absent gives nothing, instead of an error. */
  readonly allowMissingKeys?: boolean;
}

type Json = unknown;
const isMap = (value: Json): value is Readonly<Record<string, Json>> => typeof value === "object" && value !== null && !Array.isArray(value);

function childrenOf(value: Json): Json[] {
  if (typeof value === "string") return Array.from(value).map((character) => character.codePointAt(0));
  if (Array.isArray(value)) return value as Json[];
  return isMap(value) ? Object.values(value) : [];
}

function descend(values: readonly Json[]): Json[] {
  return values.flatMap((value) => {
    const children = typeof value === "object" && value !== null ? childrenOf(value) : [];
    return children.length === 0 ? [] : [value, ...descend(children)];
  });
}

function sliceOf(value: Json, { from, to, step }: Extract<Step, { is: "slice" }>): Json[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new JsonPathError(`${goTypeText(value)} is not array or slice`);
  const { length } = value;
  const first = (from.known ? from.value : 0) + (from.known && from.value < 0 ? length : 0);
  let last = to.known ? to.value : length;
  if (last < 0 || (last === 0 && to.derived)) last += length;
  if (first === last) return [];
  if (first >= length || first < 0) throw new JsonPathError(`array index out of bounds: index ${first}, length ${length}`);
  if (last > length || last < 0) throw new JsonPathError(`array index out of bounds: index ${last - 1}, length ${length}`);
  if (first > last) throw new JsonPathError(`starting index ${first} is greater than ending index ${last}`);
  if (step.known && step.value <= 0) throw new JsonPathError("step must be > 0");
  const width = step.known ? step.value : 1;
  return (value as Json[]).slice(first, last).filter((_, index) => index % width === 0);
}

function compare(left: Json, operator: string, right: Json): boolean {
  if (!["<", ">", "==", "!=", "<=", ">="].includes(operator)) throw new JsonPathError(`unrecognized filter operator ${operator}`);
  if (typeof left !== typeof right) throw new JsonPathError("incompatible types for comparison");
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if ((typeof left !== "number" && typeof left !== "string") || (typeof right !== "number" && typeof right !== "string")) throw new JsonPathError("invalid type for comparison");
  if (operator === "<") return left < right;
  if (operator === ">") return left > right;
  return operator === "<=" ? left <= right : left >= right;
}

class Evaluator {
  readonly #allowMissingKeys: boolean;

  constructor({ allowMissingKeys = false }: JsonPathOptions) {
    this.#allowMissingKeys = allowMissingKeys;
  }

  steps(values: readonly Json[], steps: readonly Step[]): Json[] {
    let current = [...values];
    for (const step of steps) current = this.#step(current, step);
    return current;
  }

  #step(values: readonly Json[], step: Step): Json[] {
    switch (step.is) {
      case "constant": return typeof step.value === "string" ? [step.value] : values.map(() => step.value);
      case "field": return this.#field(values, step.name);
      case "slice": return values.flatMap((value) => sliceOf(value, step));
      case "wildcard": return values.flatMap(childrenOf);
      case "recursive": return descend(values);
      case "union": return step.of.flatMap((each) => this.steps(values, each));
      case "filter": return values.flatMap((value) => this.#filter(value, step));
      case "identifier": throw new JsonPathError(`unrecognized identifier ${step.name}`);
    }
  }

  #field(values: readonly Json[], name: string): Json[] {
    if (values.length === 0) return [];
    const found = values.flatMap((value) => (isMap(value) && Object.hasOwn(value, name) && value[name] !== undefined ? [value[name]] : []));
    if (found.length === 0 && !this.#allowMissingKeys) throw new JsonPathError(`${name} is not found`);
    return found;
  }

  #filter(value: Json, { left, operator, right }: Extract<Step, { is: "filter" }>): Json[] {
    if (!Array.isArray(value)) throw new JsonPathError(`${goText(value)} is not array or slice and cannot be filtered`);
    return (value as Json[]).filter((item) => {
      if (operator === "exists") {
        try {
          return this.steps([item], left).length > 0;
        } catch (error) {
          if (error instanceof JsonPathError) return false;
          throw error;
        }
      }
      const one = (results: readonly Json[]): readonly Json[] => {
        if (results.length > 1) throw new JsonPathError("can only compare one element at a time");
        return results;
      };
      const lefts = one(this.steps([item], left));
      if (lefts.length === 0) return false;
      const rights = one(this.steps([item], right));
      return rights.length > 0 && compare(lefts[0], operator, rights[0]);
    });
  }

  parts(data: Json, parts: readonly Part[]): Json[][] {
    return parts.flatMap((part) => {
      if (part.is === "text") return [[part.text]];
      if (part.is === "action") return [this.steps([data], part.steps)];
      return this.steps([data], part.steps).flatMap((each) => this.parts(each, part.body));
    });
  }
}

const textOf = (value: Json): string => (value === null || value === undefined ? "null" : typeof value === "object" ? goJson(value) : goText(value));

export interface JsonPath {
  /** The values that each part of the template gives. Throws `JsonPathError`. */
  find(data: unknown): unknown[][];
  /** The text that the template makes of the data. Throws `JsonPathError`. */
  format(data: unknown): string;
}

/** Throws `JsonPathError` for a template that is wrong. */
export function parseJsonPath(template: string, options: JsonPathOptions = {}): JsonPath {
  const parts = parseParts(template);
  const evaluator = new Evaluator(options);
  return {
    find: (data) => evaluator.parts(data, parts),
    format: (data) => evaluator.parts(data, parts).map((results) => results.map(textOf).join(" ")).join(""),
  };
}

/** What custom columns and `--sort-by` accept: `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}`. */
export function relaxedJsonPath(expression: string): string {
  if (expression === "") return expression;
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(expression);
  if (!match) throw new JsonPathError("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'");
  return `{.${match[1] ?? match[2] ?? ""}}`;
}
