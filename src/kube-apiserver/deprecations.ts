import { apiVersionOf, type ResourceType } from "../apimachinery/object.ts";

interface Lifecycle {
  /** Minor release of Kubernetes 1. */
  readonly deprecated: number;
  readonly removed?: number;
  readonly replacement?: string;
}

/** Versions of kinds that are deprecated in 1.36, as upstream's types say it of themselves (`APILifecycleDeprecated`, `…Removed`, `…Replacement`). */
const lifecycles: Readonly<Record<string, Lifecycle>> = {
  "v1 ComponentStatus": { deprecated: 19 },
  "v1 Endpoints": { deprecated: 33, replacement: "discovery.k8s.io/v1 EndpointSlice" },
  "admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicy": { deprecated: 35, removed: 38 },
  "admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicyBinding": { deprecated: 35, removed: 38 },
  "certificates.k8s.io/v1alpha1 ClusterTrustBundle": { deprecated: 34, removed: 37 },
  "coordination.k8s.io/v1alpha2 LeaseCandidate": { deprecated: 35, removed: 38 },
  "coordination.k8s.io/v1beta1 LeaseCandidate": { deprecated: 36, removed: 39 },
  "networking.k8s.io/v1beta1 IPAddress": { deprecated: 34, removed: 37 },
  "networking.k8s.io/v1beta1 ServiceCIDR": { deprecated: 34, removed: 37 },
  "resource.k8s.io/v1alpha3 DeviceTaintRule": { deprecated: 36, removed: 39 },
  "resource.k8s.io/v1beta1 DeviceClass": { deprecated: 35, removed: 38 },
  "resource.k8s.io/v1beta1 ResourceClaim": { deprecated: 35, removed: 38 },
  "resource.k8s.io/v1beta1 ResourceClaimTemplate": { deprecated: 35, removed: 38 },
  "resource.k8s.io/v1beta1 ResourceSlice": { deprecated: 35, removed: 38 },
  "resource.k8s.io/v1beta2 DeviceClass": { deprecated: 36, removed: 39 },
  "resource.k8s.io/v1beta2 ResourceClaim": { deprecated: 36, removed: 39 },
  "resource.k8s.io/v1beta2 ResourceClaimTemplate": { deprecated: 36, removed: 39 },
  "resource.k8s.io/v1beta2 ResourceSlice": { deprecated: 36, removed: 39 },
  "storage.k8s.io/v1beta1 VolumeAttributesClass": { deprecated: 34, removed: 37, replacement: "storage.k8s.io/v1 VolumeAttributesClass" },
};

const warnings: ReadonlyMap<string, string> = new Map(Object.entries(lifecycles).map(([kind, { deprecated, removed, replacement }]) => [
  kind, `${kind} is deprecated in v1.${deprecated}+${removed === undefined ? "" : `, unavailable in v1.${removed}+`}${replacement === undefined ? "" : `; use ${replacement}`}`,
]));

/** What every request for a resource of a deprecated version is warned of, whatever its verb. */
export const deprecationWarning = (type: Pick<ResourceType, "group" | "version" | "kind">): string | undefined => warnings.get(`${apiVersionOf(type)} ${type.kind}`);

/** "1.38" for a deprecated version that will be gone then, "" for one of which nobody knows when; undefined for all others. */
export function removedRelease(type: Pick<ResourceType, "group" | "version" | "kind">): string | undefined {
  const lifecycle = lifecycles[`${apiVersionOf(type)} ${type.kind}`];
  return lifecycle && (lifecycle.removed === undefined ? "" : `1.${lifecycle.removed}`);
}
