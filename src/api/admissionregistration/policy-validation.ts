import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsSubdomain, invalidEach, qualifiedName } from "../checks.ts";
import { semanticallyEqual } from "../strategy.ts";
import type {
  AuditAnnotation, MatchCondition, MatchResources, MutatingAdmissionPolicySpec, Mutation, ParamKind, ParamRef, ValidatingAdmissionPolicySpec, Validation, Variable,
} from "../generated/admissionregistration-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
import { isBlank, validateMatchConditions, validateParamKind, validateVariables } from "./expression-validation.ts";
import { failurePolicies, reinvocationPolicies, validateMatchResources, validateMutatingOperations } from "./rule-validation.ts";

const auditAnnotationsMax = 20;
const valueExpressionBytesMax = 5 * 1024;
const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const patchTypes = ["ApplyConfiguration", "JSONPatch"];
const validationActions = ["Audit", "Deny", "Warn"];

/** What both kinds of policy have; `previous` is absent on create. */
interface PolicySpec {
  readonly failurePolicy?: string;
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly matchConditions?: readonly MatchCondition[];
  readonly variables?: readonly Variable[];
}

function validateShared(spec: PolicySpec, previous: PolicySpec | undefined, options: { readonly mutating: boolean }): readonly FieldError[] {
  const { failurePolicy, paramKind, matchConstraints } = spec;
  const errors: FieldError[] = [];
  if (failurePolicy === undefined) errors.push(required("spec.failurePolicy"));
  else if (!failurePolicies.includes(failurePolicy)) errors.push(notSupported("spec.failurePolicy", failurePolicy, failurePolicies));
  if (paramKind !== undefined) addAll(errors, validateParamKind(paramKind, "spec.paramKind"));
  if (matchConstraints === undefined) {
    errors.push(required("spec.matchConstraints"));
  } else {
    addAll(errors, validateMatchResources(matchConstraints, "spec.matchConstraints"));
    if ((matchConstraints.resourceRules ?? []).length === 0) errors.push(required("spec.matchConstraints.resourceRules"));
    if (options.mutating) addAll(errors, validateMutatingOperations(matchConstraints, "spec.matchConstraints"));
  }
  const unchanged = previous !== undefined && semanticallyEqual(paramKind, previous.paramKind) && semanticallyEqual(spec.matchConditions, previous.matchConditions);
  if (!unchanged) addAll(errors, validateMatchConditions(spec.matchConditions ?? [], "spec.matchConditions"));
  addAll(errors, validateVariables(spec.variables ?? [], "spec.variables"));
  return errors;
}

function validateValidation({ expression, message = "", messageExpression = "", reason }: Validation, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (isBlank(expression)) errors.push(required(`${path}.expression`, "expression is not specified"));
  if (messageExpression !== "" && isBlank(messageExpression)) errors.push(invalid(`${path}.messageExpression`, messageExpression, "must be non-empty if specified"));
  if (message !== "" && isBlank(message)) errors.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (/[\n\r]/.test(message.trim())) errors.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, reasons));
  return errors;
}

function validateAuditAnnotations(annotations: readonly AuditAnnotation[], name: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (annotations.length > auditAnnotationsMax) errors.push(invalid(path, annotations, `must not have more than ${auditAnnotationsMax} auditAnnotations`));
  const keys = new Set<string>();
  for (const [index, { key = "", valueExpression = "" }] of annotations.entries()) {
    const at = `${path}[${index}]`;
    if (name === "") errors.push(invalid(`${at}.key`, key, "requires metadata.name be non-empty"));
    else addAll(errors, qualifiedName(`${at}.key`, `${name}/${key}`));
    if (isBlank(valueExpression)) errors.push(required(`${at}.valueExpression`, "valueExpression is not specified"));
    else if (Buffer.byteLength(valueExpression.trim()) > valueExpressionBytesMax) errors.push(required(`${at}.valueExpression`, `must not exceed ${valueExpressionBytesMax} bytes in length`));
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
  }
  return errors;
}

export function validateValidatingPolicy(spec: ValidatingAdmissionPolicySpec, name: string, previous?: ValidatingAdmissionPolicySpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateShared(spec, previous, { mutating: false }));
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    for (const field of ["validations", "auditAnnotations"]) errors.push(required(`spec.${field}`, "validations or auditAnnotations must contain at least one item"));
    return errors;
  }
  for (const [index, validation] of validations.entries()) addAll(errors, validateValidation(validation, `spec.validations[${index}]`));
  addAll(errors, validateAuditAnnotations(auditAnnotations, name, "spec.auditAnnotations"));
  return errors;
}

function validateMutation({ patchType = "", jsonPatch, applyConfiguration }: Mutation, path: string): readonly FieldError[] {
  if (patchType === "") return [required(`${path}.patchType`)];
  if (!patchTypes.includes(patchType)) return [notSupported(`${path}.patchType`, patchType, patchTypes)];
  const [field, other] = patchType === "JSONPatch" ? (["jsonPatch", "applyConfiguration"] as const) : (["applyConfiguration", "jsonPatch"] as const);
  const sources = { jsonPatch, applyConfiguration };
  const own = sources[field];
  const errors: FieldError[] = [];
  if (own === undefined) errors.push(required(`${path}.${field}`, `must be specified when patchType is ${patchType}`));
  else if (isBlank(own.expression)) errors.push(required(`${path}.${field}.expression`));
  if (sources[other] !== undefined) errors.push(invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`));
  return errors;
}

export function validateMutatingPolicy(spec: MutatingAdmissionPolicySpec, previous?: MutatingAdmissionPolicySpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateShared(spec, previous, { mutating: true }));
  const { mutations = [], reinvocationPolicy } = spec;
  if (mutations.length === 0) errors.push(required("spec.mutations", "mutations must contain at least one item"));
  for (const [index, mutation] of mutations.entries()) addAll(errors, validateMutation(mutation, `spec.mutations[${index}]`));
  if (absent(reinvocationPolicy)) errors.push(required("spec.reinvocationPolicy"));
  else if (!reinvocationPolicies.includes(reinvocationPolicy)) errors.push(notSupported("spec.reinvocationPolicy", reinvocationPolicy, reinvocationPolicies));
  return errors;
}

function validateParamRef({ name = "", selector, parameterNotFoundAction: action }: ParamRef, path: string): readonly FieldError[] {
  const exclusive = "name and selector are mutually exclusive";
  const errors: FieldError[] = [];
  if (name !== "") {
    addAll(errors, invalidEach(`${path}.name`, name, pathSegmentNameErrors(name)));
    if (selector) errors.push(forbidden(`${path}.name`, exclusive));
  }
  addAll(errors, labelSelectorErrors(`${path}.selector`, selector));
  if (selector && name !== "") errors.push(forbidden(`${path}.selector`, exclusive));
  if (!selector && name === "") errors.push(required(path, "one of name or selector must be specified"));
  if (absent(action)) errors.push(required(`${path}.parameterNotFoundAction`));
  else if (action !== "Deny" && action !== "Allow") errors.push(notSupported(`${path}.parameterNotFoundAction`, action, ["Deny", "Allow"]));
  return errors;
}

/** What both kinds of binding have. */
export function validateBinding(spec: { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchResources }): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(spec.policyName)) errors.push(required("spec.policyName"));
  else addAll(errors, dnsSubdomain("spec.policyName", spec.policyName));
  if (spec.paramRef) addAll(errors, validateParamRef(spec.paramRef, "spec.paramRef"));
  if (spec.matchResources) addAll(errors, validateMatchResources(spec.matchResources, "spec.matchResources"));
  return errors;
}

export function validateActions(actions: readonly string[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, action] of actions.entries()) {
    if (!validationActions.includes(action)) errors.push(notSupported(`${path}[${index}]`, action, validationActions));
    if (actions.indexOf(action) < index) errors.push(duplicate(`${path}[${index}]`, action));
  }
  if (actions.includes("Deny") && actions.includes("Warn")) {
    errors.push(invalid(path, actions, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"));
  }
  if (actions.length === 0) errors.push(required(path, "at least one validation action is required"));
  return errors;
}
