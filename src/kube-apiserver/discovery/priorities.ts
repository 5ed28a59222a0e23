/** Where a group version stands in discovery, and in the APIService that is registered for it: higher comes first. */
export interface GroupVersionPriority { readonly group: number; readonly version: number }

/** Upstream's table (kube-apiserver's and the generic control plane's apiVersionPriorities), as far as 1.36 serves the version. */
const priorities: Readonly<Record<string, GroupVersionPriority>> = {
  "/v1": { group: 18_000, version: 1 },
  "apiregistration.k8s.io/v1": { group: 20_000, version: 1 },
  "apps/v1": { group: 17_800, version: 15 },
  "events.k8s.io/v1": { group: 17_750, version: 15 },
  "authentication.k8s.io/v1": { group: 17_700, version: 15 },
  "authorization.k8s.io/v1": { group: 17_600, version: 15 },
  "autoscaling/v1": { group: 17_500, version: 15 },
  "autoscaling/v2": { group: 17_500, version: 30 },
  "batch/v1": { group: 17_400, version: 15 },
  "certificates.k8s.io/v1": { group: 17_300, version: 15 },
  "certificates.k8s.io/v1beta1": { group: 17_300, version: 9 },
  "certificates.k8s.io/v1alpha1": { group: 17_300, version: 1 },
  "networking.k8s.io/v1": { group: 17_200, version: 15 },
  "networking.k8s.io/v1beta1": { group: 17_200, version: 9 },
  "policy/v1": { group: 17_100, version: 15 },
  "rbac.authorization.k8s.io/v1": { group: 17_000, version: 15 },
  "storage.k8s.io/v1": { group: 16_800, version: 15 },
  "storage.k8s.io/v1beta1": { group: 16_800, version: 9 },
  "apiextensions.k8s.io/v1": { group: 16_700, version: 15 },
  "admissionregistration.k8s.io/v1": { group: 16_700, version: 15 },
  "admissionregistration.k8s.io/v1beta1": { group: 16_700, version: 12 },
  "admissionregistration.k8s.io/v1alpha1": { group: 16_700, version: 9 },
  "scheduling.k8s.io/v1": { group: 16_600, version: 15 },
  "scheduling.k8s.io/v1alpha2": { group: 16_600, version: 2 },
  "coordination.k8s.io/v1": { group: 16_500, version: 15 },
  "coordination.k8s.io/v1beta1": { group: 16_500, version: 13 },
  "coordination.k8s.io/v1alpha2": { group: 16_500, version: 12 },
  "node.k8s.io/v1": { group: 16_300, version: 15 },
  "discovery.k8s.io/v1": { group: 16_200, version: 15 },
  "resource.k8s.io/v1": { group: 16_200, version: 21 },
  "resource.k8s.io/v1beta2": { group: 16_200, version: 15 },
  "resource.k8s.io/v1beta1": { group: 16_200, version: 9 },
  "resource.k8s.io/v1alpha3": { group: 16_200, version: 1 },
  "flowcontrol.apiserver.k8s.io/v1": { group: 16_100, version: 21 },
  "internal.apiserver.k8s.io/v1alpha1": { group: 16_000, version: 9 },
  "storagemigration.k8s.io/v1beta1": { group: 15_800, version: 9 },
};

/** What upstream gives to group versions that come from CustomResourceDefinitions. */
export const customResourcePriority: GroupVersionPriority = { group: 1000, version: 100 };

export const priorityOf = (group: string, version: string): GroupVersionPriority => priorities[`${group}/${version}`] ?? customResourcePriority;
