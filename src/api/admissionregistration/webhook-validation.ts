import { duplicate, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1035LabelErrors, fullyQualifiedNameErrors, labelSelectorErrors } from "../../apimachinery/validation.ts";
import { invalidEach } from "../checks.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../generated/admissionregistration-v1.ts";
import { semanticallyEqual } from "../strategy.ts";
import { validateWebhookClient } from "../webhook-client.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validateMatchConditions } from "./expression-validation.ts";
import { failurePolicies, matchPolicies, reinvocationPolicies, validateRule } from "./rule-validation.ts";

type Webhook = ValidatingWebhook | MutatingWebhook;
const reviewVersions = ["v1", "v1beta1"];
const harmless = ["None", "NoneOnDryRun"];
const sideEffectClasses = ["None", "NoneOnDryRun", "Some", "Unknown"];
const timeoutSecondsMax = 30;

/** What was stored before there were rules for it stays. */
interface Rules {
  readonly sideEffects: readonly string[];
  readonly knownReviewVersion: boolean;
  readonly uniqueNames: boolean;
  readonly anyLabelValue: boolean;
  readonly matchConditions: boolean;
}
const newRules: Rules = { sideEffects: harmless, knownReviewVersion: true, uniqueNames: true, anyLabelValue: false, matchConditions: true };

const hasKnownVersion = ({ admissionReviewVersions: versions = [] }: Webhook): boolean => versions.some((version) => reviewVersions.includes(version));
function rulesAfter(next: readonly Webhook[], previous: readonly Webhook[]): Rules {
  const badSelector = ({ namespaceSelector, objectSelector }: Webhook): boolean => [namespaceSelector, objectSelector].some((selector) => labelSelectorErrors("", selector).length > 0);
  return {
    sideEffects: previous.every(({ sideEffects }) => harmless.includes(sideEffects)) ? harmless : sideEffectClasses,
    knownReviewVersion: previous.every((webhook) => hasKnownVersion(webhook) || (webhook.admissionReviewVersions ?? []).length === 0),
    uniqueNames: new Set(previous.map(({ name }) => name)).size === previous.length,
    anyLabelValue: previous.some(badSelector),
    matchConditions: next.length !== previous.length || next.some(({ matchConditions }, index) => !semanticallyEqual(matchConditions, previous[index]?.matchConditions)),
  };
}

function validateReviewVersions(versions: readonly string[], path: string, known: boolean): readonly FieldError[] {
  if (versions.length === 0) return [required(path, `must specify one of ${reviewVersions.join(", ")}`)];
  const errors: FieldError[] = [];
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.push(invalid(`${path}[${index}]`, version, "duplicate version"));
    else addAll(errors, invalidEach(`${path}[${index}]`, version, dns1035LabelErrors(version)));
  }
  if (known && !versions.some((version) => reviewVersions.includes(version))) errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(", ")}`));
  return errors;
}

function validateWebhook(webhook: Webhook, rules: Rules, path: string): readonly FieldError[] {
  const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds } = webhook;
  const errors: FieldError[] = [];
  addAll(errors, fullyQualifiedNameErrors(`${path}.name`, webhook.name ?? ""));
  for (const [index, rule] of (webhook.rules ?? []).entries()) addAll(errors, validateRule(rule, `${path}.rules[${index}]`));
  if (failurePolicy !== undefined && !failurePolicies.includes(failurePolicy)) errors.push(notSupported(`${path}.failurePolicy`, failurePolicy, failurePolicies));
  if (matchPolicy !== undefined && !matchPolicies.includes(matchPolicy)) errors.push(notSupported(`${path}.matchPolicy`, matchPolicy, matchPolicies));
  if (sideEffects === undefined) errors.push(required(`${path}.sideEffects`, `must specify one of ${rules.sideEffects.join(", ")}`));
  else if (!rules.sideEffects.includes(sideEffects)) errors.push(notSupported(`${path}.sideEffects`, sideEffects, rules.sideEffects));
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > timeoutSecondsMax)) {
    errors.push(invalid(`${path}.timeoutSeconds`, timeoutSeconds, `the timeout value must be between 1 and ${timeoutSecondsMax} seconds`));
  }
  for (const field of ["namespaceSelector", "objectSelector"] as const) addAll(errors, labelSelectorErrors(`${path}.${field}`, webhook[field], { allowInvalidValues: rules.anyLabelValue }));
  const reinvocation = "reinvocationPolicy" in webhook ? webhook.reinvocationPolicy : undefined;
  if (reinvocation !== undefined && !reinvocationPolicies.includes(reinvocation)) errors.push(notSupported(`${path}.reinvocationPolicy`, reinvocation, reinvocationPolicies));
  addAll(errors, validateWebhookClient(webhook.clientConfig ?? {}, `${path}.clientConfig`));
  if (rules.matchConditions) addAll(errors, validateMatchConditions(webhook.matchConditions ?? [], `${path}.matchConditions`));
  addAll(errors, validateReviewVersions(webhook.admissionReviewVersions ?? [], `${path}.admissionReviewVersions`, rules.knownReviewVersion));
  return errors;
}

/** `previous` is absent on create. */
export function validateWebhooks(webhooks: readonly Webhook[] = [], previous?: readonly Webhook[]): readonly FieldError[] {
  const rules = previous === undefined ? newRules : rulesAfter(webhooks, previous);
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, webhook] of webhooks.entries()) {
    const { name = "" } = webhook;
    addAll(errors, validateWebhook(webhook, rules, `webhooks[${index}]`));
    if (rules.uniqueNames && name !== "" && names.has(name)) errors.push(duplicate(`webhooks[${index}].name`, name));
    names.add(name);
  }
  return errors;
}
