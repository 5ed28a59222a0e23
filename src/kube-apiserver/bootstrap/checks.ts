import { configmaps, namespaces, services } from "../../api/generated/core-v1.ts";
import { servicecidrs } from "../../api/generated/networking-v1.ts";
import { clusterroles } from "../../api/generated/rbac-v1.ts";
import { priorityclasses } from "../../api/generated/scheduling-v1.ts";
import type { ResourceType } from "../../apimachinery/object.ts";
import type { ClusterReader } from "../access.ts";
import type { HealthCheck } from "../handlers/health.ts";
import { defaultServiceCidrName } from "../service-network/default-service-cidr.ts";
import { systemNamespaces, systemPriorityClasses } from "./system-objects.ts";

type Wanted = readonly [type: ResourceType, namespace: string, name: string];

/** What has to be in the cluster before it is ready, under the names of upstream's post-start hooks that put it there. */
const wanted: Readonly<Record<string, readonly Wanted[]>> = {
  "start-system-namespaces-controller": systemNamespaces.map(({ metadata }) => [namespaces, "", metadata.name ?? ""]),
  "bootstrap-controller": [[services, "default", "kubernetes"]],
  "start-kubernetes-service-cidr-controller": [[servicecidrs, "", defaultServiceCidrName]],
  // What a crash has left of addresses and ports is put right before anything is served.
  "start-service-ip-repair-controllers": [[servicecidrs, "", defaultServiceCidrName]],
  "rbac/bootstrap-roles": [[clusterroles, "", "cluster-admin"], [clusterroles, "", "system:node"]],
  "scheduling/bootstrap-system-priority-classes": systemPriorityClasses.map(({ metadata }) => [priorityclasses, "", metadata.name ?? ""]),
  "start-cluster-authentication-info-controller": [[configmaps, "kube-system", "extension-apiserver-authentication"]],
};

/** Each fails until what it is about was there once: a hook that has run stays run, whatever becomes of its work. */
export const bootstrapChecks = (reader: ClusterReader): readonly HealthCheck[] => Object.entries(wanted).map(([name, objects]) => {
  let done = false;
  return {
    name: `poststarthook/${name}`,
    check: () => {
      done ||= objects.every(([type, namespace, each]) => reader.get(type, namespace, each) !== undefined);
      if (!done) throw new Error("not finished");
    },
  };
});
