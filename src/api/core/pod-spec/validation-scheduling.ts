import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, labelSelectorErrors, labelValueErrors } from "../../../apimachinery/validation.ts";
import type {
  Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm, PodSchedulingGate, Toleration, TopologySpreadConstraint,
} from "../../generated/core-v1.ts";
import type { LabelSelector } from "../../generated/meta-v1.ts";
import { absent, invalidEach, labelName, qualifiedName } from "../../checks.ts";

const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function* validateExpression({ key, operator, values = [] }: NodeSelectorRequirement, path: string, options: { readonly checkValues: boolean }): Generator<FieldError> {
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) yield required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) yield forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) yield required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else {
    yield invalid(`${path}.operator`, operator ?? "", "not a valid selector operator");
  }
  yield* labelName(`${path}.key`, key ?? "");
  if (options.checkValues) for (const [index, value] of values.entries()) yield* invalidEach(`${path}.values[${index}]`, value, labelValueErrors(value));
}

/** Of fields of a node, only its name can be selected by. */
function* validateField({ key, operator, values = [] }: NodeSelectorRequirement, path: string): Generator<FieldError> {
  if (operator === "In" || operator === "NotIn") {
    if (values.length !== 1) yield required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  } else {
    yield invalid(`${path}.operator`, operator ?? "", "not a valid selector operator");
  }
  if (key !== "metadata.name") yield invalid(`${path}.key`, key ?? "", "not a valid field selector key");
  else for (const [index, value] of values.entries()) yield* invalidEach(`${path}.values[${index}]`, value, dns1123SubdomainErrors(value));
}

function* validateTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string, options: { readonly checkValues: boolean }): Generator<FieldError> {
  for (const [index, expression] of matchExpressions.entries()) yield* validateExpression(expression, `${path}.matchExpressions[${index}]`, options);
  for (const [index, field] of matchFields.entries()) yield* validateField(field, `${path}.matchFields[${index}]`);
}

export function* validateNodeSelector({ nodeSelectorTerms = [] }: NodeSelector, path: string): Generator<FieldError> {
  if (nodeSelectorTerms.length === 0) return yield required(`${path}.nodeSelectorTerms`, "must have at least one node selector term");
  for (const [index, term] of nodeSelectorTerms.entries()) yield* validateTerm(term, `${path}.nodeSelectorTerms[${index}]`, { checkValues: true });
}

const weight = (field: string, value: number | undefined): FieldError[] => ((value ?? 0) <= 0 || (value ?? 0) > 100 ? [invalid(field, value ?? 0, "must be in the range 1-100")] : []);

/** Keys whose values are taken from the pod's own labels when it is created; they need a selector to be merged into. */
export function* validateMatchLabelKeys(matchKeys: readonly string[], mismatchKeys: readonly string[], selector: LabelSelector | undefined, path: string): Generator<FieldError> {
  for (const [field, keys] of [["matchLabelKeys", matchKeys], ["mismatchLabelKeys", mismatchKeys]] as const) {
    if (keys.length === 0) continue;
    if (selector === undefined) yield forbidden(`${path}.${field}`, "must not be specified when labelSelector is not set");
    else for (const [index, key] of keys.entries()) yield* labelName(`${path}.${field}[${index}]`, key);
  }
  if (selector !== undefined) {
    const seen = new Set(Object.keys(selector.matchLabels ?? {}));
    for (const { key } of selector.matchExpressions ?? []) {
      if (matchKeys.includes(key) && seen.has(key)) yield invalid(`${path}[${matchKeys.lastIndexOf(key)}]`, key, "exists in both matchLabelKeys and labelSelector");
      seen.add(key);
    }
  }
  for (const [index, key] of matchKeys.entries()) {
    if (mismatchKeys.includes(key)) yield invalid(`${path}.matchLabelKeys[${index}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

function* validatePodTerm(term: PodAffinityTerm, path: string): Generator<FieldError> {
  yield* labelSelectorErrors(`${path}.labelSelector`, term.labelSelector);
  yield* labelSelectorErrors(`${path}.namespaceSelector`, term.namespaceSelector);
  for (const name of term.namespaces ?? []) yield* invalidEach(`${path}.namespace`, name, dns1123LabelErrors(name));
  yield* validateMatchLabelKeys(term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? [], term.labelSelector, path);
  if (absent(term.topologyKey)) yield required(`${path}.topologyKey`, "can not be empty");
  yield* labelName(`${path}.topologyKey`, term.topologyKey ?? "");
}

function* validatePodAffinity(affinity: PodAffinity, path: string): Generator<FieldError> {
  for (const [index, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    yield* validatePodTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`);
  }
  for (const [index, term] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    yield* weight(`${at}.weight`, term.weight);
    yield* validatePodTerm(term.podAffinityTerm ?? { topologyKey: "" }, `${at}.podAffinityTerm`);
  }
}

export function* validateAffinity(affinity: Affinity | undefined, path: string): Generator<FieldError> {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: wished = [] } = nodeAffinity;
    if (needed) yield* validateNodeSelector(needed, `${at}.requiredDuringSchedulingIgnoredDuringExecution`);
    for (const [index, term] of wished.entries()) {
      const each = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      yield* weight(`${each}.weight`, term.weight);
      yield* validateTerm(term.preference ?? {}, `${each}.preference`, { checkValues: false });
    }
  }
  if (podAffinity) yield* validatePodAffinity(podAffinity, `${path}.podAffinity`);
  if (podAntiAffinity) yield* validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`);
}

export function* validateTaintEffect(effect: string | undefined, path: string): Generator<FieldError> {
  if (absent(effect)) yield required(path);
  else if (!taintEffects.includes(effect)) yield notSupported(path, effect, taintEffects);
}

export function* validateTolerations(tolerations: readonly Toleration[], path: string): Generator<FieldError> {
  for (const [index, { key = "", operator = "", value = "", effect = "", tolerationSeconds }] of tolerations.entries()) {
    const at = `${path}[${index}]`;
    if (key !== "") yield* labelName(`${at}.key`, key);
    if (key === "" && operator !== "Exists") yield invalid(`${at}.operator`, operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== "NoExecute") yield invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (operator === "Equal" || operator === "") {
      const problems = labelValueErrors(value);
      if (problems.length > 0) yield invalid(`${at}.operator`, value, problems.join(";"));
    } else if (operator === "Exists") {
      if (value !== "") yield invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
    } else {
      yield notSupported(`${at}.operator`, operator, operator === "Lt" || operator === "Gt" ? ["Equal", "Exists", "Lt", "Gt"] : ["Equal", "Exists"]);
    }
    if (effect !== "" && !taintEffects.includes(effect)) yield notSupported(`${at}.effect`, effect, taintEffects);
  }
}

export function* validateSchedulingGates(gates: readonly PodSchedulingGate[], path: string): Generator<FieldError> {
  const seen = new Set<string>();
  for (const [index, { name = "" }] of gates.entries()) {
    yield* qualifiedName(`${path}[${index}]`, name);
    if (seen.has(name)) yield duplicate(`${path}[${index}]`, name);
    seen.add(name);
  }
}

const actions: readonly string[] = ["DoNotSchedule", "ScheduleAnyway"];
const inclusionPolicies: readonly string[] = ["Honor", "Ignore"];

export function* validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): Generator<FieldError> {
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, topologyKey = "", whenUnsatisfiable = "", minDomains } = constraint;
    if ((maxSkew ?? 0) <= 0) yield invalid(`${at}.maxSkew`, maxSkew ?? 0, "must be greater than zero");
    if (topologyKey === "") yield required(`${at}.topologyKey`, "can not be empty");
    if (!actions.includes(whenUnsatisfiable)) yield notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, actions);
    if (constraints.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
      yield duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined && minDomains !== null) {
      if (minDomains <= 0) yield invalid(`${at}.minDomains`, minDomains, "must be greater than zero");
      if (whenUnsatisfiable !== "DoNotSchedule") yield invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`);
    }
    for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = constraint[field];
      if (policy !== undefined && policy !== null && !inclusionPolicies.includes(policy)) yield notSupported(`${at}.${field}`, policy, inclusionPolicies);
    }
    yield* validateMatchLabelKeys(constraint.matchLabelKeys ?? [], [], constraint.labelSelector, at);
    yield* labelSelectorErrors(`${at}.labelSelector`, constraint.labelSelector);
  }
}
