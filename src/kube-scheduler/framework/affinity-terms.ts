import type { Pod, PodAffinityTerm } from "../../api/generated/core-v1.ts";
import type { PodGroup } from "./pod-group.ts";
import { Interned } from "./interned.ts";
import { labelMatcherOf, matchesLabels, type LabelMatcher, type Labels } from "../../apimachinery/label-selector.ts";

/** One term of pod affinity or anti-affinity, parsed. */
export interface AffinityTerm {
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: LabelMatcher;
  readonly selector: LabelMatcher;
  readonly topologyKey: string;
  /** 0 for required terms. */
  readonly weight: number;
}

/** Labels of a namespace; empty when it is not known. */
export type NamespaceLabels = (namespace: string) => Labels;

/** Does the term mean pods of this group? */
export function termMeans({ namespaces, namespaceSelector, selector }: AffinityTerm, { namespace, labels }: Pick<PodGroup, "namespace" | "labels">, namespaceLabels: NamespaceLabels): boolean {
  if (!namespaces.has(namespace) && (namespaceSelector.nothing === true || !matchesLabels(namespaceSelector, namespaceLabels(namespace)))) return false;
  return matchesLabels(selector, labels);
}

/** Without namespaces and without a selector of them, a term speaks of the pod's own namespace. */
const parse = (pod: Pod, weight: number, { namespaces = [], namespaceSelector, labelSelector, topologyKey }: PodAffinityTerm): AffinityTerm => ({
  namespaces: new Set(namespaces.length === 0 && namespaceSelector === undefined ? [pod.metadata.namespace ?? ""] : namespaces),
  namespaceSelector: labelMatcherOf(namespaceSelector), selector: labelMatcherOf(labelSelector), topologyKey, weight,
});

export interface AffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

const none: AffinityTerms = { requiredAffinity: [], requiredAntiAffinity: [], preferredAffinity: [], preferredAntiAffinity: [] };

const interned = new Interned<AffinityTerms>({ max: 10_000 });

/** Pods that say the same get the same terms. */
export function affinityTerms(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return none;
  return interned.get(JSON.stringify([pod.metadata.namespace, podAffinity, podAntiAffinity]), () => parseAll(pod));
}

function parseAll(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  return {
    requiredAffinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => parse(pod, 0, term)),
    requiredAntiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => parse(pod, 0, term)),
    preferredAffinity: (podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => parse(pod, weight, podAffinityTerm)),
    preferredAntiAffinity: (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => parse(pod, weight, podAffinityTerm)),
  };
}
