import { duplicate, forbidden, invalid, notSupported, required, type FieldError } from "../../../apimachinery/field-error.ts";
import { dns1123LabelErrors, dns1123SubdomainErrors, labelSelectorErrors, labelValueErrors } from "../../../apimachinery/validation.ts";
import type {
  Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm, PodSchedulingGate, Toleration, TopologySpreadConstraint,
} from "../../generated/core-v1.ts";
import type { LabelSelector } from "../../generated/meta-v1.ts";
import { absent, invalidEach, labelName, qualifiedName } from "../../checks.ts";
import { addAll } from "../../../stdx/add-all.ts";

const taintEffects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function validateExpression({ key, operator, values = [] }: NodeSelectorRequirement, path: string, options: { readonly checkValues: boolean }): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1) errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else {
    errors.push(invalid(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  }
  addAll(errors, labelName(`${path}.key`, key ?? ""));
  if (options.checkValues) for (const [index, value] of values.entries()) addAll(errors, invalidEach(`${path}.values[${index}]`, value, labelValueErrors(value)));
  return errors;
}

/** Of fields of a node, only its name can be selected by. */
function validateField({ key, operator, values = [] }: NodeSelectorRequirement, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (operator === "In" || operator === "NotIn") {
    if (values.length !== 1) errors.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  } else {
    errors.push(invalid(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  }
  if (key !== "metadata.name") errors.push(invalid(`${path}.key`, key ?? "", "not a valid field selector key"));
  else for (const [index, value] of values.entries()) addAll(errors, invalidEach(`${path}.values[${index}]`, value, dns1123SubdomainErrors(value)));
  return errors;
}

function validateTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string, options: { readonly checkValues: boolean }): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, expression] of matchExpressions.entries()) addAll(errors, validateExpression(expression, `${path}.matchExpressions[${index}]`, options));
  for (const [index, field] of matchFields.entries()) addAll(errors, validateField(field, `${path}.matchFields[${index}]`));
  return errors;
}

export function validateNodeSelector({ nodeSelectorTerms = [] }: NodeSelector, path: string): readonly FieldError[] {
  if (nodeSelectorTerms.length === 0) return [required(`${path}.nodeSelectorTerms`, "must have at least one node selector term")];
  const errors: FieldError[] = [];
  for (const [index, term] of nodeSelectorTerms.entries()) addAll(errors, validateTerm(term, `${path}.nodeSelectorTerms[${index}]`, { checkValues: true }));
  return errors;
}

const weight = (field: string, value: number | undefined): FieldError[] => ((value ?? 0) <= 0 || (value ?? 0) > 100 ? [invalid(field, value ?? 0, "must be in the range 1-100")] : []);

/** Keys whose values are taken from the pod's own labels when it is created; they need a selector to be merged into. */
export function validateMatchLabelKeys(matchKeys: readonly string[], mismatchKeys: readonly string[], selector: LabelSelector | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, keys] of [["matchLabelKeys", matchKeys], ["mismatchLabelKeys", mismatchKeys]] as const) {
    if (keys.length === 0) continue;
    if (selector === undefined) errors.push(forbidden(`${path}.${field}`, "must not be specified when labelSelector is not set"));
    else for (const [index, key] of keys.entries()) addAll(errors, labelName(`${path}.${field}[${index}]`, key));
  }
  if (selector !== undefined) {
    const seen = new Set(Object.keys(selector.matchLabels ?? {}));
    for (const { key } of selector.matchExpressions ?? []) {
      if (matchKeys.includes(key) && seen.has(key)) errors.push(invalid(`${path}[${matchKeys.lastIndexOf(key)}]`, key, "exists in both matchLabelKeys and labelSelector"));
      seen.add(key);
    }
  }
  for (const [index, key] of matchKeys.entries()) {
    if (mismatchKeys.includes(key)) errors.push(invalid(`${path}.matchLabelKeys[${index}]`, key, "exists in both matchLabelKeys and mismatchLabelKeys"));
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, labelSelectorErrors(`${path}.labelSelector`, term.labelSelector));
  addAll(errors, labelSelectorErrors(`${path}.namespaceSelector`, term.namespaceSelector));
  for (const name of term.namespaces ?? []) addAll(errors, invalidEach(`${path}.namespace`, name, dns1123LabelErrors(name)));
  addAll(errors, validateMatchLabelKeys(term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? [], term.labelSelector, path));
  if (absent(term.topologyKey)) errors.push(required(`${path}.topologyKey`, "can not be empty"));
  addAll(errors, labelName(`${path}.topologyKey`, term.topologyKey ?? ""));
  return errors;
}

function validatePodAffinity(affinity: PodAffinity, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    addAll(errors, validatePodTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`));
  }
  for (const [index, term] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    addAll(errors, weight(`${at}.weight`, term.weight));
    addAll(errors, validatePodTerm(term.podAffinityTerm ?? { topologyKey: "" }, `${at}.podAffinityTerm`));
  }
  return errors;
}

export function validateAffinity(affinity: Affinity | undefined, path: string): readonly FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  const errors: FieldError[] = [];
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`;
    const { requiredDuringSchedulingIgnoredDuringExecution: needed, preferredDuringSchedulingIgnoredDuringExecution: wished = [] } = nodeAffinity;
    if (needed) addAll(errors, validateNodeSelector(needed, `${at}.requiredDuringSchedulingIgnoredDuringExecution`));
    for (const [index, term] of wished.entries()) {
      const each = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      addAll(errors, weight(`${each}.weight`, term.weight));
      addAll(errors, validateTerm(term.preference ?? {}, `${each}.preference`, { checkValues: false }));
    }
  }
  if (podAffinity) addAll(errors, validatePodAffinity(podAffinity, `${path}.podAffinity`));
  if (podAntiAffinity) addAll(errors, validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`));
  return errors;
}

export function validateTaintEffect(effect: string | undefined, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (absent(effect)) errors.push(required(path));
  else if (!taintEffects.includes(effect)) errors.push(notSupported(path, effect, taintEffects));
  return errors;
}

export function validateTolerations(tolerations: readonly Toleration[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { key = "", operator = "", value = "", effect = "", tolerationSeconds }] of tolerations.entries()) {
    const at = `${path}[${index}]`;
    if (key !== "") addAll(errors, labelName(`${at}.key`, key));
    if (key === "" && operator !== "Exists") errors.push(invalid(`${at}.operator`, operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== "NoExecute") errors.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    if (operator === "Equal" || operator === "") {
      const problems = labelValueErrors(value);
      if (problems.length > 0) errors.push(invalid(`${at}.operator`, value, problems.join(";")));
    } else if (operator === "Exists") {
      if (value !== "") errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else {
      errors.push(notSupported(`${at}.operator`, operator, operator === "Lt" || operator === "Gt" ? ["Equal", "Exists", "Lt", "Gt"] : ["Equal", "Exists"]));
    }
    if (effect !== "" && !taintEffects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, taintEffects));
  }
  return errors;
}

export function validateSchedulingGates(gates: readonly PodSchedulingGate[], path: string): readonly FieldError[] {
  if (gates.length === 0) return [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, { name = "" }] of gates.entries()) {
    addAll(errors, qualifiedName(`${path}[${index}]`, name));
    if (seen.has(name)) errors.push(duplicate(`${path}[${index}]`, name));
    seen.add(name);
  }
  return errors;
}

const actions: readonly string[] = ["DoNotSchedule", "ScheduleAnyway"];
const inclusionPolicies: readonly string[] = ["Honor", "Ignore"];

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, constraint] of constraints.entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, topologyKey = "", whenUnsatisfiable = "", minDomains } = constraint;
    if ((maxSkew ?? 0) <= 0) errors.push(invalid(`${at}.maxSkew`, maxSkew ?? 0, "must be greater than zero"));
    if (topologyKey === "") errors.push(required(`${at}.topologyKey`, "can not be empty"));
    if (!actions.includes(whenUnsatisfiable)) errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, actions));
    if (constraints.slice(index + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    }
    if (minDomains !== undefined && minDomains !== null) {
      if (minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, "must be greater than zero"));
      if (whenUnsatisfiable !== "DoNotSchedule") errors.push(invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
    }
    for (const field of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = constraint[field];
      if (policy !== undefined && policy !== null && !inclusionPolicies.includes(policy)) errors.push(notSupported(`${at}.${field}`, policy, inclusionPolicies));
    }
    addAll(errors, validateMatchLabelKeys(constraint.matchLabelKeys ?? [], [], constraint.labelSelector, at));
    addAll(errors, labelSelectorErrors(`${at}.labelSelector`, constraint.labelSelector));
  }
  return errors;
}
