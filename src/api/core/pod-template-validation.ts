import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { annotationsErrors, labelSelectorErrors, labelsErrors } from "../../apimachinery/validation.ts";
import type { PodTemplateSpec } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { selectorText } from "../printing/formats.ts";
import { validatePodSpec } from "./pod-spec/validation.ts";
import { validatePodAnnotations } from "./pod-validation.ts";

/** A pod to be: everything but what only a real pod has. */
export function* validatePodTemplate(template: PodTemplateSpec, path: string): Generator<FieldError> {
  const { metadata = {}, spec = { containers: [] } } = template;
  yield* labelsErrors(`${path}.labels`, metadata.labels);
  yield* annotationsErrors(`${path}.annotations`, metadata.annotations);
  yield* validatePodAnnotations(metadata.annotations ?? {}, spec, `${path}.annotations`);
  yield* validatePodSpec(spec, `${path}.spec`, { podName: "", isPod: false });
  if ((spec.ephemeralContainers ?? []).length > 0) yield forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
}

export const isEmptySelector = (selector: LabelSelector): boolean => Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;

/** Selector and template of a workload whose pods run for ever; the selector must find the pods that the template makes. */
export function* validateSelectorAndTemplate(
  { selector, template }: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec },
  options: { readonly kind: string; readonly emptySelector: string },
): Generator<FieldError> {
  if (selector === undefined || selector === null) {
    yield required("spec.selector");
  } else {
    yield* labelSelectorErrors("spec.selector", selector);
    if (isEmptySelector(selector)) yield invalid("spec.selector", selector, options.emptySelector);
    if (selectorText(selector) === undefined) return yield invalid("spec.selector", selector, "invalid label selector");
  }
  yield* validateRunningTemplate(selector, template, options.kind);
}

export function* validateRunningTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, kind: string): Generator<FieldError> {
  const path = "spec.template";
  const labels = template?.metadata?.labels ?? {};
  const mismatch = selector === undefined || (!isEmptySelector(selector) && !matches(selector, labels));
  if (mismatch) yield invalid(`${path}.metadata.labels`, template?.metadata?.labels ?? null, "`selector` does not match template `labels`");
  yield* validatePodTemplate(template ?? {}, path);
  const policy = template?.spec?.restartPolicy;
  if (policy !== "Always") yield notSupported(`${path}.spec.restartPolicy`, policy ?? "", ["Always"]);
  if (template?.spec?.activeDeadlineSeconds !== undefined) yield forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`);
}

/** A selector with values that no label can have is named elsewhere; here it matches nothing. */
function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  if (labelSelectorErrors("", selector).length > 0) return false;
  return matchesLabels(labelMatcherOf(selector), labels);
}
