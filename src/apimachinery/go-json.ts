const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
const sorted = (value: Readonly<Record<string, unknown>>): [string, unknown][] => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

const htmlEscapes: Readonly<Record<string, string>> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };
const sortKeys = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(sortKeys) : isObject(value) ? Object.fromEntries(sorted(value).map(([key, each]) => [key, sortKeys(each)])) : value;

/** JSON as Go writes it: keys of maps in order, and <, > and & escaped. */
export const goJson = (value: unknown, indent?: number, options: { readonly keepOrder?: boolean } = {}): string =>
  indented(options.keepOrder === true ? value : sortKeys(value), indent).replace(/[<>&\u2028\u2029]/g, (character) => htmlEscapes[character] ?? character);

/** Integer-like keys come first in JavaScript objects whatever their order, so objects are written by hand. */
function indented(value: unknown, indent: number | undefined, level = 0): string {
  const isList = Array.isArray(value);
  if (!isList && !isObject(value)) return JSON.stringify(value) ?? "null";
  const items = isList ? value.map((each) => indented(each, indent, level + 1))
    : (Object.keys(value).some((key) => /^\d+$/.test(key)) ? sorted(value) : Object.entries(value)).filter(([, each]) => each !== undefined)
      .map(([key, each]) => `${JSON.stringify(key)}:${indent === undefined ? "" : " "}${indented(each, indent, level + 1)}`);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (items.length === 0) return open + close;
  if (indent === undefined) return `${open}${items.join(",")}${close}`;
  const pad = " ".repeat(indent * (level + 1));
  return `${open}\n${items.map((item) => pad + item).join(",\n")}\n${" ".repeat(indent * level)}${close}`;
}
