import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { percentErrors } from "../../apimachinery/validation.ts";
import type { IntOrString } from "../generated/meta-v1.ts";
import { atLeastZero, invalidEach } from "../checks.ts";

/** A number of pods, or a share of them. */
export const countOrPercent = (field: string, value: IntOrString | undefined): FieldError[] =>
  (typeof value === "string" ? invalidEach(field, value, percentErrors(value)) : atLeastZero(field, value ?? 0));

const percentOf = (value: IntOrString | undefined): number | undefined => (typeof value === "string" && percentErrors(value).length === 0 ? Number.parseInt(value, 10) : undefined);
export const numberOf = (value: IntOrString | undefined): number => percentOf(value) ?? (typeof value === "number" ? value : Number.parseInt(/^[+-]?\d+$/.exec(value ?? "")?.[0] ?? "0", 10));

export const notMoreThanAll = (field: string, value: IntOrString | undefined): FieldError[] =>
  ((percentOf(value) ?? 0) > 100 ? [invalid(field, value, "must not be greater than 100%")] : []);
