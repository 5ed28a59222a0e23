import { duplicate, invalid, notSupported, required, tooLong, type FieldError } from "../apimachinery/field-error.ts";
import { regexError } from "../apimachinery/validation.ts";
import { utf8Length } from "../stdx/bytes.ts";
import { addAll } from "../stdx/add-all.ts";
import { absent, labelName } from "./checks.ts";
import type { Condition } from "./generated/meta-v1.ts";

const reasonPattern = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const reasonMessage = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
const reasonExpression = new RegExp(`^${reasonPattern}$`);
const reasonBytesMax = 1024;
const messageBytesMax = 32 * 1024;

/** Conditions in the form that all newer kinds share (metav1.Condition). */
export function validateConditions(conditions: readonly Condition[] = [], path: string): readonly FieldError[] {
  const types = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { type = "", status = "", observedGeneration = 0, lastTransitionTime, reason, message = "" }] of conditions.entries()) {
    const at = `${path}[${index}]`;
    if (types.has(type)) errors.push(duplicate(`${at}.type`, type));
    types.add(type);
    addAll(errors, labelName(`${at}.type`, type));
    if (!["False", "True", "Unknown"].includes(status)) errors.push(notSupported(`${at}.status`, status, ["False", "True", "Unknown"]));
    if (observedGeneration < 0) errors.push(invalid(`${at}.observedGeneration`, observedGeneration, "must be greater than or equal to zero"));
    if (absent(lastTransitionTime)) errors.push(required(`${at}.lastTransitionTime`));
    if (absent(reason)) errors.push(required(`${at}.reason`));
    else if (!reasonExpression.test(reason)) errors.push(invalid(`${at}.reason`, reason, regexError(reasonMessage, reasonPattern, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")));
    if (utf8Length(reason ?? "") > reasonBytesMax) errors.push(tooLong(`${at}.reason`, reasonBytesMax));
    if (utf8Length(message) > messageBytesMax) errors.push(tooLong(`${at}.message`, messageBytesMax));
  }
  return errors;
}
