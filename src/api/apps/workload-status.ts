import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { atLeastZero } from "../checks.ts";
import { addAll } from "../../stdx/add-all.ts";

type Counts = Readonly<Record<string, unknown>>;
const numberOf = (status: Counts, field: string): number => (typeof status[field] === "number" ? status[field] : 0);

/** Counts of replicas: none below zero, no part larger than the whole, none available that is not ready. */
export function validateReplicaCounts(status: object | undefined, fields: readonly string[], parts: readonly string[], ready = "readyReplicas"): readonly FieldError[] {
  const counts: Counts = { ...status };
  const errors: FieldError[] = [];
  for (const field of fields) addAll(errors, atLeastZero(`status.${field}`, numberOf(counts, field)));
  for (const field of parts) {
    if (numberOf(counts, field) > numberOf(counts, "replicas")) errors.push(invalid(`status.${field}`, numberOf(counts, field), "cannot be greater than status.replicas"));
  }
  if (parts.includes("availableReplicas") && numberOf(counts, "availableReplicas") > numberOf(counts, "readyReplicas")) {
    errors.push(invalid("status.availableReplicas", numberOf(counts, "availableReplicas"), `cannot be greater than ${ready}`));
  }
  return errors;
}

/** How often a name was taken already only ever grows. */
export function validateCollisionCount(next: number | undefined, previous: number | undefined): readonly FieldError[] {
  return previous !== undefined && (next === undefined || next < previous) ? [invalid("status.collisionCount", next ?? 0, "cannot be decremented")] : [];
}
