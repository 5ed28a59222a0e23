import { goJson } from "../../apimachinery/go-json.ts";
import { goText } from "../../apimachinery/go-text.ts";

/** Go's text/template, as far as it makes sense for objects from JSON: fields, variables, pipelines, range, if, with, and the usual functions. */
type Operand =
  | { readonly is: "value"; readonly value: unknown }
  | { readonly is: "field"; readonly names: readonly string[] }
  | { readonly is: "variable"; readonly name: string; readonly names: readonly string[] }
  | { readonly is: "function"; readonly name: string }
  | { readonly is: "pipeline"; readonly pipeline: Pipeline; readonly names: readonly string[] };
interface Pipeline {
  readonly declares: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}
type Node =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "print"; readonly pipeline: Pipeline }
  | { readonly is: "if" | "with" | "range"; readonly pipeline: Pipeline; readonly body: readonly Node[]; readonly otherwise: readonly Node[] };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
const isTrue = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : isObject(value) ? Object.keys(value).length > 0 : Boolean(value));
const stepsMax = 1_000_000;

function tokensOf(action: string): string[] {
  if (/[\w)]\(/.test(action.replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, ""))) throw new Error('template: output:1: unexpected "(" in operand');
  const tokens = action.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)*'|:=|\(|\)\.?[\w.-]*|\||,|=|\$[\w]*(?:\.[\w-]+)*|\.[\w-]+(?:\.[\w-]+)*|\.|-?\d+(?:\.\d+)?|[A-Za-z_]\w*|\S/g);
  return tokens ?? [];
}

class Parser {
  readonly #pieces: readonly { readonly text?: string; readonly action?: string }[];
  #at = 0;

  constructor(template: string) {
    const pieces: { text?: string; action?: string }[] = [];
    let trimNext = false;
    for (const part of template.split(/(\{\{-?(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?-?\}\})/)) {
      if (part.startsWith("{{") && part.endsWith("}}")) {
        const [trimLeft, trimRight] = [/^\{\{-\s/.test(part), /\s-\}\}$/.test(part)];
        const last = pieces.at(-1);
        if (trimLeft && last?.text !== undefined) last.text = last.text.trimEnd();
        const action = part.slice(trimLeft ? 3 : 2, trimRight ? -3 : -2).trim();
        if (!action.startsWith("/*")) pieces.push({ action });
        trimNext = trimRight;
      } else if (part !== "") {
        if (part.includes("{{")) throw new Error("template: output:1: unclosed action");
        pieces.push({ text: trimNext ? part.trimStart() : part });
        trimNext = false;
      }
    }
    this.#pieces = pieces;
  }

  parse(): readonly Node[] {
    const { nodes, ended } = this.#block();
    if (ended !== undefined) throw new Error(`template: output:1: unexpected {{${ended}}}`);
    return nodes;
  }

  #block(): { readonly nodes: readonly Node[]; readonly ended?: string } {
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++];
      if (piece?.text !== undefined) {
        nodes.push({ is: "text", text: piece.text });
        continue;
      }
      const action = piece?.action ?? "";
      const word = /^(if|with|range|else|end)\b/.exec(action)?.[1];
      if (word === "else" || word === "end") return { nodes, ended: action };
      if (word === "if" || word === "with" || word === "range") nodes.push(this.#branch(word, action.slice(word.length)));
      else nodes.push({ is: "print", pipeline: pipelineOf(tokensOf(action)) });
    }
    return { nodes };
  }

  #branch(is: "if" | "with" | "range", head: string): Node {
    const pipeline = pipelineOf(tokensOf(head));
    const { nodes: body, ended } = this.#block();
    if (ended === undefined) throw new Error("template: output:1: unexpected EOF");
    if (ended === "end") return { is, pipeline, body, otherwise: [] };
    const elseIf = /^else\s+(if|with)\b(.*)$/s.exec(ended);
    if (elseIf) return { is, pipeline, body, otherwise: [this.#branch(elseIf[1] as "if" | "with", elseIf[2] ?? "")] };
    const { nodes: otherwise, ended: last } = this.#block();
    if (last !== "end") throw new Error("template: output:1: unexpected EOF");
    return { is, pipeline, body, otherwise };
  }
}

function pipelineOf(tokens: readonly string[]): Pipeline {
  const equals = tokens.findIndex((token) => token === ":=" || token === "=");
  const declares = equals < 0 ? [] : tokens.slice(0, equals).filter((token) => token.startsWith("$"));
  const commands: Operand[][] = [[]];
  let index = equals + 1;
  for (; index < tokens.length; index++) {
    const token = tokens[index] ?? "";
    if (token === "|") commands.push([]);
    else if (token === "(") {
      let [depth, end] = [1, index + 1];
      for (; end < tokens.length && depth > 0; end++) depth += tokens[end] === "(" ? 1 : tokens[end]?.startsWith(")") === true ? -1 : 0;
      const close = tokens[end - 1] ?? ")";
      commands.at(-1)?.push({ is: "pipeline", pipeline: pipelineOf(tokens.slice(index + 1, end - 1)), names: close.slice(1).split(".").filter((name) => name !== "") });
      index = end - 1;
    } else commands.at(-1)?.push(operandOf(token));
  }
  return { declares, assigns: tokens[equals] === "=", commands };
}

function operandOf(token: string): Operand {
  if (token.startsWith("`")) return { is: "value", value: token.slice(1, -1) };
  if (token.startsWith('"')) return { is: "value", value: JSON.parse(token) as string };
  if (token.startsWith("$")) {
    const [name = "$", ...names] = token.split(".");
    return { is: "variable", name, names };
  }
  if (token.startsWith(".")) return { is: "field", names: token.split(".").filter((name) => name !== "") };
  if (/^-?\d/.test(token)) return { is: "value", value: Number(token) };
  if (token === "true" || token === "false") return { is: "value", value: token === "true" };
  if (token === "nil") return { is: "value", value: null };
  if (!/^[A-Za-z_]\w*$/.test(token)) throw new Error(`template: output:1: unexpected ${JSON.stringify(token)} in command`);
  if (!Object.hasOwn(functions, token)) throw new Error(`template: output:1: function ${JSON.stringify(token)} not defined`);
  return { is: "function", name: token };
}

const order = (a: unknown, b: unknown): number => ((a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0);
const sprint = (values: readonly unknown[]): string => values.map((value, index) => (index > 0 && typeof value !== "string" && typeof values[index - 1] !== "string" ? " " : "") + goText(value)).join("");

function printf(format: unknown, ...values: readonly unknown[]): string {
  let next = 0;
  return String(format).replace(/%(-?)(\d*)(?:\.(\d+))?([a-zA-Z%])/g, (_, minus: string, width: string, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    const value = values[next++];
    const text = verb === "q" ? JSON.stringify(String(value)) : verb === "f" ? Number(value).toFixed(precision === undefined ? 6 : Number(precision)) : verb === "x" ? Number(value).toString(16) : goText(value);
    return minus === "-" ? text.padEnd(Number(width)) : text.padStart(Number(width));
  });
}

function indexOf(value: unknown, ...keys: readonly unknown[]): unknown {
  return keys.reduce((current, key) => {
    if (Array.isArray(current)) {
      if (typeof key !== "number" || key < 0 || key >= current.length) throw new Error(`error calling index: reflect: slice index out of range`);
      return current[key] as unknown;
    }
    return isObject(current) ? current[String(key)] : undefined;
  }, value);
}

const functions: Readonly<Record<string, (...values: readonly unknown[]) => unknown>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (a, b) => a !== b, lt: (a, b) => order(a, b) < 0, le: (a, b) => order(a, b) <= 0, gt: (a, b) => order(a, b) > 0, ge: (a, b) => order(a, b) >= 0,
  len: (value) => (typeof value === "string" ? Buffer.byteLength(value) : Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0),
  index: indexOf,
  print: (...values) => sprint(values),
  println: (...values) => `${values.map(goText).join(" ")}\n`,
  printf,
  html: (...values) => sprint(values).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
  js: (...values) => JSON.stringify(sprint(values)).slice(1, -1),
  urlquery: (...values) => encodeURIComponent(sprint(values)),
  base64decode: (value) => Buffer.from(String(value), "base64").toString("utf8"),
  exists: (value, ...keys) => keys.reduce<unknown>((current, key) => (Array.isArray(current) ? (current as readonly unknown[])[Number(key)] : isObject(current) ? current[String(key)] : undefined), value) !== undefined,
  slice: (value, from = 0, to) => (typeof value === "string" || Array.isArray(value) ? value.slice(Number(from), to === undefined ? undefined : Number(to)) : undefined),
};

const missing = Symbol("missing");

export class GoTemplate {
  readonly #nodes: readonly Node[];
  readonly #template: string;
  readonly #allowMissingKeys: boolean;
  #steps = 0;

  constructor(template: string, options: { readonly allowMissingKeys: boolean }) {
    this.#template = template;
    this.#allowMissingKeys = options.allowMissingKeys;
    try {
      this.#nodes = new Parser(template).parse();
    } catch (error) {
      throw new Error(`error parsing template ${template}, ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  execute(data: unknown): string {
    this.#steps = 0;
    try {
      return this.#run(this.#nodes, data, new Map([["$", data]]));
    } catch (error) {
      const told = `Error executing template: template: output:1:2: executing "output" at <${this.#template}>: ${error instanceof Error ? error.message : String(error)}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${this.#template}\n\traw data was:\n\t\t${goJson(data)}\n\tobject given to template engine was:\n\t\t${goText(data)}\n\n`;
      throw new Error(`error executing template ${JSON.stringify(this.#template)}: ${told}`, { cause: error });
    }
  }

  #run(nodes: readonly Node[], dot: unknown, variables: Map<string, unknown>): string {
    let out = "";
    for (const node of nodes) {
      if (++this.#steps > stepsMax) throw new Error("the template runs too long");
      if (node.is === "text") out += node.text;
      else if (node.is === "print") {
        const value = this.#pipeline(node.pipeline, dot, variables);
        if (node.pipeline.declares.length === 0) out += value === missing || value === undefined || value === null ? "<no value>" : goText(value);
      } else if (node.is === "range") out += this.#range(node, dot, variables);
      else {
        const scope = new Map(variables);
        const value = this.#pipeline(node.pipeline, dot, scope);
        const chosen = value !== missing && isTrue(value);
        out += this.#run(chosen ? node.body : node.otherwise, chosen && node.is === "with" ? value : dot, scope);
        this.#copyBack(scope, variables);
      }
    }
    return out;
  }

  #copyBack(scope: ReadonlyMap<string, unknown>, variables: Map<string, unknown>): void {
    for (const name of variables.keys()) variables.set(name, scope.get(name));
  }

  #range(node: Extract<Node, { readonly is: "if" | "with" | "range" }>, dot: unknown, variables: Map<string, unknown>): string {
    const value = this.#pipeline({ ...node.pipeline, declares: [] }, dot, variables);
    const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(value) ? value.map((each, index) => [index, each] as const)
      : isObject(value) ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) : [];
    if (entries.length === 0) return this.#run(node.otherwise, dot, variables);
    const [first, second] = node.pipeline.declares;
    return entries.map(([key, each]) => {
      const scope = new Map(variables);
      if (first !== undefined) scope.set(first, second === undefined ? each : key);
      if (second !== undefined) scope.set(second, each);
      const out = this.#run(node.body, each, scope);
      this.#copyBack(scope, variables);
      return out;
    }).join("");
  }

  #pipeline({ declares, commands }: Pipeline, dot: unknown, variables: Map<string, unknown>): unknown {
    let value: unknown = missing;
    commands.forEach((command, index) => {
      value = this.#command(command, dot, variables, index === 0 ? [] : [value]);
    });
    for (const name of declares) variables.set(name, value === missing ? undefined : value);
    return value;
  }

  #command([head, ...rest]: readonly Operand[], dot: unknown, variables: Map<string, unknown>, last: readonly unknown[]): unknown {
    if (!head) throw new Error("missing value for command");
    if (head.is !== "function") return this.#operand(head, dot, variables);
    const values = [...rest.map((operand) => (operand.is === "function" ? functions[operand.name]?.() : this.#operand(operand, dot, variables))), ...last];
    return functions[head.name]?.(...values.map((value) => (value === missing ? undefined : value)));
  }

  #operand(operand: Operand, dot: unknown, variables: Map<string, unknown>): unknown {
    switch (operand.is) {
      case "value": return operand.value;
      case "field": return this.#fields(dot, operand.names);
      case "variable": return this.#fields(variables.get(operand.name), operand.names);
      case "pipeline": return this.#fields(this.#pipeline(operand.pipeline, dot, variables), operand.names);
      case "function": return functions[operand.name]?.();
    }
  }

  #fields(value: unknown, names: readonly string[]): unknown {
    let current = value;
    for (const name of names) {
      if (current === null || current === undefined || current === missing) {
        if (this.#allowMissingKeys) return missing;
        throw new Error(`nil pointer evaluating interface {}.${name}`);
      }
      if (!isObject(current)) throw new Error(`can't evaluate field ${name} in type interface {}`);
      if (!Object.hasOwn(current, name) && !this.#allowMissingKeys) throw new Error(`map has no entry for key ${JSON.stringify(name)}`);
      current = Object.hasOwn(current, name) ? current[name] : missing;
    }
    return current;
  }
}
