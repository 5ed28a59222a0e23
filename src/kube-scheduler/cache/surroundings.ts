import { replicasets, statefulsets } from "../../api/generated/apps-v1.ts";
import { namespaces, replicationcontrollers, services, type Pod } from "../../api/generated/core-v1.ts";
import { bothMatch, everything, labelMatcherOf, matcherOfLabels, matchesLabels, type LabelMatcher, type Labels } from "../../apimachinery/label-selector.ts";
import { controllerOf, splitApiVersion, type ResourceType } from "../../apimachinery/object.ts";
import type { Informers } from "../../client/informers.ts";
import type { ClusterView } from "../framework/plugin.ts";

/** What plugins ask about besides nodes and pods. */
export type Surroundings = Pick<ClusterView, "namespaceLabels" | "siblingsOf">;

export const surroundingTypes: readonly ResourceType[] = [namespaces, services, replicationcontrollers, replicasets, statefulsets];

const noLabels: Labels = {};

/** Answers from the caches of this process. */
export function surroundingsOf(informers: Pick<Informers, "of">): Surroundings {
  const [ofNamespaces, ofServices, ofControllers, ofReplicaSets, ofStatefulSets] =
    [informers.of(namespaces).cache, informers.of(services).cache, informers.of(replicationcontrollers).cache, informers.of(replicasets).cache, informers.of(statefulsets).cache];

  const ownersSelector = (pod: Pod): LabelMatcher => {
    const owner = controllerOf(pod);
    if (!owner) return everything;
    const key = `${pod.metadata.namespace ?? ""}/${owner.name}`;
    switch (`${splitApiVersion(owner.apiVersion).group}/${owner.kind}`) {
      case "apps/ReplicaSet": return labelMatcherOf(ofReplicaSets.get(key)?.spec?.selector ?? {});
      case "apps/StatefulSet": return labelMatcherOf(ofStatefulSets.get(key)?.spec?.selector ?? {});
      case "/ReplicationController": return matcherOfLabels(ofControllers.get(key)?.spec?.selector);
      default: return everything;
    }
  };

  return {
    namespaceLabels: (namespace) => ofNamespaces.get(namespace)?.metadata.labels ?? noLabels,
    siblingsOf(pod) {
      const { namespace = "", labels } = pod.metadata;
      let ofPodsServices: Labels = noLabels;
      for (const { spec } of ofServices.inNamespace(namespace)) {
        const selector = spec?.selector;
        if (selector && Object.keys(selector).length > 0 && matchesLabels(matcherOfLabels(selector), labels)) ofPodsServices = { ...ofPodsServices, ...selector };
      }
      const matcher = bothMatch(matcherOfLabels(ofPodsServices), ownersSelector(pod));
      return matcher.requirements.length === 0 ? undefined : matcher;
    },
  };
}
