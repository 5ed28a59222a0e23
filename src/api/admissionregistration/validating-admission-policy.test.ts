import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { validatingAdmissionPolicyResource } from "./validating-admission-policy.ts";

const rule = { operations: ["CREATE"], apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"] };
const policy = (more: Loose): Loose => ({ spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }], ...more } });
testCreates(validatingAdmissionPolicyResource, [
  ["a good one", policy({}), []],
  ["an empty one", { spec: {} }, [
    "spec.matchConstraints: Required value", "spec.validations: Required value: validations or auditAnnotations must contain at least one item", "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
  ]],
  ["no rules", policy({ matchConstraints: {} }), ["spec.matchConstraints.resourceRules: Required value"]],
  ["a name twice", policy({ matchConstraints: { resourceRules: [{ ...rule, resourceNames: ["a", "a"] }] } }), ['spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"']],
  ["params of no kind", policy({ paramKind: {} }), ["spec.paramKind.apiVersion: Required value", "spec.paramKind.kind: Required value"]],
  ["params of too many parts", policy({ paramKind: { apiVersion: "a/b/c", kind: "K" } }), ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']],
  ["a variable that is a word of the language", policy({ variables: [{ name: "for", expression: "1" }] }), ['spec.variables[0].name: Invalid value: "for": must be a valid CEL identifier']],
  ["nothing to say", policy({ validations: [{ expression: "", message: " ", messageExpression: " ", reason: "X" }] }), [
    "spec.validations[0].expression: Required value: expression is not specified", 'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified', 'spec.validations[0].message: Invalid value: " ": must be non-empty if specified',
    'spec.validations[0].reason: Unsupported value: "X": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
  ]],
  ["two lines", policy({ validations: [{ expression: "true", message: "a\nb" }] }), ['spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks']],
  ["an annotation twice", policy({ auditAnnotations: [{ key: "k", valueExpression: "'a'" }, { key: "k" }] }), ["spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified", 'spec.auditAnnotations[1].key: Duplicate value: "k"']],
]);
testUpdates(validatingAdmissionPolicyResource, [["conditions that did not change", policy({ matchConditions: [{ name: "a" }] }), policy({ matchConditions: [{ name: "a" }], failurePolicy: "Ignore" }), []]]);
testUpdates(validatingAdmissionPolicyResource, [
  ["what was found", policy({}), { status: { typeChecking: { expressionWarnings: [{}] }, conditions: [{ type: "A", status: "X" }, { type: "A", status: "True", reason: "1", lastTransitionTime: "2026-01-01T00:00:00Z" }] } }, [
    "status.typeChecking.expressionWarnings[0].warning: Required value", "status.typeChecking.expressionWarnings[0].fieldRef: Required value", 'status.conditions[0].status: Unsupported value: "X": supported values: "False", "True", "Unknown"',
    "status.conditions[0].lastTransitionTime: Required value", "status.conditions[0].reason: Required value", 'status.conditions[1].type: Duplicate value: "A"',
    "status.conditions[1].reason: Invalid value: \"1\": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')",
  ]],
], "status");
