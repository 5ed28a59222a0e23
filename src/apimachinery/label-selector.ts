import { fieldErrorText, invalid, notSupported, type FieldError } from "./field-error.ts";
import { badRequest } from "./status-error.ts";
import { labelKeyErrors, labelValueErrors } from "./validation.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** All requirements must hold. Without any, everything matches; `nothing` matches no object at all. */
export interface LabelMatcher {
  readonly requirements: readonly LabelRequirement[];
  readonly nothing?: true;
}

/** The selector as it stands in objects (`spec.selector`). */
export interface LabelSelectorObject {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

export const everything: LabelMatcher = { requirements: [] };
export const nothing: LabelMatcher = { requirements: [], nothing: true };

const int64 = /^[+-]?[0-9]+$/;

function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=": case "==": case "in": return value !== undefined && values.includes(value);
    case "!=": case "notin": return value === undefined || !values.includes(value);
    case "exists": return value !== undefined;
    case "!": return value === undefined;
    case "gt": case "lt": {
      const [bound] = values;
      if (value === undefined || bound === undefined || !int64.test(value) || !int64.test(bound)) return false;
      return operator === "gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
  }
}

export const matchesLabels = (matcher: LabelMatcher, labels: Labels = {}): boolean =>
  matcher.nothing !== true && matcher.requirements.every((requirement) => matchesRequirement(requirement, labels));

const operatorText: Readonly<Record<LabelOperator, string>> = { "=": "=", "==": "==", "!=": "!=", in: " in ", notin: " notin ", gt: ">", lt: "<", exists: "", "!": "" };

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  if (operator === "exists") return key;
  if (operator === "!") return `!${key}`;
  const text = values.toSorted().join(",");
  return `${key}${operatorText[operator]}${operator === "in" || operator === "notin" ? `(${text})` : text}`;
}
export const formatLabelMatcher = ({ requirements }: LabelMatcher): string => requirements.map(formatRequirement).join(",");

/** The value that a label must have for the matcher to match, where there is just one. */
export function exactLabel({ requirements }: LabelMatcher, key: string): string | undefined {
  const first = requirements.find((requirement) => requirement.key === key);
  return first && ["=", "==", "in"].includes(first.operator) && first.values.length === 1 ? first.values[0] : undefined;
}

const byKey = (a: LabelRequirement, b: LabelRequirement): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
const parseFailed = (message: string) => badRequest(message);

/** Throws when key, operator and values do not fit; `path` leads the error's field. */
export function labelRequirement(key: string, operator: string, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = [];
  const keyErrors = labelKeyErrors(key);
  if (keyErrors.length > 0) errors.push(invalid("key", key, keyErrors.join("; ")));
  switch (operator) {
    case "in": case "notin":
      if (values.length === 0) errors.push(invalid("values", values, "for 'in', 'notin' operators, values set can't be empty"));
      break;
    case "=": case "==": case "!=":
      if (values.length !== 1) errors.push(invalid("values", values, "exact-match compatibility requires one single value"));
      break;
    case "exists": case "!":
      if (values.length > 0) errors.push(invalid("values", values, "values set must be empty for exists and does not exist"));
      break;
    case "gt": case "lt":
      if (values.length !== 1) errors.push(invalid("values", values, "for 'Gt', 'Lt' operators, exactly one value is required"));
      for (const [index, value] of values.entries()) {
        if (!int64.test(value)) errors.push(invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"));
      }
      break;
    default:
      errors.push(notSupported("operator", operator, ["in", "notin", "=", "==", "!=", "gt", "lt", "exists", "!"]));
  }
  for (const [index, value] of values.entries()) {
    const valueErrors = labelValueErrors(value);
    if (valueErrors.length > 0) errors.push(invalid(`values[${index}][${key}]`, value, valueErrors.join("; ")));
  }
  if (errors.length > 0) throw parseFailed(errors.length === 1 ? errors.map(fieldErrorText).join("") : `[${errors.map(fieldErrorText).join(", ")}]`);
  return { key, operator: operator as LabelOperator, values };
}

const operatorOfObject: Readonly<Record<string, LabelOperator>> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

/** The matcher of a selector in an object: one that is absent matches nothing, an empty one everything. */
export function labelMatcherOf(selector: LabelSelectorObject | undefined | null): LabelMatcher {
  if (!selector) return nothing;
  const requirements = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => labelRequirement(key, "=", [value])),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
      const known = operatorOfObject[operator];
      if (known === undefined) throw parseFailed(`${JSON.stringify(operator)} is not a valid label selector operator`);
      return labelRequirement(key, known, values);
    }),
  ];
  return { requirements: requirements.toSorted(byKey) };
}

/** All of these labels with just these values, unchecked. Without labels it matches everything. */
export const matcherOfLabels = (labels: Labels = {}): LabelMatcher => ({
  requirements: Object.entries(labels).map(([key, value]) => ({ key, operator: "=" as const, values: [value] })).toSorted(byKey),
});

/** Both must match. */
export const bothMatch = (a: LabelMatcher, b: LabelMatcher): LabelMatcher =>
  a.nothing || b.nothing ? nothing : { requirements: [...a.requirements, ...b.requirements].toSorted(byKey) };

type Token = "end" | "error" | "identifier" | "in" | "notin" | ")" | "(" | "," | "!" | "==" | "=" | "!=" | ">" | "<";
interface Item { readonly token: Token; readonly text: string }

const symbols: ReadonlySet<string> = new Set([")", "(", ",", "!", "==", "=", "!=", ">", "<"]);
const isSpace = (character: string): boolean => character === " " || character === "\t" || character === "\r" || character === "\n";
const isSpecial = (character: string): boolean => "=!(),><".includes(character);

function scan(text: string): Item[] {
  const items: Item[] = [];
  for (let at = 0; ;) {
    while (at < text.length && isSpace(text.charAt(at))) at++;
    if (at >= text.length) return [...items, { token: "end", text: "" }];
    if (!isSpecial(text.charAt(at))) {
      const start = at;
      while (at < text.length && !isSpace(text.charAt(at)) && !isSpecial(text.charAt(at))) at++;
      const word = text.slice(start, at);
      items.push({ token: word === "in" || word === "notin" ? word : "identifier", text: word });
      continue;
    }
    // Special characters are taken as far as they make up the longest known symbol.
    const start = at;
    let found: string | undefined;
    while (at < text.length && isSpecial(text.charAt(at))) {
      const symbol = text.slice(start, at + 1);
      if (symbols.has(symbol)) found = symbol;
      else if (found !== undefined) break;
      at++;
    }
    items.push(found === undefined ? { token: "error", text: `error expected: keyword found '${text.slice(start, at)}'` } : { token: found as Token, text: found });
  }
}

const endItem: Item = { token: "end", text: "" };

class Parser {
  readonly #items: readonly Item[];
  #at = 0;

  constructor(text: string) {
    this.#items = scan(text);
  }

  /** Where values may stand, the words "in" and "notin" are values. */
  #peek(): Item {
    const item = this.#items[this.#at] ?? endItem;
    return item.token === "in" || item.token === "notin" ? { token: "identifier", text: item.text } : item;
  }

  #take(): Item {
    const item = this.#peek();
    this.#at++;
    return item;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { token, text } = this.#peek();
      if (token === "end") return requirements;
      if (token !== "identifier" && token !== "!") throw parseFailed(`found '${text}', expected: !, identifier, or 'end of string'`);
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        throw parseFailed(`unable to parse requirement: ${error instanceof Error ? error.message : String(error)}`);
      }
      const after = this.#take();
      if (after.token === "end") return requirements;
      if (after.token !== ",") throw parseFailed(`found '${after.text}', expected: ',' or 'end of string'`);
      const next = this.#peek();
      if (next.token !== "identifier" && next.token !== "!") throw parseFailed(`found '${next.text}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelRequirement {
    let item = this.#take();
    const absent = item.token === "!";
    if (absent) item = this.#take();
    if (item.token !== "identifier") throw parseFailed(`found '${item.text}', expected: identifier`);
    const key = item.text;
    const keyErrors = labelKeyErrors(key);
    if (keyErrors.length > 0) throw parseFailed(fieldErrorText(invalid("<nil>", key, keyErrors.join("; "))));
    const { token } = this.#peek();
    if (absent) return labelRequirement(key, "!", []);
    if (token === "end" || token === ",") return labelRequirement(key, "exists", []);
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#values() : [this.#exactValue()];
    return labelRequirement(key, operator, [...new Set(values)].toSorted());
  }

  #operator(): LabelOperator {
    const { token, text } = this.#items[this.#at++] ?? endItem;
    if (token === ">") return "gt";
    if (token === "<") return "lt";
    if (token === "in" || token === "notin" || token === "=" || token === "==" || token === "!=") return token;
    throw parseFailed(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  #exactValue(): string {
    const { token } = this.#peek();
    if (token === "end" || token === ",") return "";
    const item = this.#take();
    if (item.token === "identifier") return item.text;
    throw parseFailed(`found '${item.text}', expected: identifier`);
  }

  #values(): string[] {
    const open = this.#take();
    if (open.token !== "(") throw parseFailed(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.token === ")") {
      this.#take();
      return [""];
    }
    if (first.token !== "identifier" && first.token !== ",") throw parseFailed(`found '${first.text}', expected: ',', ')' or identifier`);
    const values: string[] = [];
    for (;;) {
      const item = this.#take();
      const next = this.#peek();
      if (item.token === "identifier") {
        values.push(item.text);
        if (next.token !== "," && next.token !== ")") throw parseFailed(`found '${next.text}', expected: ',' or ')'`);
      } else if (item.token === ",") {
        // "(,a)", "(a,)" and "(a,,b)" contain the empty value.
        if (values.length === 0 || next.token === ")" || next.token === ",") values.push("");
      } else throw parseFailed(`found '${item.text}', expected: ',', or identifier`);
      if (next.token === ")") {
        this.#take();
        return values;
      }
    }
  }
}

/** Parses what clients put into `labelSelector`: "app=web,tier in (a, b),!legacy,size>3". Throws BadRequest with upstream's text. */
export function parseLabelSelector(text: string): LabelMatcher {
  return { requirements: new Parser(text).parse().toSorted(byKey) };
}
