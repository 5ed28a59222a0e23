import { duplicate, invalid, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { cIdentifierErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsSubdomain, invalidEach, labelName } from "../checks.ts";
import { validateCsiDriverName } from "../core/pod-spec/validation-volume-parts.ts";
import { addAll } from "../../stdx/add-all.ts";

const poolNameBytesMax = 253;
const identifierBytesMax = 32;
const bindingConditionsMax = 4;

export const validateDriverName = validateCsiDriverName;

/** Names of pools are made of subdomains, with slashes between them. */
export function validatePoolName(name: string | undefined, path: string): readonly FieldError[] {
  if (absent(name)) return [required(path)];
  const errors: FieldError[] = [];
  if (utf8Length(name) > poolNameBytesMax) errors.push(tooLong(path, poolNameBytesMax));
  for (const part of name.split("/")) addAll(errors, dnsSubdomain(path, part));
  return errors;
}

function validateIdentifier(name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (utf8Length(name) > identifierBytesMax) errors.push(tooLong(path, identifierBytesMax));
  addAll(errors, invalidEach(path, name, cIdentifierErrors(name)));
  return errors;
}

/** Names of attributes and capacities: "model", or "driver.example.com/model". */
export function validateAttributeName(name: string, path: string): readonly FieldError[] {
  const parts = name.split("/");
  const [domain = "", identifier = ""] = parts;
  if (parts.length === 1) return [...validateIdentifier(domain, path)];
  if (parts.length > 2) return [];
  const errors: FieldError[] = [];
  if (domain === "") errors.push(invalid(path, "", "the domain must not be empty"));
  else addAll(errors, validateDriverName(domain, path));
  if (identifier === "") errors.push(invalid(path, "", "the name must not be empty"));
  else addAll(errors, validateIdentifier(identifier, path));
  return errors;
}

export function validateQualifiedAttribute(name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateAttributeName(name, path));
  if (!name.includes("/")) errors.push(invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash"));
  return errors;
}

/** The items of a list, when there are not too many; and keys that come again, after all items. */
export function validateSet<T>(items: readonly T[], max: number, path: string, key: ((item: T) => string) | undefined, check: (item: T, path: string) => Iterable<FieldError>): readonly FieldError[] {
  if (items.length > max) return [tooMany(path, items.length, max)];
  const errors: FieldError[] = [];
  for (const [index, item] of items.entries()) addAll(errors, check(item, `${path}[${index}]`));
  if (!key) return errors;
  const keys = items.map(key);
  for (const [index, each] of keys.entries()) if (keys.indexOf(each) < index) errors.push(duplicate(`${path}[${index}]`, each));
  return errors;
}

/** What has to be true before a pod is bound to its devices, and what says that it never will be. */
export function validateBindingConditions(conditions: readonly string[] = [], failures: readonly string[] = [], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, list] of [["bindingConditions", conditions], ["bindingFailureConditions", failures]] as const) {
    addAll(errors, validateSet(list, bindingConditionsMax, `${path}.${field}`, undefined, (condition, at) => labelName(at, condition)));
  }
  for (const [index, condition] of conditions.entries()) if (conditions.indexOf(condition) < index) errors.push(duplicate(`${path}.bindingConditions[${index}]`, condition));
  for (const [index, condition] of failures.entries()) {
    const at = `${path}.bindingFailureConditions[${index}]`;
    if (failures.indexOf(condition) < index) errors.push(duplicate(at, condition));
    if (conditions.includes(condition)) errors.push(invalid(at, condition, "bindingFailureConditions must not overlap with bindingConditions"));
  }
  if (conditions.length === 0 && failures.length > 0) errors.push(invalid(`${path}.bindingConditions`, null, "bindingConditions are required to use bindingFailureConditions"));
  if (failures.length === 0 && conditions.length > 0) errors.push(invalid(`${path}.bindingFailureConditions`, null, "bindingFailureConditions are required to use bindingConditions"));
  return errors;
}
