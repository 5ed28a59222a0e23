import { duplicate, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelName } from "../checks.ts";
import type { TopologySelectorTerm } from "../generated/core-v1.ts";
import { semanticallyEqual } from "../strategy.ts";

type Values = Readonly<Record<string, readonly string[]>>;
const valuesOf = ({ matchLabelExpressions = [] }: TopologySelectorTerm): Values =>
  Object.fromEntries(matchLabelExpressions.map(({ key, values = [] }) => [key, [...new Set(values)].toSorted()]));

/** Where volumes of a class may be: terms, each of which says something else. */
export function* validateTopologies(terms: readonly TopologySelectorTerm[], path: string): Generator<FieldError> {
  const seen: Values[] = [];
  for (const [index, term] of terms.entries()) {
    const at = `${path}[${index}].matchLabelExpressions`;
    const keys = new Set<string>();
    for (const [position, { key = "", values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
      if (values.length === 0) yield required(`${at}[${position}].values`);
      for (const [which, value] of values.entries()) if (values.indexOf(value) < which) yield duplicate(`${at}[${position}].values[${which}]`, value);
      yield* labelName(`${at}[${position}].key`, key);
      if (keys.has(key)) yield duplicate(`${at}[${position}].key`, key);
      keys.add(key);
    }
    const values = valuesOf(term);
    for (const other of seen) if (Object.keys(values).length === Object.keys(other).length && semanticallyEqual(values, other)) yield duplicate(at, "");
    // Upstream compares with as many empty terms as there are terms, so one that says nothing is a duplicate of each.
    if (Object.keys(values).length === 0) for (const _ of terms) yield duplicate(at, "");
    seen.push(values);
  }
}
