import { mutatingAdmissionPolicyBindingResource } from "./admissionregistration/mutating-admission-policy-binding.ts";
import { mutatingAdmissionPolicyResource } from "./admissionregistration/mutating-admission-policy.ts";
import { mutatingWebhookConfigurationResource } from "./admissionregistration/mutating-webhook-configuration.ts";
import { validatingAdmissionPolicyBindingResource } from "./admissionregistration/validating-admission-policy-binding.ts";
import { validatingAdmissionPolicyResource } from "./admissionregistration/validating-admission-policy.ts";
import { validatingWebhookConfigurationResource } from "./admissionregistration/validating-webhook-configuration.ts";
import { customResourceDefinitionResource } from "./apiextensions/custom-resource-definition.ts";
import { apiServiceResource } from "./apiregistration/api-service.ts";
import { controllerRevisionResource } from "./apps/controller-revision.ts";
import { daemonSetResource } from "./apps/daemon-set.ts";
import { deploymentResource } from "./apps/deployment.ts";
import { replicaSetResource } from "./apps/replica-set.ts";
import { statefulSetResource } from "./apps/stateful-set.ts";
import { horizontalPodAutoscalerV1Resource } from "./autoscaling/horizontal-pod-autoscaler-v1.ts";
import { horizontalPodAutoscalerResource } from "./autoscaling/horizontal-pod-autoscaler.ts";
import { cronJobResource } from "./batch/cron-job.ts";
import { jobResource } from "./batch/job.ts";
import { certificateSigningRequestResource } from "./certificates/certificate-signing-request.ts";
import { leaseResource } from "./coordination/lease.ts";
import { configMapResource } from "./core/config-map.ts";
import { endpointsResource } from "./core/endpoints.ts";
import { eventResource } from "./core/event.ts";
import { limitRangeResource } from "./core/limit-range.ts";
import { namespaceResource } from "./core/namespace.ts";
import { nodeResource } from "./core/node.ts";
import { persistentVolumeClaimResource } from "./core/persistent-volume-claim.ts";
import { persistentVolumeResource } from "./core/persistent-volume.ts";
import { podTemplateResource } from "./core/pod-template.ts";
import { podResource } from "./core/pod.ts";
import { replicationControllerResource } from "./core/replication-controller.ts";
import { resourceQuotaResource } from "./core/resource-quota.ts";
import { secretResource } from "./core/secret.ts";
import { serviceAccountResource } from "./core/service-account.ts";
import { serviceResource } from "./core/service.ts";
import { endpointSliceResource } from "./discovery/endpoint-slice.ts";
import { eventsEventResource } from "./events/event.ts";
import { flowSchemaResource } from "./flowcontrol/flow-schema.ts";
import { priorityLevelConfigurationResource } from "./flowcontrol/priority-level-configuration.ts";
import { ingressClassResource } from "./networking/ingress-class.ts";
import { ingressResource } from "./networking/ingress.ts";
import { ipAddressResource } from "./networking/ip-address.ts";
import { networkPolicyResource } from "./networking/network-policy.ts";
import { serviceCidrResource } from "./networking/service-cidr.ts";
import { runtimeClassResource } from "./node/runtime-class.ts";
import { podDisruptionBudgetResource } from "./policy/pod-disruption-budget.ts";
import { clusterRoleBindingResource } from "./rbac/cluster-role-binding.ts";
import { clusterRoleResource } from "./rbac/cluster-role.ts";
import { roleBindingResource } from "./rbac/role-binding.ts";
import { roleResource } from "./rbac/role.ts";
import { deviceClassResource } from "./resource/device-class.ts";
import { resourceClaimTemplateResource } from "./resource/resource-claim-template.ts";
import { resourceClaimResource } from "./resource/resource-claim.ts";
import { resourceSliceResource } from "./resource/resource-slice.ts";
import { priorityClassResource } from "./scheduling/priority-class.ts";
import { csiDriverResource } from "./storage/csi-driver.ts";
import { csiNodeResource } from "./storage/csi-node.ts";
import { csiStorageCapacityResource } from "./storage/csi-storage-capacity.ts";
import { storageClassResource } from "./storage/storage-class.ts";
import { volumeAttachmentResource } from "./storage/volume-attachment.ts";
import { volumeAttributesClassResource } from "./storage/volume-attributes-class.ts";
import type { Resource } from "./resource.ts";

/**
 * Every kind of 1.36 that is served by default and has stored objects, with its behaviour. Kinds in several versions are here once per
 * version (`storedAs` names the stored one).
 */
export const resources: readonly Resource[] = [
  mutatingAdmissionPolicyBindingResource,
  mutatingAdmissionPolicyResource,
  mutatingWebhookConfigurationResource,
  validatingAdmissionPolicyBindingResource,
  validatingAdmissionPolicyResource,
  validatingWebhookConfigurationResource,
  customResourceDefinitionResource,
  apiServiceResource,
  controllerRevisionResource,
  daemonSetResource,
  deploymentResource,
  replicaSetResource,
  statefulSetResource,
  horizontalPodAutoscalerV1Resource,
  horizontalPodAutoscalerResource,
  cronJobResource,
  jobResource,
  certificateSigningRequestResource,
  leaseResource,
  configMapResource,
  endpointsResource,
  eventResource,
  limitRangeResource,
  namespaceResource,
  nodeResource,
  persistentVolumeClaimResource,
  persistentVolumeResource,
  podTemplateResource,
  podResource,
  replicationControllerResource,
  resourceQuotaResource,
  secretResource,
  serviceAccountResource,
  serviceResource,
  endpointSliceResource,
  eventsEventResource,
  flowSchemaResource,
  priorityLevelConfigurationResource,
  ingressClassResource,
  ingressResource,
  ipAddressResource,
  networkPolicyResource,
  serviceCidrResource,
  runtimeClassResource,
  podDisruptionBudgetResource,
  clusterRoleBindingResource,
  clusterRoleResource,
  roleBindingResource,
  roleResource,
  deviceClassResource,
  resourceClaimTemplateResource,
  resourceClaimResource,
  resourceSliceResource,
  priorityClassResource,
  csiDriverResource,
  csiNodeResource,
  csiStorageCapacityResource,
  storageClassResource,
  volumeAttachmentResource,
  volumeAttributesClassResource,
];
