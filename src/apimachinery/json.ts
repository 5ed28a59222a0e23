/**
 * JSON as the API server reads it: bounded in depth, able to name duplicate fields, failing in the words of Go's decoder. Text that
 * needs none of this goes through the engine's own parser, which is many times quicker.
 */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

/** More nesting than this is refused. */
export const jsonDepthMax = 10_000;

/** A field that occurs again in an object; `position` is the number of different fields before it, which gives the order of complaints. */
export interface DuplicateField { readonly key: string; readonly position: number }
/** The objects of a document that have duplicate fields. */
export type DuplicateFields = ReadonlyMap<object, readonly DuplicateField[]>;
export interface JsonDocument {
  readonly value: unknown;
  readonly duplicates: DuplicateFields;
}

/** Throws `JsonError`. Of duplicate fields the last one counts. */
export function parseJson(text: string): unknown {
  if (mayBeTooDeep(text)) return new Parser(text, undefined).parse();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new Parser(text, undefined).parse();
  }
}

const noDuplicates: DuplicateFields = new Map();

/**
 * As `parseJson`, and finds duplicate fields. A text that says as many fields as its value has repeats none, so hardly any text is read by a parser
 * that knows where they are.
 */
export function parseJsonStrict(text: string): JsonDocument {
  if (!mayBeTooDeep(text)) {
    try {
      const value: unknown = JSON.parse(text);
      if (fieldsSaid(text) === fieldsOf(value)) return { value, duplicates: noDuplicates };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  const duplicates = new Map<object, DuplicateField[]>();
  return { value: new Parser(text, duplicates).parse(), duplicates };
}

/** How many fields a valid text says, repeated ones included: there is one colon outside of strings for each. */
function fieldsSaid(text: string): number {
  let fields = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x3a) fields++;
  }
  return fields;
}

/** How many fields the objects in a value have together. It has a list of its own for what is left to do, as deep as the value may be. */
function fieldsOf(value: unknown): number {
  let fields = 0;
  const left: object[] = typeof value === "object" && value !== null ? [value] : [];
  for (let next = left.pop(); next; next = left.pop()) {
    if (Array.isArray(next)) {
      for (const each of next as readonly unknown[]) if (typeof each === "object" && each !== null) left.push(each);
      continue;
    }
    const object = next as Readonly<Record<string, unknown>>;
    for (const key in object) {
      fields++;
      const each = object[key];
      if (typeof each === "object" && each !== null) left.push(each);
    }
  }
  return fields;
}

/** A text with fewer brackets than the depth that is allowed cannot be too deep; counting brackets does not need to know strings. */
function mayBeTooDeep(text: string): boolean {
  if (text.length <= jsonDepthMax) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x5b) {
      if (++depth > jsonDepthMax) return true;
    } else if ((code === 0x7d || code === 0x5d) && depth > 0) depth--;
    else if (code === 0x22) {
      at = endOfString(text, at);
      if (at < 0) return true;
    }
  }
  return false;
}

/** Position of the quote that ends the string which starts at `start`, or -1. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** One character as Go's decoder shows it: the first byte of its UTF-8, as if that were a character. */
function quoteCharacter(text: string, at: number): string {
  const [byte = 0] = new TextEncoder().encode(String.fromCodePoint(text.codePointAt(at) ?? 0));
  const character = String.fromCharCode(byte);
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  if (byte < 0x20 || byte === 0x7f) {
    const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\f": "\\f", "\b": "\\b", "\x07": "\\a" };
    return `'${named[character] ?? `\\x${byte.toString(16).padStart(2, "0")}`}'`;
  }
  return byte >= 0x80 && byte < 0xa1 ? `'\\u${byte.toString(16).padStart(4, "0")}'` : character === "\\" ? "'\\\\'" : `'${character}'`;
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

type Container =
  | { readonly kind: "array"; readonly value: unknown[] }
  | { readonly kind: "object"; readonly value: Record<string, unknown>; key: string; keys: number };

/** Sets a field even if it is called `__proto__`. */
function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

class Parser {
  readonly #text: string;
  readonly #duplicates: Map<object, DuplicateField[]> | undefined;
  #at = 0;

  constructor(text: string, duplicates: Map<object, DuplicateField[]> | undefined) {
    this.#text = text;
    this.#duplicates = duplicates;
  }

  /** Keeps its own stack, so that depth is bounded by `jsonDepthMax` and not by the engine's. */
  parse(): unknown {
    const stack: Container[] = [];
    for (;;) {
      let value: unknown;
      this.#space();
      const opening = this.#text.charCodeAt(this.#at);
      if (opening === 0x7b || opening === 0x5b) {
        this.#at++;
        if (stack.length >= jsonDepthMax) throw new JsonError("exceeded max depth");
        this.#space();
        const closed = this.#text.charCodeAt(this.#at) === (opening === 0x7b ? 0x7d : 0x5d);
        if (opening === 0x5b) {
          if (!closed) {
            stack.push({ kind: "array", value: [] });
            continue;
          }
          value = [];
        } else {
          const object: Record<string, unknown> = {};
          if (!closed) {
            const container = { kind: "object" as const, value: object, key: "", keys: 0 };
            stack.push(container);
            this.#key(container);
            continue;
          }
          value = object;
        }
        this.#at++;
      } else value = this.#scalar();

      // The value is complete: put it where it belongs, and close what ends with it.
      for (;;) {
        const container = stack.at(-1);
        this.#space();
        if (!container) {
          if (this.#at < this.#text.length) this.#fail("after top-level value");
          return value;
        }
        if (container.kind === "array") container.value.push(value);
        else setField(container.value, container.key, value);
        const next = this.#text.charCodeAt(this.#at);
        if (next === 0x2c) {
          this.#at++;
          if (container.kind === "object") {
            this.#space();
            this.#key(container);
          }
          break;
        }
        if (next !== (container.kind === "array" ? 0x5d : 0x7d)) this.#fail(container.kind === "array" ? "after array element" : "after object key:value pair");
        this.#at++;
        value = container.value;
        stack.pop();
      }
    }
  }

  #key(container: Extract<Container, { kind: "object" }>): void {
    if (this.#text.charCodeAt(this.#at) !== 0x22) this.#fail("looking for beginning of object key string");
    const key = this.#string();
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== 0x3a) this.#fail("after object key");
    this.#at++;
    container.key = key;
    if (this.#duplicates && Object.hasOwn(container.value, key)) {
      const known = this.#duplicates.get(container.value);
      const duplicate = { key, position: container.keys };
      if (known) known.push(duplicate);
      else this.#duplicates.set(container.value, [duplicate]);
    } else container.keys++;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #scalar(): unknown {
    const character = this.#text.charAt(this.#at);
    if (character === '"') return this.#string();
    if (character === "t") return this.#literal("true", true);
    if (character === "f") return this.#literal("false", false);
    if (character === "n") return this.#literal("null", null);
    if (character === "-" || (character >= "0" && character <= "9")) return this.#number();
    return this.#fail("looking for beginning of value");
  }

  #literal<T>(word: string, value: T): T {
    for (let index = 0; index < word.length; index++, this.#at++) {
      if (this.#text.charAt(this.#at) !== word.charAt(index)) this.#fail(`in literal ${word} (expecting '${word.charAt(index)}')`);
    }
    return value;
  }

  #number(): number {
    const start = this.#at;
    const digits = (context: string): void => {
      if (!isDigit(this.#text.charCodeAt(this.#at))) this.#fail(context);
      while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    };
    if (this.#text.charAt(this.#at) === "-") this.#at++;
    if (this.#text.charAt(this.#at) === "0") this.#at++;
    else digits("in numeric literal");
    if (this.#text.charAt(this.#at) === ".") {
      this.#at++;
      digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.#text.charAt(this.#at))) {
      this.#at++;
      if (/[+-]/.test(this.#text.charAt(this.#at))) this.#at++;
      digits("in exponent of numeric literal");
    }
    return Number(this.#text.slice(start, this.#at));
  }

  #string(): string {
    let result = "";
    this.#at++;
    for (let start = this.#at; ;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        result += this.#text.slice(start, this.#at);
        this.#at++;
        return result;
      }
      if (Number.isNaN(code) || code < 0x20) this.#fail("in string literal");
      if (code !== 0x5c) {
        this.#at++;
        continue;
      }
      result += this.#text.slice(start, this.#at);
      this.#at++;
      const escape = this.#text.charAt(this.#at);
      if (escape === "u") {
        this.#at++;
        const hexStart = this.#at;
        for (; this.#at < hexStart + 4; this.#at++) if (!/[0-9a-fA-F]/.test(this.#text.charAt(this.#at))) this.#fail("in \\u hexadecimal character escape");
        result += String.fromCharCode(Number.parseInt(this.#text.slice(hexStart, this.#at), 16));
      } else {
        const plain = escapes[escape];
        if (plain === undefined) this.#fail("in string escape code");
        result += plain;
        this.#at++;
      }
      start = this.#at;
    }
  }

  #fail(context: string): never {
    throw new JsonError(this.#at >= this.#text.length ? "unexpected end of JSON input" : `invalid character ${quoteCharacter(this.#text, this.#at)} ${context}`);
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
