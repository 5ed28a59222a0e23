import { forbidden, invalid, notSupported, required, type FieldError } from "../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, labelKeyErrors } from "../apimachinery/validation.ts";
import { compareQuantities, isQuantity } from "../apimachinery/quantity.ts";
import { addAll } from "../stdx/add-all.ts";
import { goForm } from "./go-form.ts";
import { semanticallyEqual } from "./strategy.ts";

/** Checks of single fields that many kinds share, in upstream's words. */
export const absent = (value: unknown): value is undefined | null | "" => value === undefined || value === null || value === "";

export const invalidEach = (field: string, value: unknown, messages: readonly string[]): FieldError[] => messages.map((message) => invalid(field, value, message));

export const dnsLabel = (field: string, value: string): FieldError[] => invalidEach(field, value, dns1123LabelErrors(value));
export const dnsSubdomain = (field: string, value: string): FieldError[] => invalidEach(field, value, dns1123SubdomainErrors(value));
export const labelName = (field: string, value: string): FieldError[] => invalidEach(field, value, labelKeyErrors(value));
export const qualifiedName = labelName;

export const atLeastZero = (field: string, value: number | undefined): FieldError[] =>
  ((value ?? 0) < 0 ? [invalid(field, value, "must be greater than or equal to 0")] : []);
export const aboveZero = (field: string, value: number): FieldError[] => (value > 0 ? [] : [invalid(field, value, "must be greater than 0")]);

/** One of a closed set of values; `required` when it is empty and must not be. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[], options: { readonly required?: boolean } = {}): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(value)) {
    if (options.required !== false) errors.push(required(field));
  } else if (!supported.includes(value)) {
    errors.push(notSupported(field, value, supported));
  }
  return errors;
}

/** `shape` is the type of upstream's (go-form.ts) in which the message shows a value that is more than a text or a number. */
export const immutable = (field: string, next: unknown, previous: unknown, shape?: string): FieldError[] =>
  (semanticallyEqual(next, previous) ? [] : [invalid(field, shape === undefined ? next ?? null : goForm(next, shape), "field is immutable")]);

/** Amounts: a quantity at all, and not below zero. What is no quantity is refused by decoding; here it only must not throw. */
export const quantityAtLeastZero = (field: string, amount: string): FieldError[] =>
  (isQuantity(`${amount}`) && compareQuantities(amount, "0") >= 0 ? [] : [invalid(field, amount, "must be greater than or equal to 0")]);

/** A path that may not leave the folder it starts from. */
export function noBacksteps(field: string, path: string): readonly FieldError[] {
  return path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];
}
export function localDescendingPath(field: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(invalid(field, path, "must be a relative path"));
  addAll(errors, noBacksteps(field, path));
  return errors;
}
/** Names that start with ".." are the kubelet's own, in the volumes it writes. */
export function localNonReservedPath(field: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, localDescendingPath(field, path));
  if (path.startsWith("..") && !path.startsWith("../")) errors.push(invalid(field, path, "must not start with '..'"));
  return errors;
}

export const fileMode = (field: string, mode: number | undefined): FieldError[] =>
  (mode !== undefined && mode !== null && (mode > 0o777 || mode < 0) ? [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")] : []);

const metadataFields = [
  "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields",
] as const;

/** Metadata of a template for objects: labels and annotations alone. Upstream names its own Go field where the name has no other form ("uID"). */
export function onlyLabelsAndAnnotations(path: string, metadata: object | undefined): readonly FieldError[] {
  const given = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  const errors: FieldError[] = [];
  for (const field of metadataFields) {
    const value = given[field];
    if (absent(value) || value === 0 || (Array.isArray(value) && value.length === 0)) continue;
    errors.push(forbidden(`${path}.${field === "uid" ? "uID" : field}`, "cannot be set"));
  }
  return errors;
}

/** Fields of an object that may not be set where it stands. */
export function onlyFields(path: string, value: object | undefined, allowed: readonly string[], message: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, each] of Object.entries(value ?? {})) {
    if (!allowed.includes(key) && !semanticallyEqual(each, undefined) && each !== "" && each !== 0 && each !== false) errors.push(forbidden(`${path}.${key}`, message));
  }
  return errors;
}
