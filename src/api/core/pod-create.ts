import type { Affinity, Container, EphemeralContainer, Pod, PodAffinity, PodAffinityTerm, PodSpec, PodStatus } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { changeEach, changeField } from "../defaulting.ts";
import { semanticallyEqual } from "../strategy.ts";
import { withBothServiceAccountNames } from "./pod-spec/defaults.ts";
import { withoutDisabledFields } from "./pod-spec/disabled-fields.ts";
import { appArmorPrefix, appArmorProfileOf } from "./app-armor.ts";
import { podQosClass } from "./pod-qos.ts";

type Labels = Readonly<Record<string, string>>;

/** Keys that stand for the pod's own values become expressions of the selector, once, when the pod is made. */
function withLabelKeys(selector: LabelSelector | undefined, keys: readonly string[], operator: "In" | "NotIn", labels: Labels): LabelSelector | undefined {
  const added = keys.filter((key) => key in labels).map((key) => ({ key, operator, values: [labels[key] ?? ""] }));
  return selector === undefined || added.length === 0 ? selector : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] };
}

function withTermKeys(term: PodAffinityTerm, labels: Labels): PodAffinityTerm {
  const matched = withLabelKeys(term.labelSelector, term.matchLabelKeys ?? [], "In", labels);
  const selector = withLabelKeys(matched, term.mismatchLabelKeys ?? [], "NotIn", labels);
  return selector === undefined || selector === term.labelSelector ? term : { ...term, labelSelector: selector };
}

const withAffinityKeys = (affinity: PodAffinity, labels: Labels): PodAffinity =>
  changeEach(
    changeEach(affinity, "requiredDuringSchedulingIgnoredDuringExecution", (term) => withTermKeys(term, labels)),
    "preferredDuringSchedulingIgnoredDuringExecution", (weighted) => changeField(weighted, "podAffinityTerm", (term) => withTermKeys(term, labels)),
  );

function withLabelKeysMerged(spec: PodSpec, labels: Labels): PodSpec {
  const affine = changeField(spec, "affinity", (affinity: Affinity) =>
    changeField(changeField(affinity, "podAffinity", (each) => withAffinityKeys(each, labels)), "podAntiAffinity", (each) => withAffinityKeys(each, labels)));
  return changeEach(affine, "topologySpreadConstraints", (constraint) => {
    const selector = withLabelKeys(constraint.labelSelector, constraint.matchLabelKeys ?? [], "In", labels);
    return selector === undefined || selector === constraint.labelSelector ? constraint : { ...constraint, labelSelector: selector };
  });
}

/** AppArmor profiles named by annotation, as they were before there was a field. */
function withAppArmorFields(spec: PodSpec, annotations: Labels): PodSpec {
  if (spec.os?.name === "windows" || !Object.keys(annotations).some((key) => key.startsWith(appArmorPrefix))) return spec;
  const change = <T extends Container | EphemeralContainer>(container: T): T => {
    const profile = appArmorProfileOf(annotations[`${appArmorPrefix}${container.name}`] ?? "");
    if (profile === undefined || container.securityContext?.appArmorProfile || semanticallyEqual(profile, spec.securityContext?.appArmorProfile)) return container;
    return { ...container, securityContext: { ...container.securityContext, appArmorProfile: profile } };
  };
  let next = changeEach(spec, "containers", (container: Container) => change(container));
  next = changeEach(next, "initContainers", (container: Container) => change(container));
  return changeEach(next, "ephemeralContainers", (container: EphemeralContainer) => change(container));
}

function firstStatus(pod: Pod): PodStatus {
  const status: PodStatus = { phase: "Pending", qosClass: podQosClass(pod) };
  if ((pod.spec?.schedulingGates ?? []).length === 0) return status;
  const { creationTimestamp } = pod.metadata;
  return {
    ...status,
    conditions: [{
      type: "PodScheduled", status: "False", reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates",
      ...(typeof creationTimestamp === "string" && { lastTransitionTime: creationTimestamp }),
    }],
  };
}

/** What the server decides about a new pod: its first status, and fields that follow from its labels and annotations. */
export function preparePodForCreate(pod: Pod): Pod {
  const { labels = {}, annotations = {} } = pod.metadata;
  const prepared = changeField(pod, "spec", (spec) => withAppArmorFields(withLabelKeysMerged(withBothServiceAccountNames(withoutDisabledFields(spec, undefined)), labels), annotations));
  return { ...prepared, status: firstStatus(prepared) };
}
