import { persistentvolumeclaims, persistentvolumes } from "../../api/generated/core-v1.ts";
import type { ResourceType } from "../../apimachinery/object.ts";
import { volumeattributesclasses } from "../../api/generated/storage-v1.ts";
import type { AdmissionPlugin } from "../access.ts";
import { isResource } from "./plugin.ts";

const finalizers: readonly (readonly [ResourceType, string])[] = [
  [persistentvolumes, "kubernetes.io/pv-protection"], [persistentvolumeclaims, "kubernetes.io/pvc-protection"], [volumeattributesclasses, "kubernetes.io/vac-protection"],
];
const finalizerOf = (type: ResourceType): string | undefined => finalizers.find(([each]) => isResource(type, each))?.[1];

/** Storage that something uses is deleted only when that ends: controllers take the finalizer away then. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: "StorageObjectInUseProtection",
  handles: (operation, type, subresource) => operation === "CREATE" && subresource === "" && finalizerOf(type) !== undefined,
  mutate({ object, type }) {
    const finalizer = finalizerOf(type);
    if (!object) throw new Error("a creation comes with an object");
    const present = object.metadata.finalizers ?? [];
    return finalizer === undefined || present.includes(finalizer) ? object : { ...object, metadata: { ...object.metadata, finalizers: [...present, finalizer] } };
  },
};
