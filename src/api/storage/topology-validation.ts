import { duplicate, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelName } from "../checks.ts";
import type { TopologySelectorTerm } from "../generated/core-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { addAll } from "../../stdx/add-all.ts";

type Values = Readonly<Record<string, readonly string[]>>;
const valuesOf = ({ matchLabelExpressions = [] }: TopologySelectorTerm): Values =>
  Object.fromEntries(matchLabelExpressions.map(({ key, values = [] }) => [key, [...new Set(values)].toSorted()]));

/** Where volumes of a class may be: terms, each of which says something else. */
export function validateTopologies(terms: readonly TopologySelectorTerm[], path: string): readonly FieldError[] {
  const seen: Values[] = [];
  const errors: FieldError[] = [];
  for (const [index, term] of terms.entries()) {
    const at = `${path}[${index}].matchLabelExpressions`;
    const keys = new Set<string>();
    for (const [position, { key = "", values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
      if (values.length === 0) errors.push(required(`${at}[${position}].values`));
      for (const [which, value] of values.entries()) if (values.indexOf(value) < which) errors.push(duplicate(`${at}[${position}].values[${which}]`, value));
      addAll(errors, labelName(`${at}[${position}].key`, key));
      if (keys.has(key)) errors.push(duplicate(`${at}[${position}].key`, key));
      keys.add(key);
    }
    const values = valuesOf(term);
    for (const other of seen) if (Object.keys(values).length === Object.keys(other).length && semanticallyEqual(values, other)) errors.push(duplicate(at, ""));
    // Upstream compares with as many empty terms as there are terms, so one that says nothing is a duplicate of each.
    if (Object.keys(values).length === 0) for (const _ of terms) errors.push(duplicate(at, ""));
    seen.push(values);
  }
  return errors;
}
