import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1035LabelErrors } from "../../apimachinery/validation.ts";
import type { CustomResourceDefinitionNames } from "../generated/apiextensions-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const joined = (field: string, value: string, checked: string, intro = ""): FieldError[] => {
  const problems = dns1035LabelErrors(checked);
  return value !== "" && problems.length > 0 ? [invalid(field, value, `${intro}${problems.join(",")}`)] : [];
};

/** Names as they are wanted, and as they were accepted; what is empty is named elsewhere. */
export function validateNames(names: Partial<CustomResourceDefinitionNames>, path: string): readonly FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const mixed = "may have mixed case, but should otherwise match: ";
  const errors: FieldError[] = [];
  addAll(errors, joined(`${path}.plural`, plural, plural));
  addAll(errors, joined(`${path}.singular`, singular, singular));
  addAll(errors, joined(`${path}.kind`, kind, kind.toLowerCase(), mixed));
  addAll(errors, joined(`${path}.listKind`, listKind, listKind.toLowerCase(), mixed));
  for (const [index, name] of shortNames.entries()) addAll(errors, joined(`${path}.shortNames[${index}]`, name, name));
  if (kind !== "" && kind === listKind) errors.push(invalid(`${path}.listKind`, listKind, "kind and listKind may not be the same"));
  for (const [index, category] of categories.entries()) addAll(errors, joined(`${path}.categories[${index}]`, category, category));
  return errors;
}
