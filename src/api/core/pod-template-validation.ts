import { forbidden, invalid, notSupported, required, type FieldError } from "../../apimachinery/field-error.ts";
import { labelMatcherOf, matchesLabels } from "../../apimachinery/label-selector.ts";
import { annotationsErrors, labelSelectorErrors, labelsErrors } from "../../apimachinery/validation.ts";
import type { PodTemplateSpec } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { validatePodSpec } from "./pod-spec/validation.ts";
import { validatePodAnnotations } from "./pod-validation.ts";

/** A pod to be: everything but what only a real pod has. */
export function* validatePodTemplate(template: PodTemplateSpec, path: string, previous?: PodTemplateSpec): Generator<FieldError> {
  const { metadata = {}, spec = { containers: [] } } = template;
  yield* labelsErrors(`${path}.labels`, metadata.labels);
  yield* annotationsErrors(`${path}.annotations`, metadata.annotations);
  yield* validatePodAnnotations(metadata.annotations ?? {}, spec, `${path}.annotations`);
  yield* validatePodSpec(spec, `${path}.spec`, { podName: "", isPod: false, ...(previous?.spec && { previous: previous.spec }) });
  if ((spec.ephemeralContainers ?? []).length > 0) yield forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template");
}

export const isEmptySelector = (selector: LabelSelector): boolean => Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;

/** Selector and template of a workload whose pods run for ever; the selector must find the pods that the template makes. */
export function* validateSelectorAndTemplate(
  { selector, template }: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec },
  options: { readonly kind: string; readonly emptySelector: string; readonly previous?: PodTemplateSpec | undefined; readonly invalidSelector?: string; readonly skipTemplate?: boolean | undefined },
): Generator<FieldError> {
  if (selector === undefined || selector === null) {
    yield required("spec.selector");
  } else {
    yield* labelSelectorErrors("spec.selector", selector);
    if (isEmptySelector(selector)) yield invalid("spec.selector", selector, options.emptySelector);
    if (labelSelectorErrors("", selector).length > 0) {
      yield invalid("spec.selector", selector, options.invalidSelector ?? "invalid label selector");
      // What only a template for ever must have is still looked at, of a StatefulSet.
      if (options.kind === "StatefulSet") yield* validateRunningOnly(template, options.kind);
      return;
    }
  }
  yield* validateRunningTemplate(selector, template, options.kind, options.previous, options.skipTemplate);
}

export function* validateRunningTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, kind: string, previous?: PodTemplateSpec, skipTemplate = false): Generator<FieldError> {
  const path = "spec.template";
  const labels = template?.metadata?.labels ?? {};
  const mismatch = selector === undefined || (!isEmptySelector(selector) && !(kind === "ReplicationController" ? hasLabels(selector.matchLabels, labels) : matches(selector, labels)));
  if (mismatch) yield invalid(`${path}.metadata.labels`, template?.metadata?.labels ?? null, "`selector` does not match template `labels`");
  if (!skipTemplate) yield* validatePodTemplate(template ?? {}, path, previous);
  yield* validateRunningOnly(template, kind);
}

function* validateRunningOnly(template: PodTemplateSpec | undefined, kind: string): Generator<FieldError> {
  const path = "spec.template";
  const policy = template?.spec?.restartPolicy;
  if (policy !== "Always") yield notSupported(`${path}.spec.restartPolicy`, policy ?? "", ["Always"]);
  if (template?.spec?.activeDeadlineSeconds !== undefined) yield forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`);
}

const hasLabels = (wanted: Readonly<Record<string, string>> = {}, labels: Readonly<Record<string, string>>): boolean => Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** A selector that is none is named elsewhere. */
function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  if (labelSelectorErrors("", selector).length > 0) return true;
  return matchesLabels(labelMatcherOf(selector), labels);
}
