import { goJson, goText } from "./go-values.ts";

/** Kubernetes' own JSONPath: a template of text and `{…}` with fields, subscripts, filters, unions and `range … end`. */
type Node =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "value"; readonly value: number | boolean }
  | { readonly is: "list"; readonly nodes: readonly Node[] }
  | { readonly is: "field"; readonly name: string }
  | { readonly is: "wildcard" | "recursive" }
  | { readonly is: "identifier"; readonly name: string }
  | { readonly is: "slice"; readonly from: number | undefined; readonly to: number | undefined; readonly step: number | undefined; readonly derived: boolean }
  | { readonly is: "union"; readonly lists: readonly (readonly Node[])[] }
  | { readonly is: "filter"; readonly left: readonly Node[]; readonly operator: string; readonly right: readonly Node[] };

export class JsonPathError extends Error {}

const templateCharactersMax = 65_536;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    if (text.length > templateCharactersMax) throw new JsonPathError("template is too long");
    this.#text = text;
  }

  template(): Node[] {
    const nodes: Node[] = [];
    while (this.#at < this.#text.length) {
      const open = this.#text.indexOf("{", this.#at);
      const text = this.#text.slice(this.#at, open < 0 ? undefined : open);
      if (text !== "") nodes.push({ is: "text", text });
      if (open < 0) break;
      this.#at = open + 1;
      nodes.push({ is: "list", nodes: this.#action("}") });
    }
    return nodes;
  }

  /** Nodes up to the closing character, which is taken. */
  #action(close: string): Node[] {
    const nodes: Node[] = [];
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character === "\n") throw new JsonPathError("unclosed action");
      if (character === close) {
        this.#at++;
        return nodes;
      }
      nodes.push(...this.#one(character));
    }
  }

  #one(character: string): Node[] {
    const rest = this.#text.slice(this.#at);
    if (/\s/.test(character)) {
      this.#at++;
      return [];
    }
    if (character === "'" || character === '"') return [{ is: "text", text: this.#quote(character) }];
    if (character === "[") return this.#bracket();
    if (character === "@" || character === "$") {
      this.#at++;
      return [];
    }
    if (character === "*") {
      this.#at++;
      return [{ is: "wildcard" }];
    }
    if (rest.startsWith("..")) {
      this.#at += 2;
      const next = this.#text[this.#at];
      return [{ is: "recursive" }, ...(next !== undefined && /[\p{L}\p{N}_\\-]/u.test(next) ? [this.#field()] : [])];
    }
    if (character === ".") {
      this.#at++;
      const next = this.#text[this.#at];
      if (next === "[" || next === "*" || next === "}" || next === undefined || /\s/.test(next)) return [];
      return [this.#field()];
    }
    const number = /^[+-]?\d+(\.\d*)?/.exec(rest)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      return [{ is: "value", value: Number(number) }];
    }
    const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
    if (word === undefined) throw new JsonPathError(`unrecognized character in action: U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${character}'`);
    this.#at += word.length;
    return [word === "true" || word === "false" ? { is: "value", value: word === "true" } : { is: "identifier", name: word }];
  }

  #field(): Node {
    let name = "";
    for (let character = this.#text[this.#at]; character !== undefined && !/[\s.[\]$@{}]/.test(character) && !"\"'()=<>!,".includes(character); character = this.#text[this.#at]) {
      if (character === "\\") this.#at++;
      name += this.#text[this.#at] ?? "";
      this.#at++;
    }
    return name === "*" ? { is: "wildcard" } : { is: "field", name };
  }

  #quote(mark: string): string {
    let text = "";
    for (this.#at++; ; this.#at++) {
      const character = this.#text[this.#at];
      if (character === undefined || character === "\n") throw new JsonPathError("unterminated quoted string");
      if (character === mark) break;
      if (character !== "\\") text += character;
      else {
        const escape = this.#text[++this.#at] ?? "";
        text += ({ n: "\n", t: "\t", r: "\r" } as Readonly<Record<string, string>>)[escape] ?? escape;
      }
    }
    this.#at++;
    return text;
  }

  /** The text between brackets, with quotes and brackets inside of it. */
  #inside(): string {
    let [depth, quote] = [0, ""];
    for (let index = this.#at; index < this.#text.length; index++) {
      const character = this.#text[index] ?? "";
      if (quote !== "") {
        if (character === "\\") index++;
        else if (character === quote) quote = "";
      } else if (character === "'" || character === '"') quote = character;
      else if (character === "[") depth++;
      else if (character === "]" && --depth === 0) {
        const inside = this.#text.slice(this.#at + 1, index);
        this.#at = index + 1;
        return inside;
      }
    }
    throw new JsonPathError("unterminated array");
  }

  #bracket(): Node[] {
    const inside = this.#inside().trim();
    const filter = /^\?\((.*)\)$/s.exec(inside);
    if (filter) return [this.#filter(filter[1] ?? "")];
    const parts = splitOutside(inside, ",");
    if (parts.length > 1) return [{ is: "union", lists: parts.map((part) => new Parser(`[${part}]]`).#bracket()) }];
    const quoted = /^(['"])(.*)\1$/s.exec(inside);
    if (quoted) return [{ is: "field", name: new Parser(inside).#quote(quoted[1] ?? "'") }];
    if (inside === "*") return [{ is: "slice", from: undefined, to: undefined, step: undefined, derived: false }];
    const slice = /^(-?\d*)(:(-?\d*))?(:(-?\d*))?$/.exec(inside);
    if (!slice) throw new JsonPathError(`invalid array index ${inside}`);
    const number = (text: string | undefined): number | undefined => (text === undefined || text === "" ? undefined : Number(text));
    const from = number(slice[1]);
    if (slice[2] === undefined) return [{ is: "slice", from, to: (from ?? 0) + 1, step: undefined, derived: true }];
    return [{ is: "slice", from, to: number(slice[3]), step: number(slice[5]), derived: false }];
  }

  #filter(inside: string): Node {
    const operator = /==|!=|<=|>=|<|>/.exec(inside.replaceAll(/'[^']*'|"[^"]*"/g, (quoted) => "_".repeat(quoted.length)));
    const parse = (text: string): Node[] => new Parser(`${text}}`).#action("}");
    if (!operator) return { is: "filter", left: parse(inside), operator: "exists", right: [] };
    return { is: "filter", left: parse(inside.slice(0, operator.index)), operator: operator[0], right: parse(inside.slice(operator.index + operator[0].length)) };
  }
}

function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let [start, quote] = [0, ""];
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim());
}

const childrenOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []);

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (typeof left !== typeof right) throw new JsonPathError("incompatible types for comparison");
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  const [a, b] = [left as number | string, right as number | string];
  return operator === "<" ? a < b : operator === ">" ? a > b : operator === "<=" ? a <= b : a >= b;
}

export interface JsonPathOptions {
  readonly allowMissingKeys?: boolean;
}

/** A parsed template. */
export class JsonPath {
  readonly #nodes: readonly Node[];
  readonly #allowMissingKeys: boolean;

  /** @throws {JsonPathError} */
  constructor(template: string, options: JsonPathOptions = {}) {
    this.#nodes = new Parser(template).template();
    this.#allowMissingKeys = options.allowMissingKeys ?? true;
  }

  /** The values found, one list per piece of the template. */
  find(data: unknown): readonly (readonly unknown[])[] {
    return this.#run(data, 0, this.#matching(0, this.#nodes.length));
  }

  print(data: unknown): string {
    return this.find(data).map((values) => values.map((value) => (typeof value === "object" && value !== null ? goJson(value) : value === null ? "null" : goText(value))).join(" ")).join("");
  }

  /** jsonpath-as-json: each list of values as a JSON array. */
  printJson(data: unknown): string {
    return this.find(data).map((values) => `${goJson(values, 4)}\n`).join("");
  }

  #word(index: number): string | undefined {
    const node = this.#nodes[index];
    const first = node?.is === "list" ? node.nodes[0] : undefined;
    return first?.is === "identifier" ? first.name : undefined;
  }

  /** Where the piece from `from` on ends: at the `end` of its own level, or at the end of the template. */
  #matching(from: number, to: number): number {
    let depth = 0;
    for (let index = from; index < to; index++) {
      const word = this.#word(index);
      if (word === "range") depth++;
      else if (word === "end" && depth-- === 0) return index;
    }
    return to;
  }

  #run(data: unknown, from: number, to: number): unknown[][] {
    const found: unknown[][] = [];
    for (let index = from; index < to; index++) {
      const node = this.#nodes[index];
      if (!node) break;
      if (this.#word(index) === "range" && node.is === "list") {
        const end = this.#matching(index + 1, this.#nodes.length);
        for (const value of this.#walkAll([data], node.nodes.slice(1))) found.push(...this.#run(value, index + 1, end));
        index = end;
      } else found.push(this.#walk([data], node));
    }
    if (to < this.#nodes.length && from === 0) throw new JsonPathError("not in range, nothing to end");
    return found;
  }

  #walkAll(values: readonly unknown[], nodes: readonly Node[]): unknown[] {
    return nodes.reduce<unknown[]>((current, node) => this.#walk(current, node), [...values]);
  }

  #walk(values: readonly unknown[], node: Node): unknown[] {
    switch (node.is) {
      case "text": return [node.text];
      case "value": return values.map(() => node.value);
      case "list": return this.#walkAll(values, node.nodes);
      case "wildcard": return values.flatMap(childrenOf);
      case "recursive": return values.flatMap((value) => recursive(value));
      case "identifier": throw new JsonPathError(`unrecognized identifier ${node.name}`);
      case "union": return node.lists.flatMap((list) => this.#walkAll(values, list));
      case "field": return this.#field(values, node.name);
      case "slice": return values.flatMap((value) => sliceOf(value, node));
      case "filter": return values.flatMap((value) => this.#filter(value, node));
    }
  }

  #field(values: readonly unknown[], name: string): unknown[] {
    if (values.length === 0) return [];
    const found = values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));
    if (found.length === 0 && !this.#allowMissingKeys) throw new JsonPathError(`${name} is not found`);
    return found;
  }

  #filter(value: unknown, { left, operator, right }: Extract<Node, { readonly is: "filter" }>): unknown[] {
    if (!Array.isArray(value)) throw new JsonPathError(`${goText(value)} is not array or slice and cannot be filtered`);
    return value.filter((each) => {
      const lefts = this.#existing(each, left, operator);
      if (operator === "exists") return lefts.length > 0;
      const rights = this.#walkAll([each], right);
      if (lefts.length === 0 || rights.length === 0) return false;
      if (lefts.length > 1 || rights.length > 1) throw new JsonPathError("can only compare one element at a time");
      return compare(operator, lefts[0], rights[0]);
    });
  }

  #existing(value: unknown, nodes: readonly Node[], operator: string): unknown[] {
    try {
      return this.#walkAll([value], nodes);
    } catch (error) {
      if (operator === "exists" && error instanceof JsonPathError) return [];
      throw error;
    }
  }
}

function recursive(value: unknown): unknown[] {
  const children = childrenOf(value);
  return children.length === 0 ? [] : [value, ...children.flatMap(recursive)];
}

function sliceOf(value: unknown, node: Extract<Node, { readonly is: "slice" }>): unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new JsonPathError(`${isObject(value) ? "map[string]interface {}" : typeof value === "string" ? "string" : typeof value === "boolean" ? "bool" : "int64"} is not array or slice`);
  const { length } = value;
  const from = (node.from ?? 0) < 0 ? (node.from ?? 0) + length : (node.from ?? 0);
  let to = node.to ?? length;
  if (to < 0 || (to === 0 && node.derived)) to += length;
  if (from === to) return [];
  if (from >= length || from < 0) throw new JsonPathError(`array index out of bounds: index ${from}, length ${length}`);
  if (to > length || to < 0) throw new JsonPathError(`array index out of bounds: index ${to - 1}, length ${length}`);
  if (from > to) throw new JsonPathError(`starting index ${from} is greater than ending index ${to}`);
  if (node.step !== undefined && node.step <= 0) throw new JsonPathError("step must be > 0");
  return value.slice(from, to).filter((_, index) => index % (node.step ?? 1) === 0);
}

/** "name", ".name", "{name}" and "{.name}" all mean "{.name}". */
export function relaxedPath(path: string): string {
  if (path === "") return path;
  const match = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(path);
  if (!match) throw new Error("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'");
  return `{.${match[1] ?? match[2] ?? ""}}`;
}
