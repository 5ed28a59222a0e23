/** What is wrong with one field of a request. The names are those of `Status.details.causes[].reason`. */
export type FieldErrorReason =
  | "FieldValueNotFound" | "FieldValueRequired" | "FieldValueDuplicate" | "FieldValueInvalid" | "FieldValueNotSupported"
  | "FieldValueForbidden" | "FieldValueTooLong" | "FieldValueTooMany" | "FieldValueTypeInvalid" | "InternalError";

/** One thing wrong with one field: `field` is its path ("spec.containers[0].name"), `message` everything that follows the path. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  readonly field: string;
  readonly message: string;
}

const error = (reason: FieldErrorReason, field: string, message: string): FieldError => ({ reason, field, message });
const withDetail = (start: string, detail: string): string => (detail === "" ? start : `${start}: ${detail}`);

/** A value as upstream prints it inside of a message: text quoted, everything else as JSON. */
export function quoteValue(value: unknown): string {
  if (value === undefined) return "null";
  return JSON.stringify(typeof value === "object" && value !== null ? inGoOrder(value) : value);
}

const isRequirements = (value: unknown): boolean => Array.isArray(value) && value.every((each: unknown) => typeof each === "object" && each !== null && !("scopeName" in each));

/** Go writes maps in the order of their keys (structs, which upstream shows under capitalized names, are none), and label selectors in the order of their declaration, wherever they stand in a value. */
function inGoOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inGoOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.every(([, each]) => typeof each === "string")) return entries.every(([key]) => /^[A-Z]/.test(key)) || "key" in value ? value : Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  if (!entries.every(([key]) => key === "matchLabels" || key === "matchExpressions") || ("matchExpressions" in value && !isRequirements(value.matchExpressions))) return Object.fromEntries(entries.map(([key, each]) => [key, inGoOrder(each)]));
  const { matchLabels, matchExpressions } = value as { readonly matchLabels?: object; readonly matchExpressions?: readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] }[] };
  return {
    ...(matchLabels && Object.keys(matchLabels).length > 0 && { matchLabels: inGoOrder(matchLabels) }),
    ...(matchExpressions && matchExpressions.length > 0 && {
      matchExpressions: matchExpressions.map(({ key = "", operator = "", values = [] }) => ({ key, operator, ...(values.length > 0 && { values }) })),
    }),
  };
}

export const required = (field: string, detail = ""): FieldError => error("FieldValueRequired", field, withDetail("Required value", detail));
export const invalid = (field: string, value: unknown, detail: string): FieldError =>
  error("FieldValueInvalid", field, withDetail(`Invalid value: ${quoteValue(value)}`, detail));
export const typeInvalid = (field: string, value: unknown, detail: string): FieldError =>
  error("FieldValueTypeInvalid", field, withDetail(`Invalid value: ${quoteValue(value)}`, detail));
/** An absent value is an empty text: what must not occur twice is a name. */
export const duplicate = (field: string, value: unknown = ""): FieldError => error("FieldValueDuplicate", field, `Duplicate value: ${quoteValue(value)}`);
export const forbidden = (field: string, detail: string): FieldError => error("FieldValueForbidden", field, withDetail("Forbidden", detail));
export const notFound = (field: string, value: unknown): FieldError => error("FieldValueNotFound", field, `Not found: ${quoteValue(value)}`);
/** `supported` is shown in the order given; upstream sorts most of its sets, and keeps the order of some. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  error(
    "FieldValueNotSupported", field,
    withDetail(`Unsupported value: ${quoteValue(value)}`, supported.length === 0 ? "" : `supported values: ${supported.map((each) => JSON.stringify(each)).join(", ")}`),
  );
/** `bytesMax` below zero leaves the limit out of the message. */
export const tooLong = (field: string, bytesMax: number): FieldError =>
  error("FieldValueTooLong", field, bytesMax >= 0 ? `Too long: may not be more than ${bytesMax} bytes` : "Too long: value is too long");
export const tooMany = (field: string, actual: number, max: number): FieldError =>
  error("FieldValueTooMany", field, `Too many: ${actual}: must have at most ${max} item${max === 1 ? "" : "s"}`);
export const internalError = (field: string, detail: string): FieldError => error("InternalError", field, withDetail("Internal error", detail));

/** "spec.containers[0].name: Required value" */
export const fieldErrorText = ({ field, message }: FieldError): string => (field === "" ? message : `${field}: ${message}`);
