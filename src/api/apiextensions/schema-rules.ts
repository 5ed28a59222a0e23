import { invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import type { JSONSchemaProps } from "../generated/apiextensions-v1.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text);

/** Rules in CEL (`x-kubernetes-validations`): their form; what they say is not compiled here. */
export function validateRules(schema: JSONSchemaProps, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { rule = "", message = "", messageExpression = "", reason, fieldPath = "" }] of (schema["x-kubernetes-validations"] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    const [trimmedRule, trimmedMessage] = [rule.trim(), message.trim()];
    if (trimmedRule === "") errors.push(required(`${at}.rule`, "rule is not specified"));
    else if (message !== "" && trimmedMessage === "") errors.push(invalid(`${at}.message`, message, "must be non-empty if specified"));
    else if (hasLineBreak(trimmedMessage)) errors.push(invalid(`${at}.message`, message, "must not contain line breaks"));
    else if (hasLineBreak(trimmedRule) && trimmedMessage === "") errors.push(required(`${at}.message`, "message must be specified if rule contains line breaks"));
    if (messageExpression !== "" && messageExpression.trim() === "") errors.push(required(`${at}.messageExpression`, "messageExpression must be non-empty if specified"));
    if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${at}.reason`, reason, reasons));
    if (fieldPath === "") continue;
    if (fieldPath.trim() === "") errors.push(invalid(`${at}.fieldPath`, fieldPath, "must be non-empty if specified"));
    if (hasLineBreak(fieldPath)) errors.push(invalid(`${at}.fieldPath`, fieldPath, "must not contain line breaks"));
    if (!leadsSomewhere(schema, fieldPath)) errors.push(invalid(`${at}.fieldPath`, fieldPath, "must be a valid path"));
  }
  return errors;
}

const steps = /\.([A-Za-z_][A-Za-z0-9_]*)|\['((?:[^'\\]|\\.)*)'\]/y;

function fieldOf({ properties, additionalProperties }: JSONSchemaProps, key: string): JSONSchemaProps | undefined {
  const any = typeof additionalProperties === "object" && additionalProperties !== null && !Array.isArray(additionalProperties) ? additionalProperties as JSONSchemaProps : undefined;
  return properties?.[key] ?? any;
}

/** A path of the rule's fields: `.spec.replicas`, or `['a.b']` where a name is none. */
function leadsSomewhere(schema: JSONSchemaProps, fieldPath: string): boolean {
  let current = schema;
  steps.lastIndex = 0;
  let at = 0;
  for (let step = steps.exec(fieldPath); step !== null; step = steps.exec(fieldPath)) {
    const key = step[1] ?? (step[2] ?? "").replaceAll(/\\(.)/g, "$1");
    const next = fieldOf(current, key);
    if (next === undefined) return false;
    current = next;
    at = steps.lastIndex;
  }
  return at === fieldPath.length;
}
