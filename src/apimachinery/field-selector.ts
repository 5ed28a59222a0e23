import { badRequest } from "./status-error.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** All requirements must hold; without any, everything matches. */
export type FieldMatcher = readonly FieldRequirement[];

/** Makes any text fit to stand as a value in a field selector. */
export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, "\\$&");

function unescapeFieldValue(text: string): string {
  let value = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") {
      const next = String.fromCodePoint(...(at + 1 < text.length ? [text.codePointAt(at + 1) ?? 0] : []));
      if (next !== "\\" && next !== "," && next !== "=") throw badRequest(`invalid field selector: invalid escape sequence: \\${next}`);
      value += next;
      at++;
    } else if (character === "," || character === "=") throw badRequest(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`);
    else value += character;
  }
  return value;
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") at++;
    else if (character === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

/** Parses what clients put into `fieldSelector`: "metadata.name=web,status.phase!=Running". Throws BadRequest with upstream's text. */
export function parseFieldSelector(text: string): FieldMatcher {
  const requirements = splitTerms(text).toSorted().filter((term) => term !== "").map((term): FieldRequirement => {
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = "", operator, value = ""] = match;
    return { field, operator: operator === "!=" ? "!=" : "=", value: unescapeFieldValue(value) };
  });
  // That nothing is nothing, holds.
  return requirements.filter(({ field, value }) => field !== "" || value !== "");
}

/** `fieldOf` gives the value of a field, "" for one that is absent. */
export const matchesFields = (matcher: FieldMatcher, fieldOf: (field: string) => string): boolean =>
  matcher.every(({ field, operator, value }) => (fieldOf(field) === value) === (operator === "="));

export const formatFieldMatcher = (matcher: FieldMatcher): string =>
  matcher.map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`).join(",");

/** The value that a field must have for the matcher to match, where there is just one. */
export const exactField = (matcher: FieldMatcher, field: string): string | undefined =>
  matcher.find((requirement) => requirement.field === field && requirement.operator === "=")?.value;
