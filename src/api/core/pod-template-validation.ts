import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { annotationsErrors, labelSelectorErrors, labelsErrors } from "../../apimachinery/validation.ts";
import type { PodTemplateSpec } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { addAll } from "../../stdx/add-all.ts";
import { validatePodSpec } from "./pod-spec/validation.ts";
import { validatePodAnnotations } from "./pod-validation.ts";

/** A pod to be: everything but what only a real pod has. */
export function validatePodTemplate(template: PodTemplateSpec, path: string, previous?: PodTemplateSpec): readonly FieldError[] {
  const { metadata = {}, spec = { containers: [] } } = template;
  const errors: FieldError[] = [];
  addAll(errors, labelsErrors(`${path}.labels`, metadata.labels));
  addAll(errors, annotationsErrors(`${path}.annotations`, metadata.annotations));
  addAll(errors, validatePodAnnotations(metadata.annotations ?? {}, spec, `${path}.annotations`));
  addAll(errors, validatePodSpec(spec, `${path}.spec`, { podName: "", isPod: false, ...(previous?.spec && { previous: previous.spec }) }));
  if ((spec.ephemeralContainers ?? []).length > 0) errors.push(forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template"));
  return errors;
}

export const isEmptySelector = (selector: LabelSelector): boolean => Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;

/** Selector and template of a workload whose pods run for ever; the selector must find the pods that the template makes. */
export function validateSelectorAndTemplate(
  { selector, template }: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec },
  options: { readonly kind: string; readonly emptySelector: string; readonly previous?: PodTemplateSpec | undefined; readonly invalidSelector?: string; readonly skipTemplate?: boolean | undefined },
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (selector === undefined || selector === null) {
    errors.push(required("spec.selector"));
  } else {
    addAll(errors, labelSelectorErrors("spec.selector", selector));
    if (isEmptySelector(selector)) errors.push(invalid("spec.selector", selector, options.emptySelector));
    if (labelSelectorErrors("", selector).length > 0) {
      errors.push(invalid("spec.selector", selector, options.invalidSelector ?? "invalid label selector"));
      // What only a template for ever must have is still looked at, of a StatefulSet.
      if (options.kind === "StatefulSet") addAll(errors, validateRunningOnly(template, options.kind));
      return errors;
    }
  }
  addAll(errors, validateRunningTemplate(selector, template, options.kind, options.previous, options.skipTemplate));
  return errors;
}

export function validateRunningTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, kind: string, previous?: PodTemplateSpec, skipTemplate = false): readonly FieldError[] {
  const path = "spec.template";
  const labels = template?.metadata?.labels ?? {};
  const mismatch = selector === undefined || (!isEmptySelector(selector) && !(kind === "ReplicationController" ? hasLabels(selector.matchLabels, labels) : matches(selector, labels)));
  const errors: FieldError[] = [];
  if (mismatch) errors.push(invalid(`${path}.metadata.labels`, template?.metadata?.labels ?? null, "`selector` does not match template `labels`"));
  if (!skipTemplate) addAll(errors, validatePodTemplate(template ?? {}, path, previous));
  addAll(errors, validateRunningOnly(template, kind));
  return errors;
}

function validateRunningOnly(template: PodTemplateSpec | undefined, kind: string): readonly FieldError[] {
  const path = "spec.template";
  const policy = template?.spec?.restartPolicy;
  const errors: FieldError[] = [];
  if (policy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, policy ?? "", ["Always"]));
  if (template?.spec?.activeDeadlineSeconds !== undefined) errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
  return errors;
}

const hasLabels = (wanted: Readonly<Record<string, string>> = {}, labels: Readonly<Record<string, string>>): boolean => Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** A selector that is none is named elsewhere. */
function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  if (labelSelectorErrors("", selector).length > 0) return true;
  return matchesLabels(labelMatcherOf(selector), labels);
}
