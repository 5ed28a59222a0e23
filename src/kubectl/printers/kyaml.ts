/** KYAML: YAML in flow style with quoted strings, commas everywhere and no meaning in its indentation. */
const ambiguous = /^(y|n|yes|no|true|false|on|off|null|~)$/i;
const plainKey = (key: string): boolean => /^[A-Za-z_][A-Za-z0-9_\-./]*$/.test(key) && !ambiguous.test(key);

function lines(value: unknown, level: number, keepOrder: boolean): string {
  const pad = "  ".repeat(level);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    if (value.every((each) => typeof each === "object" && each !== null)) return `[${value.map((each) => lines(each, level, keepOrder)).join(", ")}]`;
    return `[\n${value.map((each) => `${pad}  ${lines(each, level + 1, keepOrder)},\n`).join("")}${pad}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    if (entries.length === 0) return "{}";
    const ordered = keepOrder ? entries : entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{\n${ordered.map(([key, each]) => `${pad}  ${plainKey(key) ? key : JSON.stringify(key)}: ${lines(each, level + 1, keepOrder)},\n`).join("")}${pad}}`;
  }
  return typeof value === "string" ? text(value, level) : String(value);
}

/** Strings of several lines are continued with a backslash at the end of each line, so that they can be read. */
function text(value: string, level: number): string {
  const quoted = (part: string): string => JSON.stringify(part).slice(1, -1);
  if (!value.slice(0, -1).includes("\n")) return `"${quoted(value)}"`;
  const pad = "  ".repeat(level + 1);
  const parts = value.split(/(?<=\n)/);
  return `"\\\n${parts.map((part) => `${pad}${/^\s/.test(part) && part !== "\n" ? "\\" : " "}${quoted(part)}\\\n`).join("")}${pad}"`;
}

export const formatKyaml = (value: unknown, options: { readonly keepOrder: boolean }): string => `---\n${lines(value, 0, options.keepOrder)}\n`;
