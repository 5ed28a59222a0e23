import { duplicate, invalid, required, tooLong, tooMany, type FieldError } from "../../apimachinery/field-error.ts";
import { cIdentifierErrors } from "../../apimachinery/validation.ts";
import { utf8Length } from "../../stdx/bytes.ts";
import { absent, dnsSubdomain, invalidEach, labelName } from "../checks.ts";
import { validateCsiDriverName } from "../core/pod-spec/validation-volume-parts.ts";

const poolNameBytesMax = 253;
const identifierBytesMax = 32;
const bindingConditionsMax = 4;

export const validateDriverName = validateCsiDriverName;

/** Names of pools are made of subdomains, with slashes between them. */
export function* validatePoolName(name: string | undefined, path: string): Generator<FieldError> {
  if (absent(name)) return yield required(path);
  if (utf8Length(name) > poolNameBytesMax) yield tooLong(path, poolNameBytesMax);
  for (const part of name.split("/")) yield* dnsSubdomain(path, part);
}

function* validateIdentifier(name: string, path: string): Generator<FieldError> {
  if (utf8Length(name) > identifierBytesMax) yield tooLong(path, identifierBytesMax);
  yield* invalidEach(path, name, cIdentifierErrors(name));
}

/** Names of attributes and capacities: "model", or "driver.example.com/model". */
export function* validateAttributeName(name: string, path: string): Generator<FieldError> {
  const parts = name.split("/");
  const [domain = "", identifier = ""] = parts;
  if (parts.length === 1) return yield* validateIdentifier(domain, path);
  if (parts.length > 2) return;
  if (domain === "") yield invalid(path, "", "the domain must not be empty");
  else yield* validateDriverName(domain, path);
  if (identifier === "") yield invalid(path, "", "the name must not be empty");
  else yield* validateIdentifier(identifier, path);
}

export function* validateQualifiedAttribute(name: string, path: string): Generator<FieldError> {
  yield* validateAttributeName(name, path);
  if (!name.includes("/")) yield invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash");
}

/** The items of a list, when there are not too many; and keys that come again, after all items. */
export function* validateSet<T>(items: readonly T[], max: number, path: string, key: ((item: T) => string) | undefined, check: (item: T, path: string) => Iterable<FieldError>): Generator<FieldError> {
  if (items.length > max) return yield tooMany(path, items.length, max);
  for (const [index, item] of items.entries()) yield* check(item, `${path}[${index}]`);
  if (!key) return;
  const keys = items.map(key);
  for (const [index, each] of keys.entries()) if (keys.indexOf(each) < index) yield duplicate(`${path}[${index}]`, each);
}

/** What has to be true before a pod is bound to its devices, and what says that it never will be. */
export function* validateBindingConditions(conditions: readonly string[] = [], failures: readonly string[] = [], path: string): Generator<FieldError> {
  for (const [field, list] of [["bindingConditions", conditions], ["bindingFailureConditions", failures]] as const) {
    yield* validateSet(list, bindingConditionsMax, `${path}.${field}`, undefined, (condition, at) => labelName(at, condition));
  }
  for (const [index, condition] of conditions.entries()) if (conditions.indexOf(condition) < index) yield duplicate(`${path}.bindingConditions[${index}]`, condition);
  for (const [index, condition] of failures.entries()) {
    const at = `${path}.bindingFailureConditions[${index}]`;
    if (failures.indexOf(condition) < index) yield duplicate(at, condition);
    if (conditions.includes(condition)) yield invalid(at, condition, "bindingFailureConditions must not overlap with bindingConditions");
  }
  if (conditions.length === 0 && failures.length > 0) yield invalid(`${path}.bindingConditions`, null, "bindingConditions are required to use bindingFailureConditions");
  if (failures.length === 0 && conditions.length > 0) yield invalid(`${path}.bindingFailureConditions`, null, "bindingFailureConditions are required to use bindingConditions");
}
