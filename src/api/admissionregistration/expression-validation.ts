import { duplicate, invalid, required, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { absent, qualifiedName } from "../checks.ts";
import type { MatchCondition, ParamKind, Variable } from "../generated/admissionregistration-v1.ts";
import { dns1035LabelErrors, dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { addAll } from "../../stdx/add-all.ts";

const conditionsMax = 64;
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reservedWords: readonly string[] = [
  "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
];

export const isBlank = (text: string | undefined): boolean => (text ?? "").trim() === "";

/** Whether expressions compile is not looked at here: they are only there or not. */
export function validateMatchConditions(conditions: readonly MatchCondition[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (conditions.length > conditionsMax) errors.push(tooMany(path, conditions.length, conditionsMax));
  const names = new Set<string>();
  for (const [index, { name = "", expression }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (isBlank(expression)) errors.push(required(`${at}.expression`));
    if (name === "") errors.push(required(`${at}.name`));
    else addAll(errors, qualifiedName(`${at}.name`, name));
    if (name !== "" && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  }
  return errors;
}

export function validateVariables(variables: readonly Variable[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name = "", expression }] of variables.entries()) {
    const at = `${path}[${index}]`;
    if (isBlank(name)) errors.push(required(`${at}.name`, "name is not specified"));
    else if (!identifier.test(name) || reservedWords.includes(name)) errors.push(invalid(`${at}.name`, name, "must be a valid CEL identifier"));
    if (isBlank(expression)) errors.push(required(`${at}.expression`, "expression is not specified"));
  }
  return errors;
}

export function validateParamKind({ apiVersion = "", kind = "" }: ParamKind, path: string): readonly FieldError[] {
  const at = `${path}.apiVersion`;
  const parts = apiVersion === "/" ? ["", ""] : apiVersion.split("/");
  const errors: FieldError[] = [];
  if (apiVersion === "") {
    errors.push(required(at));
  } else if (parts.length > 2) {
    errors.push(invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const [group = "", version = ""] = parts.length === 2 ? parts : ["", apiVersion];
    const groupProblems = group === "" ? [] : dns1123SubdomainErrors(group);
    if (groupProblems.length > 0) errors.push(invalid(at, group, groupProblems.join(",")));
    const versionProblems = dns1035LabelErrors(version);
    if (version === "") errors.push(invalid(at, apiVersion, "version must be specified"));
    else if (versionProblems.length > 0) errors.push(invalid(at, version, versionProblems.join(",")));
  }
  const problems = absent(kind) ? [] : dns1035LabelErrors(kind.toLowerCase());
  if (absent(kind)) errors.push(required(`${path}.kind`));
  else if (problems.length > 0) errors.push(invalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${problems.join(",")}`));
  return errors;
}
