import { apiVersionOf, type KubeObject, type ResourceType } from "../apimachinery/object.ts";
import { mutatingAdmissionPolicyBindingResource } from "./admissionregistration/mutating-admission-policy-binding.ts";
import { mutatingAdmissionPolicyResource } from "./admissionregistration/mutating-admission-policy.ts";
import * as admissionV1alpha1 from "./generated/admissionregistration-v1alpha1.ts";
import * as admissionV1beta1 from "./generated/admissionregistration-v1beta1.ts";
import * as networkingV1beta1 from "./generated/networking-v1beta1.ts";
import * as resourceV1beta1 from "./generated/resource-v1beta1.ts";
import * as resourceV1beta2 from "./generated/resource-v1beta2.ts";
import * as storageV1beta1 from "./generated/storage-v1beta1.ts";
import { ipAddressResource } from "./networking/ip-address.ts";
import { serviceCidrResource } from "./networking/service-cidr.ts";
import type { Resource } from "./resource.ts";
import { deviceClassResource } from "./resource/device-class.ts";
import { resourceClaimTemplateResource } from "./resource/resource-claim-template.ts";
import { resourceClaimResource } from "./resource/resource-claim.ts";
import { resourceSliceResource } from "./resource/resource-slice.ts";
import { claimsV1beta1, claimTemplatesV1beta1, slicesV1beta1 } from "./resource/v1beta1.ts";
import { volumeAttributesClassResource } from "./storage/volume-attributes-class.ts";

/** Between the fields of a version and those of the stored one; kind and version are the caller's. */
export interface FieldConversion {
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}
const same: FieldConversion = { toStored: (object) => object, fromStored: (object) => object };

/**
 * A kind in a version beside the one in which it is stored. Defaults and rules are those of the stored version, which every object goes through; columns and selectors look at
 * fields that all versions have in the same place.
 */
function inVersion(stored: Resource, type: ResourceType, { toStored, fromStored }: FieldConversion = same): Resource {
  const as = ({ group, version }: ResourceType, object: KubeObject): KubeObject => ({ ...object, apiVersion: apiVersionOf({ group, version }) });
  return {
    ...stored, type, defaults: (object) => object, validate: () => [], validateUpdate: () => [],
    storedAs: { type: stored.type, toStored: (object) => as(stored.type, toStored(object)), fromStored: (object) => as(type, fromStored(object)) },
  };
}

/** Versions that 1.36 has off by default, of kinds that have a stable one (`--runtime-config` turns them on). */
export const otherVersions: readonly Resource[] = [
  inVersion(mutatingAdmissionPolicyResource, admissionV1beta1.mutatingadmissionpolicies), inVersion(mutatingAdmissionPolicyBindingResource, admissionV1beta1.mutatingadmissionpolicybindings),
  inVersion(mutatingAdmissionPolicyResource, admissionV1alpha1.mutatingadmissionpolicies), inVersion(mutatingAdmissionPolicyBindingResource, admissionV1alpha1.mutatingadmissionpolicybindings),
  inVersion(ipAddressResource, networkingV1beta1.ipaddresses), inVersion(serviceCidrResource, networkingV1beta1.servicecidrs),
  inVersion(deviceClassResource, resourceV1beta2.deviceclasses), inVersion(resourceClaimResource, resourceV1beta2.resourceclaims),
  inVersion(resourceClaimTemplateResource, resourceV1beta2.resourceclaimtemplates), inVersion(resourceSliceResource, resourceV1beta2.resourceslices),
  inVersion(deviceClassResource, resourceV1beta1.deviceclasses), inVersion(resourceClaimResource, resourceV1beta1.resourceclaims, claimsV1beta1),
  inVersion(resourceClaimTemplateResource, resourceV1beta1.resourceclaimtemplates, claimTemplatesV1beta1), inVersion(resourceSliceResource, resourceV1beta1.resourceslices, slicesV1beta1),
  inVersion(volumeAttributesClassResource, storageV1beta1.volumeattributesclasses),
];
