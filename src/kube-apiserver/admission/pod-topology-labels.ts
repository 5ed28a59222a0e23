import { nodes, pods, type Binding, type Pod } from "../../api/generated/core-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import type { AdmissionPlugin, ClusterReader } from "../access.ts";
import { isResource } from "./plugin.ts";

const topologyLabels: readonly string[] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** Pods carry zone and region of the node that they are bound to: bindings are labelled, and binding copies the labels to the pod. */
export function podTopologyLabels(cluster: ClusterReader): AdmissionPlugin {
  const labelled = <T extends KubeObject>(object: T, nodeName: string): T => {
    const labels = Object.entries(cluster.get(nodes, "", nodeName)?.metadata.labels ?? {}).filter(([key]) => topologyLabels.includes(key));
    return labels.length === 0 ? object : { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...Object.fromEntries(labels) } } };
  };
  return {
    name: "PodTopologyLabels",
    handles: (operation, type, subresource) => operation === "CREATE" && ((isResource(type, pods) && ["", "binding"].includes(subresource)) || isResource(type, { group: "", plural: "bindings" })),
    mutate({ object }) {
      if (object?.kind === "Binding") {
        const binding = object as unknown as Binding;
        return binding.target.kind === "Node" ? labelled(object, binding.target.name ?? "") : object;
      }
      const pod = object as Pod;
      const nodeName = pod.spec?.nodeName ?? "";
      return nodeName === "" ? pod : labelled(pod, nodeName);
    },
  };
}
