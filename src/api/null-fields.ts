/**
 * What Go writes as `null` when nobody has set it: times that are no pointers, and a few lists without `omitempty`. OpenAPI does not tell them from fields that are left out.
 * By package and type. Source: the struct tags of staging/src/k8s.io/api of 1.36. Lists that validation asks for anyway are not here: an object without them is never stored.
 */
const nullFields: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "io.k8s.apimachinery.pkg.apis.meta.v1": { Condition: ["lastTransitionTime"] },
  "io.k8s.api.apps.v1": {
    DaemonSetCondition: ["lastTransitionTime"], DeploymentCondition: ["lastTransitionTime", "lastUpdateTime"], ReplicaSetCondition: ["lastTransitionTime"], StatefulSetCondition: ["lastTransitionTime"],
  },
  "io.k8s.api.autoscaling.v2": { HorizontalPodAutoscalerCondition: ["lastTransitionTime"], HorizontalPodAutoscalerStatus: ["currentMetrics"] },
  "io.k8s.api.batch.v1": { JobCondition: ["lastProbeTime", "lastTransitionTime"] },
  "io.k8s.api.certificates.v1": { CertificateSigningRequestCondition: ["lastTransitionTime", "lastUpdateTime"] },
  "io.k8s.api.core.v1": {
    ContainerImage: ["names"], ContainerStateRunning: ["startedAt"], ContainerStateTerminated: ["finishedAt", "startedAt"], Event: ["eventTime", "firstTimestamp", "lastTimestamp"], EventSeries: ["lastObservedTime"],
    LimitRangeSpec: ["limits"], NamespaceCondition: ["lastTransitionTime"], NodeCondition: ["lastHeartbeatTime", "lastTransitionTime"], PersistentVolumeClaimCondition: ["lastProbeTime", "lastTransitionTime"],
    PodCondition: ["lastProbeTime", "lastTransitionTime"], ReplicationControllerCondition: ["lastTransitionTime"],
  },
  "io.k8s.api.discovery.v1": { EndpointSlice: ["endpoints", "ports"] },
  "io.k8s.api.events.v1": { Event: ["deprecatedFirstTimestamp", "deprecatedLastTimestamp", "eventTime"], EventSeries: ["lastObservedTime"] },
  "io.k8s.api.flowcontrol.v1": { FlowSchemaCondition: ["lastTransitionTime"], PriorityLevelConfigurationCondition: ["lastTransitionTime"], ResourcePolicyRule: ["namespaces"] },
  "io.k8s.api.rbac.v1": { ClusterRole: ["rules"], Role: ["rules"] },
  "io.k8s.api.resource.v1": { DeviceClaim: ["requests"] },
  "io.k8s.api.storage.v1": { CSINodeDriver: ["topologyKeys"], CSINodeSpec: ["drivers"], VolumeError: ["time"] },
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1": { CustomResourceDefinitionCondition: ["lastTransitionTime"] },
  "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1": { APIServiceCondition: ["lastTransitionTime"] },
};

/** Fields of a type that stand in JSON as `null` when they are not set. */
export const nullFieldsOf = (section: string, type: string): readonly string[] => nullFields[section]?.[type] ?? [];
