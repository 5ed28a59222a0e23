import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelSelectorErrors, pathSegmentNameErrors } from "../../apimachinery/validation.ts";
import { absent, dnsSubdomain, invalidEach, qualifiedName } from "../checks.ts";
import { semanticallyEqual } from "../strategy.ts";
import type {
  AuditAnnotation, MatchCondition, MatchResources, MutatingAdmissionPolicySpec, Mutation, ParamKind, ParamRef, ValidatingAdmissionPolicySpec, Validation, Variable,
} from "../generated/admissionregistration-v1.ts";
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

function* validateShared(spec: PolicySpec, previous: PolicySpec | undefined, options: { readonly mutating: boolean }): Generator<FieldError> {
  const { failurePolicy, paramKind, matchConstraints } = spec;
  if (failurePolicy === undefined) yield required("spec.failurePolicy");
  else if (!failurePolicies.includes(failurePolicy)) yield notSupported("spec.failurePolicy", failurePolicy, failurePolicies);
  if (paramKind !== undefined) yield* validateParamKind(paramKind, "spec.paramKind");
  if (matchConstraints === undefined) {
    yield required("spec.matchConstraints");
  } else {
    yield* validateMatchResources(matchConstraints, "spec.matchConstraints");
    if ((matchConstraints.resourceRules ?? []).length === 0) yield required("spec.matchConstraints.resourceRules");
    if (options.mutating) yield* validateMutatingOperations(matchConstraints, "spec.matchConstraints");
  }
  const unchanged = previous !== undefined && semanticallyEqual(paramKind, previous.paramKind) && semanticallyEqual(spec.matchConditions, previous.matchConditions);
  if (!unchanged) yield* validateMatchConditions(spec.matchConditions ?? [], "spec.matchConditions");
  yield* validateVariables(spec.variables ?? [], "spec.variables");
}

function* validateValidation({ expression, message = "", messageExpression = "", reason }: Validation, path: string): Generator<FieldError> {
  if (isBlank(expression)) yield required(`${path}.expression`, "expression is not specified");
  if (messageExpression !== "" && isBlank(messageExpression)) yield invalid(`${path}.messageExpression`, messageExpression, "must be non-empty if specified");
  if (message !== "" && isBlank(message)) yield invalid(`${path}.message`, message, "must be non-empty if specified");
  else if (/[\n\r]/.test(message.trim())) yield invalid(`${path}.message`, message, "must not contain line breaks");
  if (reason !== undefined && !reasons.includes(reason)) yield notSupported(`${path}.reason`, reason, reasons);
}

function* validateAuditAnnotations(annotations: readonly AuditAnnotation[], name: string, path: string): Generator<FieldError> {
  if (annotations.length > auditAnnotationsMax) yield invalid(path, annotations, `must not have more than ${auditAnnotationsMax} auditAnnotations`);
  const keys = new Set<string>();
  for (const [index, { key = "", valueExpression = "" }] of annotations.entries()) {
    const at = `${path}[${index}]`;
    if (name === "") yield invalid(`${at}.key`, key, "requires metadata.name be non-empty");
    else yield* qualifiedName(`${at}.key`, `${name}/${key}`);
    if (isBlank(valueExpression)) yield required(`${at}.valueExpression`, "valueExpression is not specified");
    else if (Buffer.byteLength(valueExpression.trim()) > valueExpressionBytesMax) yield required(`${at}.valueExpression`, `must not exceed ${valueExpressionBytesMax} bytes in length`);
    if (keys.has(key)) yield duplicate(`${at}.key`, key);
    keys.add(key);
  }
}

export function* validateValidatingPolicy(spec: ValidatingAdmissionPolicySpec, name: string, previous?: ValidatingAdmissionPolicySpec): Generator<FieldError> {
  yield* validateShared(spec, previous, { mutating: false });
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    for (const field of ["validations", "auditAnnotations"]) yield required(`spec.${field}`, "validations or auditAnnotations must contain at least one item");
    return;
  }
  for (const [index, validation] of validations.entries()) yield* validateValidation(validation, `spec.validations[${index}]`);
  yield* validateAuditAnnotations(auditAnnotations, name, "spec.auditAnnotations");
}

function* validateMutation({ patchType = "", jsonPatch, applyConfiguration }: Mutation, path: string): Generator<FieldError> {
  if (patchType === "") return yield required(`${path}.patchType`);
  if (!patchTypes.includes(patchType)) return yield notSupported(`${path}.patchType`, patchType, patchTypes);
  const [field, other] = patchType === "JSONPatch" ? (["jsonPatch", "applyConfiguration"] as const) : (["applyConfiguration", "jsonPatch"] as const);
  const sources = { jsonPatch, applyConfiguration };
  const own = sources[field];
  if (own === undefined) yield required(`${path}.${field}`, `must be specified when patchType is ${patchType}`);
  else if (isBlank(own.expression)) yield required(`${path}.${field}.expression`);
  if (sources[other] !== undefined) yield invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`);
}

export function* validateMutatingPolicy(spec: MutatingAdmissionPolicySpec, previous?: MutatingAdmissionPolicySpec): Generator<FieldError> {
  yield* validateShared(spec, previous, { mutating: true });
  const { mutations = [], reinvocationPolicy } = spec;
  if (mutations.length === 0) yield required("spec.mutations", "mutations must contain at least one item");
  for (const [index, mutation] of mutations.entries()) yield* validateMutation(mutation, `spec.mutations[${index}]`);
  if (absent(reinvocationPolicy)) yield required("spec.reinvocationPolicy");
  else if (!reinvocationPolicies.includes(reinvocationPolicy)) yield notSupported("spec.reinvocationPolicy", reinvocationPolicy, reinvocationPolicies);
}

function* validateParamRef({ name = "", selector, parameterNotFoundAction: action }: ParamRef, path: string): Generator<FieldError> {
  const exclusive = "name and selector are mutually exclusive";
  if (name !== "") {
    yield* invalidEach(`${path}.name`, name, pathSegmentNameErrors(name));
    if (selector) yield forbidden(`${path}.name`, exclusive);
  }
  yield* labelSelectorErrors(`${path}.selector`, selector);
  if (selector && name !== "") yield forbidden(`${path}.selector`, exclusive);
  if (!selector && name === "") yield required(path, "one of name or selector must be specified");
  if (absent(action)) yield required(`${path}.parameterNotFoundAction`);
  else if (action !== "Deny" && action !== "Allow") yield notSupported(`${path}.parameterNotFoundAction`, action, ["Deny", "Allow"]);
}

/** What both kinds of binding have. */
export function* validateBinding(spec: { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchResources }): Generator<FieldError> {
  if (absent(spec.policyName)) yield required("spec.policyName");
  else yield* dnsSubdomain("spec.policyName", spec.policyName);
  if (spec.paramRef) yield* validateParamRef(spec.paramRef, "spec.paramRef");
  if (spec.matchResources) yield* validateMatchResources(spec.matchResources, "spec.matchResources");
}

export function* validateActions(actions: readonly string[], path: string): Generator<FieldError> {
  for (const [index, action] of actions.entries()) {
    if (!validationActions.includes(action)) yield notSupported(`${path}[${index}]`, action, validationActions);
    if (actions.indexOf(action) < index) yield duplicate(`${path}[${index}]`, action);
  }
  if (actions.includes("Deny") && actions.includes("Warn")) {
    yield invalid(path, actions, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
  }
  if (actions.length === 0) yield required(path, "at least one validation action is required");
}
